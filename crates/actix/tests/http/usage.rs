//! `GET /api-key/usage`: each answer, each refusal, each caller.

use keymint_domain::policy::References;
use keymint_domain::{ConfigId, Configuration, Policy};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, answer, assert_error};

async fn usage(server: &TestServer, query: &str) -> (StatusCode, Value) {
    server.usage.flush().await.unwrap();
    server.get(&format!("usage?{query}")).await
}

async fn spend(server: &TestServer, key: &Value, cost: u32) -> Value {
    let body = json!({ "key": key["key"], "cost": cost, "clientIp": "203.0.113.7" });
    server.post("verify", body).await.1
}

fn counts(accepted: u64, cost: u64, refusals: &Value) -> Value {
    let refused: u64 = refusals.as_object().unwrap().values().map(|calls| calls.as_u64().unwrap()).sum();
    json!({ "accepted": accepted, "cost": cost, "refused": refused, "refusals": refusals })
}

#[tokio::test]
async fn a_keys_usage_is_shown_by_step_and_in_total() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada", "remaining": 5 })).await;
    let id = key["id"].as_str().unwrap();
    for cost in [2, 3, 1] {
        spend(&server, &key, cost).await;
    }
    let used_up = json!({ "USAGE_EXCEEDED": 1 });
    let (status, found) = usage(&server, &format!("keyId={id}&from=2023-11-13&step=day")).await;
    assert_eq!(status, StatusCode::OK, "{found}");
    let at = |start: &str, mut counts: Value| {
        counts["start"] = start.into();
        counts
    };
    let expected = json!({
        "from": "2023-11-13T00:00:00.000Z", "to": "2023-11-15T00:00:00.000Z", "step": "day",
        "totals": counts(2, 5, &used_up),
        "series": [
            at("2023-11-13T00:00:00.000Z", counts(0, 0, &json!({}))),
            at("2023-11-14T00:00:00.000Z", counts(2, 5, &used_up)),
        ],
        "lastUsedAt": "2023-11-14T22:13:20.000Z", "lastNetwork": "203.0.113.0/24",
    });
    assert_eq!(found, expected);
    let hours = usage(&server, "userId=ada&from=2023-11-14T22:00:00Z&to=2023-11-14T23:00:01%2B00:00&step=hour").await.1;
    let starts: Vec<_> = hours["series"].as_array().unwrap().iter().map(|point| &point["start"]).collect();
    assert_eq!(starts, ["2023-11-14T22:00:00.000Z", "2023-11-14T23:00:00.000Z"]);
    assert_eq!((&hours["series"][0]["cost"], &hours["lastUsedAt"]), (&json!(5), &Value::Null));
    let months = usage(&server, "configId=default&from=2023-10-31&to=2023-12-01&step=month").await.1;
    let accepted: Vec<_> = months["series"].as_array().unwrap().iter().map(|point| &point["accepted"]).collect();
    assert_eq!(accepted, [0, 2]);
    assert_eq!(usage(&server, "").await.1["series"].as_array().unwrap().len(), 31, "the last thirty days, and today");
    assert_eq!(usage(&server, "configId=other").await.1["totals"], counts(0, 0, &json!({})));
    assert_eq!(usage(&server, "organizationId=").await.1["totals"], counts(0, 0, &json!({})));
}

#[tokio::test]
async fn a_key_that_was_never_used_has_no_last_use_and_a_removed_one_keeps_its_usage() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada" })).await;
    let query = format!("keyId={}", key["id"].as_str().unwrap());
    let unused = usage(&server, &query).await.1;
    assert_eq!((&unused["lastUsedAt"], &unused["lastNetwork"]), (&Value::Null, &Value::Null));
    server.verify(&key).await;
    assert_eq!(server.post("delete", json!({ "keyId": key["id"] })).await.0, StatusCode::OK);
    assert_eq!(usage(&server, &query).await.1["totals"]["accepted"], 1);
    assert_error(&usage(&server, "keyId=missing").await, 404, "KEY_NOT_FOUND", "API Key not found");
}

