//! No error and no `Debug` shows a password or a hash.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use std::error::Error;
use std::fmt::Write as _;

use keymint_conformance::sample;
use keymint_ports::{IdentityStore as _, KeyStore};
use keymint_store_postgres::{PgOptions, PgStore};

use crate::support::Database;

/// Everything that a log could show of an error.
fn all_texts(error: &dyn Error) -> String {
    let mut texts = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        writeln!(texts, "{error} {error:?}").unwrap();
        next = error.source();
    }
    texts
}

#[tokio::test]
async fn a_url_that_cannot_be_used_is_not_repeated() {
    let urls = [
        "postgres://ada:hunter2@localhost:port/db",
        "postgres://ada:hunter2@local host/db",
        "postgres://ada:hunter2@/db?sslmode=hunter2",
        "postgres://ada:hunter2%ff@localhost/db",
        "hunter2",
        "postgres://ada:hunter2@localhost/db?host=/nowhere",
        "postgres://ada:hunter2@localhost:1/db",
    ];
    for url in urls {
        let options = PgOptions { acquire_timeout_ms: 100, ..PgOptions::new(url) };
        assert!(!format!("{options:?}").contains("hunter2"));
        let error = PgStore::connect(&options).await.unwrap_err();
        let texts = all_texts(&error);
        assert!(!texts.contains("hunter2"), "{texts}");
    }
}

#[tokio::test]
async fn a_row_that_the_server_refuses_is_not_repeated() {
    let database = Database::new().await;
    let store = database.open().await;
    database.execute(r#"alter table "apikey" add column "strange" text not null"#).await;
    let key = sample::key("a");
    let error = store.insert(&key, None, &sample::UNRECORDED).await.unwrap_err();
    let texts = all_texts(&error);
    assert!(texts.contains("23502"), "{texts}");
    assert!(!texts.contains(key.details.stored.as_str()), "{texts}");
}

#[tokio::test]
async fn a_user_whom_the_server_refuses_is_not_repeated_and_not_kept() {
    let database = Database::new().await;
    let store = database.open().await;
    database.execute(r#"alter table "account" add column "strange" text not null"#).await;
    let new = sample::new_user("ada");
    let error = store.insert_user(&new, &sample::session("token", "ada"), &sample::UNRECORDED).await.unwrap_err();
    let texts = all_texts(&error);
    assert!(texts.contains("23502"), "{texts}");
    assert!(!texts.contains(new.password_hash.as_str()) && !texts.contains(&new.user.email), "{texts}");
    assert_eq!(store.find_user(&new.user.id).await.unwrap(), None);
}
