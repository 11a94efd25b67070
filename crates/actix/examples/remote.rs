//! An API that is guarded by a Keymint elsewhere. The feature `remote` of keymint-actix has the client.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};
use keymint_actix::guard::{Admission, Admitted, KeyCheck, Remote, RemoteOptions, RequireKey, Verified};

async fn hello(Admitted(admission): Admitted) -> String {
    match admission {
        Admission::Verified(key) => format!("Hello, {}!", key.owner),
        Admission::Unverified => "Hello, whoever you are!".to_owned(),
    }
}

async fn report(Verified(key): Verified) -> String {
    format!("A report for {}, by key {}.", key.owner, key.id)
}

pub(crate) fn serve(listener: TcpListener, keymint: Remote) -> std::io::Result<Server> {
    let check = KeyCheck::by(Arc::new(keymint));
    let app = move || {
        // Greetings go on while Keymint cannot be asked; reports do not.
        let greetings = RequireKey::any().fail_open();
        let reports = RequireKey::permissions(&[("reports", &["read"])]).cost(5);
        App::new()
            .app_data(check.clone())
            .service(web::resource("/hello").wrap(greetings).route(web::get().to(hello)))
            .service(web::resource("/report").wrap(reports).route(web::get().to(report)))
    };
    Ok(HttpServer::new(app).workers(2).listen(listener)?.run())
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server_key = std::fs::read_to_string("server-key.txt")?;
    let keymint = Remote::new("http://127.0.0.1:3000/api/auth", server_key.trim(), RemoteOptions::default())?;
    Ok(serve(TcpListener::bind("127.0.0.1:8080")?, keymint)?.await?)
}
