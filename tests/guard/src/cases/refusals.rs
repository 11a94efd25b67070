//! Requests that do not pass.

use std::sync::Arc;

use keymint_domain::Timestamp;
use keymint_domain::key::{EditKey, Field, NewKey, RefillInput};
use keymint_domain::value::Lifetime;
use keymint_ports::FakeClock;
use keymint_service::{Caller, UpdateKey};
use keymint_store_memory::MemoryStore;
use reqwest::Method;
use serde_json::json;

use crate::frameworks::Framework;
use crate::support::{
    QUOTA, app, ask, checks, get, header, json as body_of, left, mint, mint_in, policy, refusal, service, service_with,
};

/// The challenge to a request without a key.
const NONE: &str = r#"Bearer realm="keymint""#;
/// The challenge to one with a key.
const OF_KEY: &str = r#"Bearer realm="keymint", error="invalid_token""#;

pub async fn whoever_shows_no_valid_key_is_refused_with_a_code_and_a_challenge<F: Framework>() {
    let clock = Arc::new(FakeClock::at(Timestamp::from_millis(1_700_000_000_000)));
    let keys = service_with(MemoryStore::default(), Arc::clone(&clock), policy());
    let (_, expired) = mint(&keys, |new| new.expires_in = Lifetime::from_seconds(86_400.0).ok()).await;
    clock.advance(86_400_001);
    let (disabled_id, disabled) = mint(&keys, |_| ()).await;
    let edit = EditKey { enabled: Some(false), ..EditKey::default() };
    let disable = UpdateKey { id: disabled_id, config_id: None, owner: None, edit };
    keys.update(&Caller::Server, disable).await.unwrap();
    let (revoked_id, revoked) = mint(&keys, |_| ()).await;
    keys.revoke(&Caller::Server, &revoked_id, None).await.unwrap();
    let (_, exhausted) = mint(&keys, |new| new.remaining = Field::Given(4)).await;
    let (foreign_id, foreign) = mint(&keys, |new| new.rate_limit_enabled = Some(false)).await;
    let (_, own) = mint_in(&keys, Some("other"), |_| ()).await;
    let long = "k".repeat(4000);

    for (name, check) in checks(&keys) {
        let address = app::<F>(check);
        for (case, path, key, status, code, challenge) in [
            ("no key", "/report", None, 401, "MISSING_API_KEY", NONE),
            ("malformed", "/report", Some("no key, but words"), 401, "INVALID_API_KEY", OF_KEY),
            ("too long", "/report", Some(long.as_str()), 401, "INVALID_API_KEY", OF_KEY),
            ("unknown", "/report", Some("forged"), 401, "INVALID_API_KEY", OF_KEY),
            ("disabled", "/report", Some(disabled.expose()), 401, "KEY_DISABLED", OF_KEY),
            ("expired", "/bare", Some(expired.expose()), 401, "KEY_EXPIRED", OF_KEY),
            ("revoked", "/bare", Some(revoked.expose()), 401, "KEY_DISABLED", OF_KEY),
            ("of another configuration", "/other", Some(foreign.expose()), 401, "INVALID_API_KEY", OF_KEY),
            ("the same within a guard", "/in/other", Some(foreign.expose()), 401, "INVALID_API_KEY", OF_KEY),
            ("without a permission", "/write", Some(own.expose()), 403, "INSUFFICIENT_PERMISSIONS", ""),
            ("exhausted", "/report", Some(exhausted.expose()), 429, "USAGE_EXCEEDED", ""),
        ] {
            let headers: Vec<_> = key.iter().map(|key| ("x-api-key", *key)).collect();
            for method in [Method::GET, Method::HEAD] {
                let answer = ask(method.clone(), address, path, &headers).await;
                let found = (answer.status().as_u16(), header(&answer, "www-authenticate"));
                assert_eq!(found, (status, challenge.to_owned()), "{name}: {case} by {method}");
            }
            let (_, found, retry) = refusal(address, path, &headers).await;
            assert_eq!((found.as_str(), retry.as_str()), (code, ""), "{name}: {case}");
        }
        assert_eq!(get(address, "/other", &[("x-api-key", own.expose())]).await.status(), 200, "{name}");
    }
    // The guard around `/in/other` was passed six times: by `GET` twice and by `HEAD`, for each verifier.
    assert_eq!(left(&keys, &foreign_id).await, QUOTA - 6 * 2, "a refusal costs nothing");
}

pub async fn a_limited_key_is_told_when_to_come_again<F: Framework>() {
    let keys = service(MemoryStore::default());
    let limit = |new: &mut NewKey| {
        (new.rate_limit_max, new.rate_limit_window_ms) = (Some(1), Some(2_500));
        new.remaining = Field::Absent;
    };
    for (name, check) in checks(&keys) {
        let (_, key) = mint(&keys, limit).await;
        let address = app::<F>(check);
        let shown = [("x-api-key", key.expose())];
        assert_eq!(get(address, "/open", &shown).await.status(), 200, "{name}");
        for path in ["/open", "/bare"] {
            let refused = get(address, path, &shown).await;
            assert_eq!(header(&refused, "ratelimit"), r#""rate";r=0;t=3"#, "{name}");
            assert_eq!(header(&refused, "ratelimit-policy"), r#""rate";q=1;w=3"#, "{name}");
            assert_eq!(header(&refused, "retry-after"), "3", "{name}");
            let (status, body) = body_of(refused).await;
            assert_eq!((status, &body["code"]), (429, &json!("RATE_LIMITED")), "{name}");
            assert_eq!(body["details"], json!({ "tryAgainIn": 2500 }), "{name}");
        }
        // A quota that is refilled.
        let refill = RefillInput { amount: Some(20), interval_ms: Some(60_000), ..RefillInput::default() };
        let (_, key) = mint(&keys, |new| (new.remaining, new.refill) = (Field::Given(4), refill)).await;
        let found = refusal(address, "/report", &[("x-api-key", key.expose())]).await;
        assert_eq!(found, (429, "USAGE_EXCEEDED".to_owned(), "61".to_owned()), "{name}");
    }
}

pub async fn missing_permissions_are_named_whoever_asks_first<F: Framework>() {
    let keys = service(MemoryStore::default());
    let (_, key) = mint(&keys, |_| ()).await;
    for (name, check) in checks(&keys) {
        let address = app::<F>(check);
        for path in ["/write", "/in/write"] {
            let expected = json!({
                "code": "INSUFFICIENT_PERMISSIONS", "message": "The API key lacks a permission that is asked for.",
                "details": { "missing": { "reports": ["write"] } },
            });
            let found = body_of(get(address, path, &[("x-api-key", key.expose())]).await).await;
            assert_eq!(found, (403, expected), "{name} {path}");
        }
    }
}
