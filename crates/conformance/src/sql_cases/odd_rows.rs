//! Values that Better Auth's own interface, drivers and the database's functions leave in a row have a meaning, and
//! stay in the row as they are written there.

use keymint_domain::Configuration;
use keymint_domain::key::{EditKey, Field, RefillEdit};
use keymint_domain::policy::Policy;
use keymint_domain::usage::Every;
use keymint_domain::value::KeyName;
use keymint_domain::verify::Cost;
use keymint_ports::KeyStore;

use crate::{SqlEngine, sample};

pub async fn odd_values_are_read_as_what_they_mean_and_no_edit_rewrites_them<E: SqlEngine>(engine: &E) {
    let store = engine.open().await;
    let name = EditKey { name: KeyName::parse("new").ok(), ..EditKey::default() };
    let rename = name.check(&Configuration::default(), sample::NOW).unwrap();
    for (column, value, means) in engine.specimens().odd_keys {
        let value = value.replace("LONG", &"x".repeat(5000));
        store.insert(&sample::key("odd"), None, &sample::UNRECORDED).await.unwrap();
        engine.execute(&format!(r#"update "apikey" set "{column}" = {value}"#)).await;
        let ask = format!(r#"select {} from "apikey""#, engine.specimens().column_form.replace("COLUMN", column));
        let before = engine.ask(&ask).await;
        let key = store.find(&sample::id("odd")).await.unwrap().unwrap();
        assert!(means(&key), "{column} = {value}: {key:?}");
        store.update(&sample::id("odd"), &rename, sample::NOW, &sample::UNRECORDED).await.unwrap().unwrap();
        let after = engine.ask(&ask).await;
        assert!(before == after || *column == "updatedAt", "{column}: {before:?} became {after:?}");
        let attempt = sample::attempt("odd").at_cost(Cost(0));
        let answers = store.spend(&[attempt], &Policy::default(), sample::NOW).await.unwrap();
        assert!(answers[0].is_ok(), "{column} = {value}");
        assert!(store.remove(&sample::id("odd"), &sample::UNRECORDED).await.unwrap());
    }
}

pub async fn what_better_auth_writes_counts_before_what_keymint_keeps_beside_it<E: SqlEngine>(engine: &E) {
    let store = engine.open().await;
    let key = sample::key_with("key", |details, usage| {
        (details.refill_amount, details.refill_every) = (Some(10), Some(Every::Month));
        details.rate_limit_enabled = true;
        (details.rate_limit_window_ms, details.rate_limit_max) = (Some(40 * 86_400_000), Some(5));
        usage.remaining = Some(3);
    });
    store.insert(&key, None, &sample::UNRECORDED).await.unwrap();
    // Better Auth refills nothing without an interval, and removes no exhausted key that has an amount.
    let columns = r#"select coalesce(cast("refillInterval" as text), 'null') from "apikey""#;
    assert_eq!(engine.ask(columns).await, ["null"]);
    let write = r#"update "apikey" set "refillInterval" = 1000, "rateLimitTimeWindow" = 60000"#;
    engine.execute(write).await;
    let found = store.find(&sample::id("key")).await.unwrap().unwrap();
    assert_eq!((found.details.refill_interval_ms, found.details.refill_every), (Some(1000), None));
    assert_eq!(found.details.rate_limit_window_ms, Some(60_000));
    // Taking the interval away does not bring the calendar back.
    let refill = RefillEdit { amount: Field::Null, interval_ms: Field::Null, every: Field::Absent };
    let clear = EditKey { refill, ..EditKey::default() }.check(&Configuration::default(), sample::NOW).unwrap();
    let cleared = store.update(&sample::id("key"), &clear, sample::NOW, &sample::UNRECORDED).await.unwrap().unwrap();
    assert_eq!(store.find(&sample::id("key")).await.unwrap().as_ref(), Some(&cleared));
    assert_eq!((cleared.details.refill(), cleared.details.rate_limit_window_ms), (None, Some(60_000)));
}

pub async fn a_creator_that_cannot_be_read_makes_no_key_unusable<E: SqlEngine>(engine: &E) {
    let store = engine.open().await;
    store.insert(&sample::key("key"), None, &sample::UNRECORDED).await.unwrap();
    engine.execute(r#"update "apikey" set "keymint_created_by" = 'nobody at all'"#).await;
    assert_eq!(store.find(&sample::id("key")).await.unwrap(), Some(sample::key("key")));
}
