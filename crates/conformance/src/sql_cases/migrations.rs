//! Migrations run on whatever database they meet, once, whoever starts them.

use std::sync::Arc;

use keymint_domain::policy::Policy;
use keymint_ports::{IdentityStore, KeyStore, ServerKeyStore};

use super::tables::in_words_of;
use crate::support::at_once;
use crate::{SqlEngine, sample};

/// The table as the api-key plugin made it up to 1.4.
const OLD_LAYOUT: &str = r#"
    create table "apikey" ("id" text not null primary key, "name" text, "start" text, "prefix" text, "key" text not null,
        "userId" text not null, "refillInterval" integer, "refillAmount" integer, "lastRefillAt" INSTANT, "enabled" FLAG,
        "rateLimitEnabled" FLAG, "rateLimitTimeWindow" integer, "rateLimitMax" integer, "requestCount" integer,
        "remaining" integer, "lastRequest" INSTANT, "expiresAt" INSTANT, "createdAt" INSTANT not null,
        "updatedAt" INSTANT not null, "permissions" text, "metadata" text)"#;

pub async fn a_second_migration_changes_nothing<E: SqlEngine>(engine: &E) {
    let specimens = engine.specimens();
    engine.migrate().await;
    let schema = engine.ask(specimens.schema).await;
    engine.migrate().await;
    assert_eq!(engine.ask(specimens.schema).await, schema);
    let expected = "account apikey invitation keymint_activity keymint_deleted_key keymint_event keymint_event_chain \
                    keymint_key_network keymint_link keymint_migrations keymint_operator keymint_portal_session \
                    keymint_secret keymint_server_key keymint_usage keymint_usage_flush keymint_usage_journal \
                    keymint_usage_unknown keymint_webhook keymint_webhook_delivery member organization session user \
                    verification";
    assert_eq!(engine.ask(specimens.tables).await.join(" "), expected);
}

pub async fn handles_that_start_at_once_on_an_empty_database_all_succeed<E: SqlEngine>(engine: &E) {
    const HANDLES: usize = 12;
    for _ in 0..5 {
        let engine = Arc::new(engine.another().await);
        let handles = (0..HANDLES).map(|number| {
            let engine = Arc::clone(&engine);
            async move {
                let store = engine.open().await;
                store.insert(&sample::key(&number.to_string()), None, &sample::UNRECORDED).await.unwrap();
            }
        });
        at_once(handles).await;
        let keys = r#"select cast(count(*) as text) from "apikey""#;
        assert_eq!(engine.ask(keys).await, [HANDLES.to_string()]);
        let migrations = "select cast(count(*) as text) from keymint_migrations";
        assert_eq!(engine.ask(migrations).await, [engine.specimens().migrations]);
    }
}

pub async fn the_layout_before_1_5_is_refused_with_what_it_lacks_and_left_alone<E: SqlEngine>(engine: &E) {
    engine.execute(&in_words_of(engine, OLD_LAYOUT)).await;
    let Err(refused) = engine.try_open().await else { panic!("it was taken") };
    assert_eq!(refused.missing, ["configId", "referenceId"]);
    let text = "the table apikey lacks configId, referenceId: Better Auth's own migration to the api-key plugin 1.5 or \
                later must run first";
    assert_eq!(refused.text, text);
    assert_eq!(engine.ask(engine.specimens().tables).await, ["apikey"]);
}

pub async fn a_database_that_a_newer_keymint_migrated_is_taken<E: SqlEngine>(engine: &E) {
    engine.migrate().await;
    let newer = "insert into keymint_migrations (version, description, success, checksum, execution_time)
        values (9999, 'newer', true, '\\x00', 0)";
    engine.execute(newer).await;
    assert!(engine.try_open().await.is_ok());
}

pub async fn a_database_of_an_older_keymint_keeps_its_keys<E: SqlEngine>(engine: &E) {
    engine.migrate_to(2).await;
    let older = format!(
        r#"insert into "apikey" ("id", "configId", "referenceId", "key", "enabled", "rateLimitEnabled", "requestCount",
            "remaining", "createdAt", "updatedAt", "metadata", "keymint_backlog_ns") values ('a', 'default', 'ada', '{}', true,
            false, 0, 5, '2023-11-14T22:13:20.000Z', '2023-11-14T22:13:20.000Z', 'null', 7);
        insert into "keymint_server_key" values ('s', null, 'kms_', 'h', '2023-11-14T22:13:20.000Z', null)"#,
        sample::plain("a").hash().as_str(),
    );
    engine.execute(&older).await;

    let store = engine.open().await;
    let key = sample::key_with("a", |_, usage| (usage.remaining, usage.backlog_ns) = (Some(5), Some(7)));
    assert_eq!(store.find(&sample::id("a")).await.unwrap(), Some(key));
    let answers = store.spend(&[sample::attempt("a")], &Policy::default(), sample::NOW).await.unwrap();
    assert!(answers[0].as_ref().unwrap().accepted().is_some());
    assert!(
        !store.insert_first_server_key(&sample::server_key("first", sample::NOW), &sample::UNRECORDED).await.unwrap()
    );
    assert_eq!(store.keep_secret("offered").await.unwrap(), "offered");
}

pub async fn what_is_added_to_better_auths_tables_is_nullable<E: SqlEngine>(engine: &E) {
    engine.migrate().await;
    let (question, expected) = engine.specimens().added_columns;
    assert_eq!(engine.ask(question).await, expected);
}
