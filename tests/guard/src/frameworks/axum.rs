use std::net::{SocketAddr, TcpListener};

use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::{any, get, options};
use axum::{Extension, Router};
use keymint_domain::ConfigId;
use keymint_tower::{Admission, Admitted, KeyCheck, RequireKey, Requirement, Verified};

use super::{Framework, OWN, READ, WRITE, told};

/// axum, by keymint-tower's layer and extractors.
#[derive(Debug)]
pub struct Axum;

async fn tell(Verified(key): Verified) -> String {
    told(&key)
}

async fn gone(_: Verified) -> StatusCode {
    StatusCode::NOT_FOUND
}

async fn own() -> [(&'static str, &'static str); 1] {
    [OWN]
}

async fn open(Admitted(admission): Admitted, Admitted(same): Admitted) -> &'static str {
    assert_eq!(admission, same);
    if let Admission::Verified(_) = admission { "verified" } else { "unverified" }
}

async fn upload(body: Bytes) -> String {
    body.len().to_string()
}

fn other() -> Requirement {
    Requirement::any().configuration(ConfigId::parse("other").unwrap())
}

fn run(listener: TcpListener, app: Router) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async { axum::serve(listener, app).await });
}

impl Framework for Axum {
    fn serve(listener: TcpListener, check: KeyCheck) {
        let guard = |requirement| RequireKey::new(&check, requirement);
        let (read, write) = (|| Requirement::permissions(READ), || Requirement::permissions(WRITE));
        let within = Router::new()
            .route("/report", get(tell).layer(guard(read().cost(3))))
            .route("/write", get(tell).layer(guard(write().cost(3))))
            .route("/other", get(tell).layer(guard(other().cost(3))))
            .layer(guard(Requirement::any().cost(2)));
        let fails_open = || guard(Requirement::any().fail_open());
        let app = Router::new()
            .route("/bare", get(tell).layer(Extension(check.clone())))
            .route("/report", get(tell).layer(guard(read().cost(5))))
            .route("/report/gone", get(gone).layer(guard(read().cost(5))))
            .route("/report/own", get(own).layer(guard(read().cost(5))))
            .route("/write", get(tell).layer(guard(write())))
            .route("/other", get(tell).layer(guard(other())))
            .nest("/in", within)
            .merge(Router::new().route("/open", get(open).layer(fails_open())).layer(fails_open()))
            .route("/closed", get(tell).layer(fails_open()))
            .route(
                "/page",
                options(async || StatusCode::NO_CONTENT)
                    .fallback(async || "in")
                    .layer(guard(Requirement::any().pass_preflights())),
            )
            .route("/upload", any(upload).layer(guard(Requirement::any())));
        run(listener, app);
    }

    fn serve_without_check(listener: TcpListener) {
        run(listener, Router::new().route("/bare", get(tell)));
    }
}
