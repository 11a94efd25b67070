//! `dryRun` of `POST /api-key/verify`: what every rule says, and nothing is counted.

use keymint_service::Access;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, answer, assert_error};

/// The answer to a dry run of these members with `key`.
async fn dry_run(server: &TestServer, key: &Value, members: Value) -> Value {
    let mut body = members;
    (body["key"], body["dryRun"]) = (key["key"].clone(), json!(true));
    server.post("verify", body).await.1
}

/// Returns the report of a rule.
fn rule<'a>(answer: &'a Value, name: &str) -> &'a Value {
    answer["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == name).unwrap()
}

#[tokio::test]
async fn every_rule_is_told_with_its_values_and_nothing_is_paid() {
    let server = TestServer::new();
    let body = json!({ "userId": "ada", "remaining": 5, "permissions": { "files": ["read"] }, "expiresIn": 86_400 });
    let key = server.create(body).await;
    let asked = json!({ "files": ["read"] });
    let run = dry_run(&server, &key, json!({ "permissions": asked, "cost": 2 })).await;
    let passed = |rule: &str, values: Value| json!({ "rule": rule, "verdict": "passed", "code": null, "tryAgainIn": null, "values": values });
    let expected = [
        passed("exists", json!({ "keyId": key["id"] })),
        passed("configuration", json!({ "configId": "default", "asked": null })),
        passed("enabled", json!({ "enabled": true, "revokedAt": null })),
        passed("expiry", json!({ "expiresAt": "2023-11-15T22:13:20.000Z", "now": "2023-11-14T22:13:20.000Z" })),
        passed("owner", json!({ "referenceId": "ada", "found": "absent", "bannedUntil": null, "required": false })),
        passed("permissions", json!({ "granted": asked, "asked": asked, "missing": null })),
        passed(
            "quota",
            json!({
                "cost": 2, "remaining": 5, "available": 5, "refillAmount": null, "refillInterval": null,
                "lastRefillAt": null,
            }),
        ),
        passed(
            "rateLimit",
            json!({ "cost": 2, "limited": true, "left": 10, "max": 10, "window": 86_400_000, "lastRequest": null }),
        ),
    ];
    for expected in expected {
        assert_eq!(*rule(&run, expected["rule"].as_str().unwrap()), expected);
    }
    assert_eq!(server.get(&format!("get?id={}", key["id"].as_str().unwrap())).await.1["remaining"], 5);
    let verified = server.post("verify", json!({ "key": key["key"], "permissions": asked, "cost": 2 })).await.1;
    for member in ["valid", "error", "key"] {
        assert_eq!(run[member], verified[member], "a verification answers the same");
    }
}

#[tokio::test]
async fn a_rule_that_a_verification_does_not_reach_is_judged_all_the_same() {
    let server = TestServer::new();
    let body = json!({ "userId": "ada", "remaining": 1, "rateLimitMax": 1, "rateLimitTimeWindow": 1000 });
    let key = server.create(body).await;
    assert_eq!(server.verify(&key).await["valid"], true);
    server.post("update", json!({ "keyId": key["id"], "enabled": false })).await;
    server.clock.advance(400);
    let run = dry_run(&server, &key, json!({ "permissions": ["read"], "configId": "other" })).await;
    assert_eq!((&run["valid"], &run["error"]["code"]), (&json!(false), &json!("INVALID_API_KEY")));
    for (name, verdict, code, wait) in [
        ("exists", "passed", Value::Null, Value::Null),
        ("configuration", "refused", json!("INVALID_API_KEY"), Value::Null),
        ("enabled", "refused", json!("KEY_DISABLED"), Value::Null),
        ("expiry", "passed", Value::Null, Value::Null),
        ("permissions", "refused", json!("KEY_NOT_FOUND"), Value::Null),
        ("quota", "refused", json!("USAGE_EXCEEDED"), Value::Null),
        ("rateLimit", "refused", json!("RATE_LIMITED"), json!(600)),
    ] {
        let rule = rule(&run, name);
        assert_eq!((&rule["verdict"], &rule["code"], &rule["tryAgainIn"]), (&json!(verdict), &code, &wait), "{name}");
    }
    assert_eq!(rule(&run, "permissions")["values"]["missing"], json!({ "*": ["read"] }));
}

#[tokio::test]
async fn of_an_unknown_key_nothing_else_is_judged() {
    let server = TestServer::new();
    let run = dry_run(&server, &json!({ "key": "nobodys" }), json!({})).await;
    assert_eq!((&run["valid"], &run["key"]), (&json!(false), &Value::Null));
    let rules = run["rules"].as_array().unwrap();
    assert_eq!((&rules[0]["verdict"], &rules[0]["code"]), (&json!("refused"), &json!("INVALID_API_KEY")));
    assert!(rules[1..].iter().all(|rule| rule["verdict"] == "notJudged" && rule["values"] == json!({})), "{rules:?}");
}

#[tokio::test]
async fn a_dry_run_is_for_servers_alone() {
    let body = json!({ "key": "any", "dryRun": true });
    for (access, status, code, message) in [
        (Access::Server, 401, "UNAUTHORIZED", "Unauthorized"),
        (
            Access::Public,
            400,
            "SERVER_ONLY_PROPERTY",
            "The property you're trying to set can only be set from the server auth instance only.",
        ),
    ] {
        let server = TestServer::with(Setup { access, ..Setup::default() });
        let found = answer(server.anonymous(Method::POST, "verify").json(&body).send().await.unwrap()).await;
        assert_error(&found, status, code, message);
    }
}

#[tokio::test]
async fn a_dry_run_that_is_no_boolean_is_told_so_and_false_is_a_verification() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada", "remaining": 5 })).await;
    for (value, received) in
        [(json!("true"), "string"), (json!(1), "number"), (json!(null), "null"), (json!([]), "array")]
    {
        let found = server.post("verify", json!({ "key": key["key"], "dryRun": value })).await;
        let message = format!("[body.dryRun] Invalid input: expected boolean, received {received}");
        assert_error(&found, 400, "VALIDATION_ERROR", &message);
    }
    let (_, verified) = server.post("verify", json!({ "key": key["key"], "dryRun": false })).await;
    assert_eq!((&verified["key"]["remaining"], verified.get("rules")), (&json!(4), None));
}
