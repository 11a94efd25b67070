//! A role that may only work on the tables starts on tables that are up to date, and is told what it lacks.

#![expect(clippy::unwrap_used, reason = "test support")]

mod support;

use keymint_conformance::sample;
use keymint_domain::policy::Policy;
use keymint_ports::{IdentityStore as _, KeyStore as _, ServerKeyStore as _};
use keymint_store_postgres::{ConnectError, PgOptions, PgStore};

use crate::support::Database;

/// Every table that a role works on, as `docs/operations` grants them.
const TABLES: &str = r#""apikey", "user", "session", "account", "organization", "member", "keymint_server_key", "keymint_secret",
    "keymint_event", "keymint_event_chain", "keymint_usage", "keymint_usage_unknown", "keymint_usage_flush",
    "keymint_usage_journal", "keymint_activity", "keymint_deleted_key", "keymint_key_network", "keymint_webhook", "keymint_webhook_delivery",
    "keymint_operator", "keymint_link", "keymint_portal_session""#;

/// A migrated database, and a role beside its owner.
struct Worked {
    database: Database,
    role: String,
}

impl Worked {
    /// The role may read and write rows, and nothing else.
    async fn new() -> Self {
        let worked = Self::without_rights().await;
        worked.database.execute("revoke create on schema public from public").await;
        PgStore::migrate(&worked.database.options()).await.unwrap();
        worked.execute(&format!("grant select, insert, update, delete on {TABLES} to ROLE")).await;
        worked.execute(r#"grant select on "keymint_migrations" to ROLE"#).await;
        worked
    }

    async fn without_rights() -> Self {
        let database = Database::new().await;
        // Roles are the whole server's; the database's name is its own.
        let worked = Self { role: format!("{}_role", database.name().await), database };
        worked.execute("create role ROLE").await;
        worked
    }

    async fn execute(&self, sql: &str) {
        self.database.execute(&sql.replace("ROLE", &self.role)).await;
    }

    /// As the role.
    fn options(&self) -> PgOptions {
        let options = self.database.options();
        PgOptions { url: format!("{}&options=-c%20role%3D{}", options.url, self.role), ..options }
    }

    async fn refusal(&self) -> String {
        PgStore::connect(&self.options()).await.unwrap_err().to_string()
    }
}

#[tokio::test]
async fn a_role_with_rights_on_rows_alone_starts_and_works() {
    let worked = Worked::new().await;
    let store = PgStore::connect(&worked.options()).await.unwrap();
    assert_eq!(store.faults(), []);
    store.insert(&sample::key("a"), None, &sample::UNRECORDED).await.unwrap();
    let answers = store.spend(&[sample::attempt("a")], &Policy::default(), sample::NOW).await.unwrap();
    assert!(answers[0].as_ref().unwrap().accepted().is_some());
    assert!(store.remove(&sample::id("a"), &sample::UNRECORDED).await.unwrap());
    assert!(
        store.insert_first_server_key(&sample::server_key("first", sample::NOW), &sample::UNRECORDED).await.unwrap()
    );
    assert_eq!(store.keep_secret("offered").await.unwrap(), "offered");
}

#[tokio::test]
async fn each_right_that_is_missing_is_named_with_what_needs_it() {
    let worked = Worked::new().await;
    for (right, table, purpose) in [
        ("SELECT", "apikey", "keys"),
        ("INSERT", "apikey", "keys"),
        ("UPDATE", "apikey", "keys"),
        ("DELETE", "apikey", "keys"),
        ("SELECT", "user", "keys, whose owners may be banned"),
        ("INSERT", "keymint_server_key", "server keys"),
        ("SELECT", "keymint_migrations", "the look for what must be migrated"),
    ] {
        worked.execute(&format!("revoke {right} on {table:?} from ROLE")).await;
        let expected =
            format!("the database cannot be used as it is: the role lacks {right} on {table}, for {purpose}");
        assert_eq!(worked.refusal().await, expected);
        worked.execute(&format!("grant {right} on {table:?} to ROLE")).await;
    }
    worked.execute(r#"revoke insert, delete on "apikey" from ROLE"#).await;
    let both = "the role lacks INSERT on apikey, for keys; the role lacks DELETE on apikey, for keys";
    assert!(worked.refusal().await.ends_with(both));
}

#[tokio::test]
async fn a_right_that_only_users_need_is_told_and_keeps_nobody_from_starting() {
    let worked = Worked::new().await;
    worked.execute(r#"revoke delete on "session" from ROLE"#).await;
    let store = PgStore::connect(&worked.options()).await.unwrap();
    let faults: Vec<_> = store.faults().iter().map(ToString::to_string).collect();
    assert_eq!(faults, ["the role lacks DELETE on session, for sessions"]);
    assert!(store.keeps_usage());
    worked.execute(r#"revoke update on "keymint_activity" from ROLE"#).await;
    let store = PgStore::connect(&worked.options()).await.unwrap();
    assert!(store.faults().iter().any(|fault| fault.to_string().contains("UPDATE on keymint_activity")));
    assert!(!store.keeps_usage(), "each flush would fail");
    worked.execute(r#"grant update on "keymint_activity" to ROLE"#).await;
}

#[tokio::test]
async fn a_right_on_the_columns_alone_is_enough() {
    let worked = Worked::new().await;
    worked.execute(r#"revoke select on "user" from ROLE; grant select ("id") on "user" to ROLE"#).await;
    let store = PgStore::connect(&worked.options()).await.unwrap();
    let answers = store.spend(&[sample::attempt("a")], &Policy::default(), sample::NOW).await.unwrap();
    assert!(answers[0].as_ref().unwrap().refused().is_some());
}

#[tokio::test]
async fn a_role_that_may_not_migrate_says_so_where_that_is_needed() {
    let worked = Worked::without_rights().await;
    worked.database.execute("revoke create on schema public from public").await;
    let on_nothing = worked.refusal().await;
    let expected = format!(
        "the tables are not up to date, and the role {} may not change them: permission denied for schema public; run \
         `keymint migrate` once as the role that owns them",
        worked.role
    );
    assert_eq!(on_nothing, expected);

    let behind = Worked::new().await;
    behind.execute("delete from keymint_migrations where version = 5; grant create on schema public to ROLE").await;
    behind.execute(r#"grant insert, update on "keymint_migrations" to ROLE"#).await;
    assert!(behind.refusal().await.contains("may not change them: must be owner of table apikey; run"));
}

#[tokio::test]
async fn a_database_that_must_be_there_is_not_made() {
    let database = Database::new().await;
    let options = PgOptions { must_exist: true, ..database.options() };
    assert!(matches!(PgStore::connect(&options).await, Err(ConnectError::Missing)));
    PgStore::migrate(&database.options()).await.unwrap();
    assert!(PgStore::connect(&options).await.is_ok());
}
