//! An axum API that is guarded by a Keymint in its own process, on SQLite. The feature `axum` of keymint-tower has the extractors.

use std::sync::Arc;

use axum::routing::get;
use axum::{Extension, Router};
use keymint_service::domain::key::NewKey;
use keymint_service::domain::{OwnerId, Permissions};
use keymint_service::{Caller, CreateKey, Keys};
use keymint_store_sqlite::{SqliteOptions, SqliteStore};
use keymint_tower::{KeyCheck, RequireKey, Requirement, Verified};
use tokio::net::TcpListener;

async fn hello(Verified(key): Verified) -> String {
    format!("Hello, {}!", key.owner)
}

async fn report(Verified(key): Verified) -> String {
    format!("A report for {}, by key {}.", key.owner, key.id)
}

pub(crate) fn app(keys: Arc<Keys>) -> Router {
    let check = KeyCheck::embedded(keys);
    let reports = RequireKey::new(&check, Requirement::permissions(&[("reports", &["read"])]).cost(5));
    Router::new().route("/hello", get(hello).layer(Extension(check))).route("/report", get(report).layer(reports))
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "its user is to see the key")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = SqliteStore::connect(&SqliteOptions::new("keys.db")).await?;
    let keys = Arc::new(Keys::builder(Arc::new(store)).build());
    let permissions = Some(Permissions::of(&[("reports", &["read"])]));
    let new = CreateKey::of(OwnerId::parse("ada")?, NewKey { permissions, ..NewKey::default() });
    let minted = keys.create(&Caller::Server, new).await?;
    println!("curl -H 'x-api-key: {}' http://127.0.0.1:8080/report", minted.plain.expose());
    Ok(axum::serve(TcpListener::bind("127.0.0.1:8080").await?, app(keys)).await?)
}
