//! Clearing, topping up and settling quotas, over HTTP.

use keymint_domain::{Configuration, Policy};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, answer, assert_error};

async fn updated(server: &TestServer, id: &Value, change: Value) -> Value {
    let mut body = change;
    body["keyId"] = id.clone();
    let (status, key) = server.post("update", body).await;
    assert_eq!(status, 200, "{key}");
    key
}

#[tokio::test]
async fn a_server_clears_quota_refill_and_count() {
    let server = TestServer::new();
    let created = server
        .create(json!({
            "userId": "ada", "remaining": 5, "refillAmount": 5, "refillInterval": 1000, "rateLimitMax": 1,
            "rateLimitTimeWindow": 60_000,
        }))
        .await;
    let id = &created["id"];
    assert_eq!(server.verify(&created).await["valid"], true);
    assert_eq!(server.verify(&created).await["error"]["code"], "RATE_LIMITED");
    let reset = updated(&server, id, json!({ "resetLimit": true })).await;
    assert_eq!((&reset["requestCount"], &reset["remaining"]), (&json!(0), &json!(4)));
    assert_eq!(server.verify(&created).await["valid"], true);
    let cleared = updated(&server, id, json!({ "refillAmount": null, "refillInterval": null })).await;
    assert_eq!((&cleared["refillAmount"], &cleared["refillInterval"]), (&Value::Null, &Value::Null));
    assert_eq!(cleared["remaining"], 3);
    assert_eq!(updated(&server, id, json!({ "remaining": null })).await["remaining"], Value::Null);
    assert_eq!(updated(&server, id, json!({ "remaining": 7, "resetLimit": false })).await["remaining"], 7);
}

#[tokio::test]
async fn a_server_adds_calls_and_takes_them_down_to_zero() {
    let server = TestServer::new();
    let created = server.create(json!({ "userId": "ada", "remaining": 2 })).await;
    let id = &created["id"];
    for (calls, left) in [(10, 12), (-3, 9), (0, 9), (-10, 0), (-2_147_483_647_i64, 0), (1, 1)] {
        assert_eq!(updated(&server, id, json!({ "addRemaining": calls })).await["remaining"], left, "{calls}");
    }
    assert_eq!(server.verify(&created).await["key"]["remaining"], 0);
}

#[tokio::test]
async fn bad_counters_change_nothing() {
    let server = TestServer::new();
    let metered = server.create(json!({ "userId": "ada", "remaining": 2 })).await;
    let unmetered = server.create(json!({ "userId": "ada" })).await;
    let (id, free) = (&metered["id"], &unmetered["id"]);
    for (body, code, message) in [
        (
            json!({ "keyId": free, "addRemaining": 1 }),
            "ADD_REMAINING_NOT_ALLOWED",
            "addRemaining needs a key with a quota, and a request without remaining.",
        ),
        (
            json!({ "keyId": id, "addRemaining": 1, "remaining": null }),
            "ADD_REMAINING_NOT_ALLOWED",
            "addRemaining needs a key with a quota, and a request without remaining.",
        ),
        (
            json!({ "keyId": id, "addRemaining": 1.5, "resetLimit": "yes" }),
            "VALIDATION_ERROR",
            "[body.addRemaining] Invalid input: expected int, received number; \
             [body.resetLimit] Invalid input: expected boolean, received string",
        ),
        (
            json!({ "keyId": id, "addRemaining": 2_147_483_648_u64 }),
            "VALIDATION_ERROR",
            "[body.addRemaining] Too big: expected number to be <=2147483647",
        ),
        (
            json!({ "keyId": id, "addRemaining": null }),
            "VALIDATION_ERROR",
            "[body.addRemaining] Invalid input: expected number, received null",
        ),
        (
            json!({ "keyId": id, "refillAmount": null }),
            "REFILL_AMOUNT_AND_INTERVAL_REQUIRED",
            "refillAmount is required when refillInterval is provided",
        ),
        (
            json!({ "keyId": id, "refillInterval": null }),
            "REFILL_INTERVAL_AND_AMOUNT_REQUIRED",
            "refillInterval is required when refillAmount is provided",
        ),
        (json!({ "keyId": id, "resetLimit": false }), "NO_VALUES_TO_UPDATE", "No values to update."),
    ] {
        assert_error(&server.post("update", body).await, 400, code, message);
    }
    let (_, found) = server.get(&format!("get?id={}", id.as_str().unwrap())).await;
    assert_eq!(found["remaining"], 2);
}

