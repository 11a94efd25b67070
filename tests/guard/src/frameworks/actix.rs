use std::net::TcpListener;

use actix_web::http::Method;
use actix_web::{App, HttpResponse, HttpServer, web};
use keymint_actix::guard::{Admission, Admitted, KeyCheck, RequireKey, Verified};
use keymint_domain::ConfigId;

use super::{Framework, OWN, READ, WRITE, told};

/// actix-web, by keymint-actix.
#[derive(Debug)]
pub struct Actix;

async fn tell(Verified(key): Verified) -> String {
    told(&key)
}

async fn gone(_: Verified) -> HttpResponse {
    HttpResponse::NotFound().finish()
}

async fn own() -> HttpResponse {
    HttpResponse::Ok().insert_header(OWN).finish()
}

async fn open(Admitted(admission): Admitted, Admitted(same): Admitted) -> &'static str {
    assert_eq!(admission, same);
    if let Admission::Verified(_) = admission { "verified" } else { "unverified" }
}

async fn upload(body: web::Bytes) -> String {
    body.len().to_string()
}

fn other() -> RequireKey {
    RequireKey::any().configuration(ConfigId::parse("other").unwrap())
}

impl Framework for Actix {
    fn serve(listener: TcpListener, check: KeyCheck) {
        let app = move || {
            let (read, write) = (|| RequireKey::permissions(READ), || RequireKey::permissions(WRITE));
            let within = web::scope("/in")
                .wrap(RequireKey::any().cost(2))
                .service(web::resource("/report").wrap(read().cost(3)).to(tell))
                .service(web::resource("/write").wrap(write().cost(3)).to(tell))
                .service(web::resource("/other").wrap(other().cost(3)).to(tell));
            let open_twice = web::resource("/open").wrap(RequireKey::any().fail_open());
            let page = web::resource("/page").wrap(RequireKey::any().pass_preflights());
            App::new()
                .app_data(check.clone())
                .route("/bare", web::to(tell))
                .service(web::resource("/report").wrap(read().cost(5)).to(tell))
                .service(web::resource("/report/gone").wrap(read().cost(5)).to(gone))
                .service(web::resource("/report/own").wrap(read().cost(5)).to(own))
                .service(web::resource("/write").wrap(write()).to(tell))
                .service(web::resource("/other").wrap(other()).to(tell))
                .service(within)
                .service(open_twice.wrap(RequireKey::any().fail_open()).to(open))
                .service(web::resource("/closed").wrap(RequireKey::any().fail_open()).to(tell))
                .service(
                    page.route(web::method(Method::OPTIONS).to(HttpResponse::NoContent)).route(web::to(async || "in")),
                )
                .service(web::resource("/upload").wrap(RequireKey::any()).to(upload))
        };
        tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
    }

    fn serve_without_check(listener: TcpListener) {
        let app = || App::new().route("/bare", web::to(tell));
        tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
    }
}