#[tokio::test]
async fn windows_that_are_wrong_are_refused_with_what_is_wrong() {
    let server = TestServer::new();
    for (query, problem) in [
        ("from=2023-11-02&to=2023-11-01", "[query.to] must be later than from"),
        ("from=2023-11-02&to=2023-11-02", "[query.to] must be later than from"),
        ("from=2024-11-02", "[query.to] must be later than from"),
        ("from=0001-01-01&to=9999-01-01&step=month", "[query.to] must be at most 1000 steps after from"),
        ("from=2020-01-01", "[query.to] must be at most 1000 steps after from"),
        (
            "step=hour&from=2023-10-01&to=2023-10-02",
            "[query.from] must be within the last 35 days if the step is an hour",
        ),
        ("from=yesterday", "[query.from] Invalid date-time: must be RFC 3339, or a date"),
        ("to=2023-02-30", "[query.to] Invalid date-time: must be RFC 3339, or a date"),
        ("from=2023-11-01T00:00:00", "[query.from] Invalid date-time: must be RFC 3339, or a date"),
        ("step=week", "[query.step] Invalid option: expected one of \"hour\"|\"day\"|\"month\""),
        ("step=day&step=hour", "[query.step] Invalid input: expected string, received array"),
        ("keyId=", "[query.keyId] Invalid string: must have 1 or more characters"),
        ("form=2023-11-01&stop=day", "[query] Unrecognized key: \"form\"; [query] Unrecognized key: \"stop\""),
    ] {
        let found = usage(&server, query).await;
        assert_error(&found, 400, "VALIDATION_ERROR", problem);
    }
    assert_eq!(usage(&server, "disableRefresh=true").await.0, StatusCode::OK, "every endpoint reads it");
    let document: Value = server.plain("/openapi.json").await.json().await.unwrap();
    for parameter in document["paths"]["/api/auth/api-key/usage"]["parameters"].as_array().unwrap() {
        if parameter["in"] == "query" {
            let name = parameter["name"].as_str().unwrap();
            let found = usage(&server, &format!("{name}=x")).await.1;
            assert!(!found["message"].as_str().unwrap_or_default().contains("Unrecognized"), "{found}");
        }
    }
}

#[tokio::test]
async fn users_see_their_own_usage_and_an_organizations_as_their_roles_allow() {
    let team = ConfigId::parse("team").unwrap();
    let team = Configuration { references: References::Organization, ..Configuration::new(team) };
    let policy = Policy::new(vec![Configuration::default(), team]).unwrap();
    let server = TestServer::with(Setup { policy, ..Setup::default() });
    let ada = server.sign_up("ada").await;
    let bob = server.sign_up("bob").await;
    let keys = [&ada, &bob].map(|user| json!({ "userId": user["user"]["id"] }));
    let [of_ada, of_bob] = [server.create(keys[0].clone()).await, server.create(keys[1].clone()).await];
    server.verify(&of_ada).await;
    server.verify(&of_bob).await;
    server.usage.flush().await.unwrap();
    let as_ada = async |query: String| {
        let request = server.anonymous(Method::GET, &format!("usage?{query}"));
        answer(request.bearer_auth(ada["token"].as_str().unwrap()).send().await.unwrap()).await
    };
    assert_eq!(as_ada(String::new()).await.1["totals"]["accepted"], 1);
    let id = |value: &Value| value.as_str().unwrap().to_owned();
    assert_eq!(as_ada(format!("keyId={}", id(&of_ada["id"]))).await.1["totals"]["accepted"], 1);
    let others = as_ada(format!("keyId={}", id(&of_bob["id"]))).await;
    assert_error(&others, 404, "KEY_NOT_FOUND", "API Key not found");
    assert_eq!(as_ada(format!("userId={}", id(&bob["user"]["id"]))).await.0, StatusCode::UNAUTHORIZED);
    let stranger = as_ada("organizationId=acme".to_owned()).await;
    assert_eq!((stranger.0, &stranger.1["code"]), (StatusCode::FORBIDDEN, &json!("USER_NOT_MEMBER_OF_ORGANIZATION")));
    let nobody = answer(server.anonymous(Method::GET, "usage").send().await.unwrap()).await;
    assert_eq!(nobody.0, StatusCode::UNAUTHORIZED);
    assert_eq!(server.get("usage").await.1["totals"]["accepted"], 2);
}