#[tokio::test]
async fn only_a_server_changes_counters_or_settles() {
    let setup = Setup { access: keymint_service::Access::Public, ..Setup::default() };
    let server = TestServer::with(setup);
    let ada = server.sign_up("ada").await;
    let key = server.create(json!({ "userId": ada["user"]["id"], "remaining": 2 })).await;
    for change in [
        json!({ "addRemaining": 1 }),
        json!({ "remaining": null }),
        json!({ "resetLimit": true }),
        json!({ "refillAmount": null, "refillInterval": null }),
    ] {
        let mut body = change;
        body["keyId"] = key["id"].clone();
        let token = ada["token"].as_str().unwrap();
        let refused = server.anonymous(Method::POST, "update").bearer_auth(token).json(&body).send().await.unwrap();
        let refused = answer(refused).await;
        assert_eq!((refused.0.as_u16(), &refused.1["code"]), (400, &json!("SERVER_ONLY_PROPERTY")), "{body}");
    }
    let settle = json!({ "key": key["key"], "cost": 9, "settle": true });
    let claimed = answer(server.anonymous(Method::POST, "verify").json(&settle).send().await.unwrap()).await;
    assert_eq!((claimed.0.as_u16(), &claimed.1["code"]), (400, &json!("SERVER_ONLY_PROPERTY")));
    let plain = json!({ "key": key["key"], "cost": 9, "settle": false });
    let refused = answer(server.anonymous(Method::POST, "verify").json(&plain).send().await.unwrap()).await;
    assert_eq!(refused.1["error"]["code"], "USAGE_EXCEEDED");
}

#[tokio::test]
async fn a_settled_use_takes_what_there_is() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada", "remaining": 5 })).await;
    let settle =
        async |cost: u32| server.post("verify", json!({ "key": key["key"], "cost": cost, "settle": true })).await.1;
    let first = settle(3).await;
    assert_eq!((&first["valid"], &first["key"]["remaining"]), (&json!(true), &json!(2)));
    for _ in 0..2 {
        let rest = settle(9).await;
        assert_eq!((&rest["valid"], &rest["key"]["remaining"]), (&json!(true), &json!(0)));
    }
    assert_eq!(server.verify(&key).await["error"]["code"], "USAGE_EXCEEDED");
    let (status, wrong) = server.post("verify", json!({ "key": key["key"], "settle": 1 })).await;
    assert_eq!((status.as_u16(), &wrong["code"]), (400, &json!("VALIDATION_ERROR")));
    let body = json!({ "keyId": key["id"], "enabled": false });
    server.post("update", body).await;
    assert_eq!(settle(1).await["error"]["code"], "KEY_DISABLED", "it is judged by every other rule");
}

#[tokio::test]
async fn a_reset_counts_what_was_deferred_before() {
    let mut configuration = Configuration { defer_usage: true, ..Configuration::default() };
    configuration.rate_limit.max_requests = 3;
    let server = TestServer::with(Setup { policy: Policy::new(vec![configuration]).unwrap(), ..Setup::default() });
    let key = server.create(json!({ "userId": "ada" })).await;
    for _ in 0..2 {
        for _ in 0..3 {
            assert_eq!(server.verify(&key).await["valid"], true);
        }
        assert_eq!(server.verify(&key).await["error"]["code"], "RATE_LIMITED");
        updated(&server, &key["id"], json!({ "resetLimit": true })).await;
    }
}

