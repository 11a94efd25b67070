//! The answers to requests that pass, and what handlers are told.

use std::sync::Arc;

use keymint_domain::key::{Field, MetadataInput, NewKey, RefillInput};
use keymint_domain::policy::{Cut, RotateSecret};
use keymint_domain::{Metadata, Timestamp};
use keymint_guard::{KeyCheck, LimitFields};
use keymint_ports::FakeClock;
use keymint_service::{Caller, RotateKey};
use keymint_store_memory::MemoryStore;
use serde_json::json;

use crate::frameworks::Framework;
use crate::support::{
    app, checks, get, header, json as body_of, keymint_in, mint, policy, remote, service, service_with, verifiers,
};

/// A rate limit of ten in ten seconds, and a quota of twenty a minute.
fn limited(new: &mut NewKey) {
    (new.rate_limit_max, new.rate_limit_window_ms) = (Some(10), Some(10_000));
    new.remaining = Field::Given(20);
    new.refill = RefillInput { amount: Some(20), interval_ms: Some(60_000), ..RefillInput::default() };
}

pub async fn every_answer_says_how_the_key_stands_against_its_limits<F: Framework>() {
    for name in ["embedded", "remote"] {
        let keys = service(MemoryStore::default());
        let (_, key) = mint(&keys, limited).await;
        let (_, free) = mint(&keys, |new| new.rate_limit_enabled = Some(false)).await;
        let check = checks(&keys).into_iter().find(|(found, _)| *found == name).unwrap().1;
        let address = app::<F>(check);
        for (path, status, limits) in [
            ("/report", 200, r#""rate";r=5;t=1, "quota";r=15;t=61"#),
            ("/in/write", 403, r#""rate";r=3;t=1, "quota";r=13;t=61"#),
            ("/open", 200, r#""rate";r=2;t=1, "quota";r=12;t=61"#),
            ("/page", 200, r#""rate";r=1;t=1, "quota";r=11;t=61"#),
            ("/report", 429, r#""rate";r=1;t=1, "quota";r=11;t=61"#),
        ] {
            let answer = get(address, path, &[("x-api-key", key.expose())]).await;
            assert_eq!(answer.status().as_u16(), status, "{name} {path}");
            assert_eq!(header(&answer, "ratelimit"), limits, "{name} {path}");
            assert_eq!(header(&answer, "ratelimit-policy"), r#""rate";q=10;w=10, "quota";q=20;w=60"#, "{name} {path}");
            let free = get(address, path, &[("x-api-key", free.expose())]).await;
            assert_eq!(header(&free, "ratelimit"), "", "{name} {path}: a key without a limit");
        }
        let (_, key) = mint(&keys, limited).await;
        let gone = get(address, "/report/gone", &[("x-api-key", key.expose())]).await;
        let found = (gone.status().as_u16(), header(&gone, "ratelimit"));
        assert_eq!(found, (404, r#""rate";r=5;t=1, "quota";r=15;t=61"#.to_owned()), "{name}");
    }
}

pub async fn the_application_chooses_the_fields<F: Framework>() {
    let keys = service(MemoryStore::default());
    let names = ["ratelimit-policy", "ratelimit", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"];
    for (elsewhere, of_remote) in [None, Some(LimitFields::Draft11), Some(LimitFields::Draft12)]
        .into_iter()
        .map(|fields| (fields, fields.map(|fields| keymint_in(fields, Arc::clone(&keys)))))
    {
        for (fields, of_report, of_refusal) in [
            (
                LimitFields::Draft11,
                [r#""rate";q=10;w=10, "quota";q=20;w=60"#, r#""rate";r=5;t=1, "quota";r=15;t=61"#, "", "", ""],
                [r#""rate";q=10;w=10, "quota";q=20;w=60"#, r#""rate";r=0;t=1, "quota";r=10;t=61"#, "", "", ""],
            ),
            (
                LimitFields::Draft12,
                [r#""rate";q=10;w=10, "quota";q=20;w=60"#, r#""rate";a=5;w=1, "quota";a=15;w=61"#, "", "", ""],
                [r#""rate";q=10;w=10, "quota";q=20;w=60"#, r#""rate";a=0;w=1, "quota";a=10;w=61"#, "", "", ""],
            ),
            (LimitFields::XRateLimit, ["", "", "10", "5", "1"], ["", "", "10", "0", "1"]),
            (LimitFields::None, [""; 5], [""; 5]),
        ] {
            let (_, key) = mint(&keys, limited).await;
            let check = match &of_remote {
                None => KeyCheck::embedded(Arc::clone(&keys)),
                Some(base_url) => KeyCheck::by(Arc::new(remote(base_url))),
            };
            let address = app::<F>(check.limit_fields(fields));
            for (status, expected) in [(200, of_report), (200, of_refusal), (429, of_refusal)] {
                let answer = get(address, "/report", &[("x-api-key", key.expose())]).await;
                let found = names.map(|name| header(&answer, name));
                assert_eq!(answer.status().as_u16(), status, "{elsewhere:?} {fields:?}");
                assert_eq!(found, expected, "{elsewhere:?} {fields:?}");
            }
        }
    }
    // A remote Keymint that tells less, and a guard that passes on what it is told.
    for (told, expected) in
        [(LimitFields::XRateLimit, [r#""rate";q=10;w=10"#, r#""rate";r=5;t=1"#]), (LimitFields::None, ["", ""])]
    {
        let (_, key) = mint(&keys, limited).await;
        let address = app::<F>(KeyCheck::by(Arc::new(remote(&keymint_in(told, Arc::clone(&keys))))));
        let answer = get(address, "/report", &[("x-api-key", key.expose())]).await;
        assert_eq!(["ratelimit-policy", "ratelimit"].map(|name| header(&answer, name)), expected, "{told:?}");
    }
}

pub async fn what_the_handler_says_itself_is_kept<F: Framework>() {
    let keys = service(MemoryStore::default());
    let (_, key) = mint(&keys, limited).await;
    let address = app::<F>(KeyCheck::embedded(keys));
    let answer = get(address, "/report/own", &[("x-api-key", key.expose())]).await;
    assert_eq!(header(&answer, "ratelimit"), r#""own";r=1"#);
}

pub async fn the_handler_is_told_everything_about_the_key<F: Framework>() {
    let keys = service(MemoryStore::default());
    let metadata = Metadata::from_json(&json!({ "plan": "pro" })).unwrap();
    for (name, check) in checks(&keys) {
        let address = app::<F>(check);
        let (id, key) = mint(&keys, |new| {
            limited(new);
            new.metadata = MetadataInput::Given(metadata.clone());
        })
        .await;
        for (path, left) in [("/report", 5), ("/bare", 4), ("/in/report", 2)] {
            let expected = json!({
                "id": id.as_str(), "config": "default", "name": null, "owner": "ada",
                "permissions": { "reports": ["read"] }, "metadata": { "plan": "pro" }, "remaining": left + 10,
                "rate": { "max": 10, "window": 10_000, "left": left }, "formerSecretEndsAt": null,
            });
            let answer = get(address, path, &[("x-api-key", key.expose())]).await;
            let told: serde_json::Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
            assert_eq!(told, expected, "{name} {path}");
        }
    }
}

pub async fn a_former_secret_is_told_to_the_handler_and_to_the_client<F: Framework>() {
    let clock = Arc::new(FakeClock::at(Timestamp::from_millis(1_700_000_000_000)));
    let keys = service_with(MemoryStore::default(), clock, policy());
    for verifier in verifiers(&keys) {
        let (id, former) = mint(&keys, |_| ()).await;
        let rotation = RotateSecret { grace_seconds: Some(3600), cut: Cut::AfterUse, end_former: false };
        let rotated = keys.rotate(&Caller::Server, RotateKey { id, config_id: None, rotation }).await.unwrap();
        let address = app::<F>(KeyCheck::by(verifier));
        let told = async |path: &str, key: &str| {
            let answer = get(address, path, &[("x-api-key", key)]).await;
            let sunset = header(&answer, "sunset");
            (body_of(answer).await.1["formerSecretEndsAt"].clone(), sunset)
        };
        let in_use = (json!(null), String::new());
        assert_eq!(told("/in/report", former.expose()).await, in_use, "nobody has used the new one");
        assert_eq!(told("/in/report", rotated.plain.expose()).await, in_use);
        let ends = (json!("2023-11-14T23:13:20.000Z"), "Tue, 14 Nov 2023 23:13:20 GMT".to_owned());
        assert_eq!(told("/in/report", former.expose()).await, ends);
    }
}
