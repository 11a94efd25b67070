//! An axum API that is guarded by a Keymint elsewhere. The feature `remote` of keymint-tower has the client.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use keymint_tower::{Admission, Admitted, KeyCheck, Remote, RemoteOptions, RequireKey, Requirement, Verified};
use tokio::net::TcpListener;

async fn hello(Admitted(admission): Admitted) -> String {
    match admission {
        Admission::Verified(key) => format!("Hello, {}!", key.owner),
        Admission::Unverified => "Hello, whoever you are!".to_owned(),
    }
}

async fn report(Verified(key): Verified) -> String {
    format!("A report for {}, by key {}.", key.owner, key.id)
}

pub(crate) fn app(keymint: Remote) -> Router {
    let check = KeyCheck::by(Arc::new(keymint));
    // Greetings go on while Keymint cannot be asked; reports do not.
    let greetings = RequireKey::new(&check, Requirement::any().fail_open());
    let reports = RequireKey::new(&check, Requirement::permissions(&[("reports", &["read"])]).cost(5));
    Router::new().route("/hello", get(hello).layer(greetings)).route("/report", get(report).layer(reports))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server_key = std::fs::read_to_string("server-key.txt")?;
    let keymint = Remote::new("http://127.0.0.1:3000/api/auth", server_key.trim(), RemoteOptions::default())?;
    // The addresses of clients are for keys that may be used from some networks only.
    let app = app(keymint).into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(TcpListener::bind("127.0.0.1:8080").await?, app).await?)
}