#[tokio::test]
async fn a_quota_is_refilled_by_the_calendar() {
    // The clock stands at 2023-11-14T22:13:20Z, a Tuesday.
    let server = TestServer::new();
    for (every, next_ms) in
        [("day", 6_400_000_u64), ("week", 5 * 86_400_000 + 6_400_000), ("month", 16 * 86_400_000 + 6_400_000)]
    {
        let body = json!({
            "userId": "ada", "remaining": 0, "refillAmount": 2, "refill": { "every": every, "at": "UTC" },
        });
        let key = server.create(body).await;
        assert_eq!((&key["refillAmount"], &key["refillInterval"]), (&json!(2), &Value::Null));
        assert_eq!(key["refill"], json!({ "every": every, "at": "UTC" }));
        let refused = server.verify(&key).await;
        assert_eq!(refused["error"]["code"], "USAGE_EXCEEDED");
        assert_eq!(refused["error"]["details"]["tryAgainIn"], next_ms, "{every}");
    }
    let key = server.create(json!({ "userId": "ada", "refillAmount": 2, "refill": { "every": "month" } })).await;
    let id = &key["id"];
    let interval = updated(&server, id, json!({ "refillAmount": 3, "refillInterval": 34_560_000_000_u64 })).await;
    assert_eq!((&interval["refillInterval"], interval.get("refill")), (&json!(34_560_000_000_u64), None));
    let weekly = updated(&server, id, json!({ "refillAmount": 3, "refill": { "every": "week" } })).await;
    assert_eq!((&weekly["refillInterval"], &weekly["refill"]["every"]), (&Value::Null, &json!("week")));
    let none = updated(&server, id, json!({ "refillAmount": null, "refill": null })).await;
    assert_eq!((&none["refillAmount"], none.get("refill")), (&Value::Null, None));
    let long = updated(&server, id, json!({ "rateLimitTimeWindow": 34_560_000_000_u64 })).await;
    assert_eq!(long["rateLimitTimeWindow"], 34_560_000_000_u64);
}

#[tokio::test]
async fn bad_periods_are_refused() {
    let server = TestServer::new();
    for (members, code, message) in [
        (
            json!({ "refillAmount": 1, "refill": { "every": "year", "at": "Europe/Berlin" } }),
            "VALIDATION_ERROR",
            "[body.refill.every] Invalid option: expected one of \"day\"|\"week\"|\"month\"; \
             [body.refill.at] Invalid input: expected \"UTC\"",
        ),
        (
            json!({ "refillAmount": 1, "refill": "month" }),
            "VALIDATION_ERROR",
            "[body.refill] Invalid input: expected object, received string",
        ),
        (
            json!({ "refillAmount": 1, "refillInterval": 34_560_000_001_u64, "rateLimitTimeWindow": 34_560_000_001_u64 }),
            "VALIDATION_ERROR",
            "[body.refillInterval] Too big: expected number to be <=34560000000; \
             [body.rateLimitTimeWindow] Too big: expected number to be <=34560000000",
        ),
        (
            json!({ "refillAmount": 1, "refillInterval": 1, "refill": { "every": "day" } }),
            "REFILL_INTERVAL_AND_CALENDAR",
            "A refill has either refillInterval or refill, not both.",
        ),
        (
            json!({ "refill": { "every": "day" } }),
            "REFILL_INTERVAL_AND_AMOUNT_REQUIRED",
            "refillInterval is required when refillAmount is provided",
        ),
    ] {
        let mut body = members;
        body["userId"] = json!("ada");
        assert_error(&server.post("create", body).await, 400, code, message);
    }
}

#[tokio::test]
async fn who_made_a_key_is_shown_to_those_who_manage_it() {
    let server = TestServer::new();
    let ada = server.sign_up("ada").await;
    let user = ada["user"]["id"].as_str().unwrap();
    let token = ada["token"].as_str().unwrap();
    let by_server = server.create(json!({ "userId": user })).await;
    assert_eq!(by_server.get("createdBy"), None, "it is of no use to the one who made it");
    let as_ada = |method: Method, path: &str| server.anonymous(method, path).bearer_auth(token);
    let by_user = answer(as_ada(Method::POST, "create").json(&json!({})).send().await.unwrap()).await.1;
    for (key, creator) in [(&by_server, "server".to_owned()), (&by_user, format!("user:{user}"))] {
        let path = format!("get?id={}", key["id"].as_str().unwrap());
        assert_eq!(server.get(&path).await.1["createdBy"], creator);
        assert_eq!(answer(as_ada(Method::GET, &path).send().await.unwrap()).await.1["createdBy"], creator);
        assert_eq!(server.verify(key).await["key"].get("createdBy"), None);
    }
    let (_, page) = server.get("list").await;
    let keys = page["apiKeys"].as_array().unwrap();
    let mut creators: Vec<_> = keys.iter().map(|key| key["createdBy"].as_str().unwrap()).collect();
    creators.sort_unstable();
    assert_eq!(creators, ["server", format!("user:{user}").as_str()]);
}
