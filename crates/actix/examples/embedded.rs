//! An API that is guarded by a Keymint in its own process, on SQLite.

use std::net::TcpListener;
use std::sync::Arc;

use actix_web::dev::Server;
use actix_web::{App, HttpServer, web};
use keymint_actix::guard::{KeyCheck, RequireKey, Verified};
use keymint_service::domain::key::NewKey;
use keymint_service::domain::{OwnerId, Permissions};
use keymint_service::{Caller, CreateKey, Keys};
use keymint_store_sqlite::{SqliteOptions, SqliteStore};

async fn hello(Verified(key): Verified) -> String {
    format!("Hello, {}!", key.owner)
}

async fn report(Verified(key): Verified) -> String {
    format!("A report for {}, by key {}.", key.owner, key.id)
}

pub(crate) fn serve(listener: TcpListener, keys: Arc<Keys>) -> std::io::Result<Server> {
    let check = KeyCheck::embedded(keys);
    let app = move || {
        let reports = RequireKey::permissions(&[("reports", &["read"])]).cost(5);
        App::new()
            .app_data(check.clone())
            .route("/hello", web::get().to(hello))
            .service(web::resource("/report").wrap(reports).route(web::get().to(report)))
    };
    Ok(HttpServer::new(app).workers(2).listen(listener)?.run())
}

#[actix_web::main]
#[expect(clippy::print_stdout, reason = "its user is to see the key")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = SqliteStore::connect(&SqliteOptions::new("keys.db")).await?;
    let keys = Arc::new(Keys::builder(Arc::new(store)).build());
    let permissions = Some(Permissions::of(&[("reports", &["read"])]));
    let new = CreateKey::of(OwnerId::parse("ada")?, NewKey { permissions, ..NewKey::default() });
    let minted = keys.create(&Caller::Server, new).await?;
    println!("curl -H 'x-api-key: {}' http://127.0.0.1:8080/report", minted.plain.expose());
    Ok(serve(TcpListener::bind("127.0.0.1:8080")?, keys)?.await?)
}
