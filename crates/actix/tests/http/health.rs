//! `GET /api-key/health`: each answer, each refusal, each caller.

use keymint_domain::health::Finding;
use keymint_domain::policy::References;
use keymint_domain::{ConfigId, Configuration, Policy};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Setup, TestServer, answer};

const DAY_MS: u64 = 86_400_000;

async fn health(server: &TestServer, query: &str) -> (StatusCode, Value) {
    server.usage.flush().await.unwrap();
    server.get(&format!("health?{query}")).await
}

/// Returns the names of the findings with their counts.
fn counts(answer: &Value) -> Vec<(String, u64)> {
    let findings = answer["findings"].as_array().unwrap().iter();
    findings.map(|found| (found["finding"].as_str().unwrap().to_owned(), found["count"].as_u64().unwrap())).collect()
}

fn names(answer: &Value) -> Vec<String> {
    counts(answer).into_iter().map(|(name, _)| name).collect()
}

#[tokio::test]
async fn findings_have_a_severity_a_count_advice_and_the_ids_of_the_keys() {
    let server = TestServer::new();
    let lasting = server.create(json!({ "userId": "ada", "permissions": { "files": ["*"] } })).await;
    server.create(json!({ "userId": "ada", "expiresIn": 5 * 86_400 })).await;
    let (status, found) = health(&server, "").await;
    assert_eq!(status, StatusCode::OK, "{found}");
    let finding = |finding: Finding, ids: &[&Value]| {
        json!({
            "finding": finding.as_str(), "severity": finding.severity().as_str(), "count": ids.len(),
            "advice": finding.advice(), "keyIds": ids,
        })
    };
    assert_eq!(found["findings"][0], finding(Finding::Wildcard, &[&lasting["id"]]));
    assert_eq!(found["findings"][2], finding(Finding::NeverExpires, &[&lasting["id"]]));
    assert_eq!(names(&found), ["wildcard", "expiring", "never_expires"]);
    assert_eq!((&found["examined"], &found["unreadable"], &found["next"]), (&json!(2), &json!(0), &Value::Null));
    assert_eq!(found["recordedSince"], Value::Null, "nothing was used yet");
}

#[tokio::test]
async fn findings_are_narrowed_by_name_and_by_severity() {
    let server = TestServer::new();
    server.create(json!({ "userId": "ada", "permissions": { "files": ["*"] } })).await;
    assert_eq!(names(&health(&server, "finding=never_expires").await.1), ["never_expires"]);
    assert_eq!(names(&health(&server, "severity=medium").await.1), ["wildcard"]);
    assert_eq!(names(&health(&server, "severity=critical").await.1), Vec::<String>::new());
}

#[tokio::test]
async fn portions_follow_each_other_and_examine_every_key_once() {
    let server = TestServer::new();
    for _ in 0..5 {
        server.create(json!({ "userId": "ada" })).await;
    }
    let (mut after, mut ids, mut portions) = (String::new(), std::collections::BTreeSet::new(), 0);
    loop {
        let found = health(&server, &format!("limit=2&finding=never_expires{after}")).await.1;
        for id in found["findings"][0]["keyIds"].as_array().into_iter().flatten() {
            assert!(ids.insert(id.as_str().unwrap().to_owned()), "{id} was found before");
        }
        portions += 1;
        match found["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert_eq!((ids.len(), portions), (5, 3));
}

#[tokio::test]
async fn uses_decide_what_is_idle_refused_and_safe_to_remove() {
    let server = TestServer::new();
    let used = server.create(json!({ "userId": "ada", "rateLimitMax": 1, "rateLimitTimeWindow": 86_400_000 })).await;
    let unused = server.create(json!({ "userId": "ada", "expiresIn": 300 * 86_400 })).await;
    for _ in 0..102 {
        server.post("verify", json!({ "key": used["key"] })).await;
    }
    let found = health(&server, "").await.1;
    assert_eq!(names(&found), ["refused_more", "never_expires"]);
    assert_eq!(found["findings"][0]["keyIds"], json!([used["id"]]));
    assert_eq!(found["recordedSince"], "2023-11-14T22:00:00.000Z");
    server.clock.advance(99 * DAY_MS);
    let found = health(&server, "").await.1;
    assert_eq!(names(&found), ["refused_more", "never_expires", "never_used", "idle"]);
    server.clock.advance(2 * DAY_MS);
    let found = health(&server, "finding=safe_to_remove").await.1;
    assert_eq!(found["findings"][0]["keyIds"], json!([unused["id"]]));
    let patient = health(&server, "idleDays=200").await.1;
    assert_eq!(names(&patient), ["refused_more", "never_expires", "safe_to_remove"]);
}

#[tokio::test]
async fn users_see_their_own_keys_and_members_their_organizations() {
    let team =
        Configuration { references: References::Organization, ..Configuration::new(ConfigId::parse("team").unwrap()) };
    let policy = Policy::new(vec![Configuration::default(), team]).unwrap();
    let server = TestServer::with(Setup { policy, ..Setup::default() });
    let [ada, bob] = [server.sign_up("ada").await, server.sign_up("bob").await];
    let own = server.create(json!({ "userId": ada["user"]["id"] })).await;
    server.create(json!({ "userId": bob["user"]["id"] })).await;
    let as_ada = async |query: &str| {
        let request = server.anonymous(Method::GET, &format!("health?{query}"));
        answer(request.bearer_auth(ada["token"].as_str().unwrap()).send().await.unwrap()).await
    };
    let (status, found) = as_ada("").await;
    assert_eq!((status, &found["examined"]), (StatusCode::OK, &json!(1)));
    assert_eq!(found["findings"][0]["keyIds"], json!([own["id"]]));
    let others = format!("userId={}", bob["user"]["id"].as_str().unwrap());
    assert_eq!(as_ada(&others).await.0, StatusCode::UNAUTHORIZED);
    let stranger = as_ada("organizationId=acme").await;
    assert_eq!((stranger.0, &stranger.1["code"]), (StatusCode::FORBIDDEN, &json!("USER_NOT_MEMBER_OF_ORGANIZATION")));
    assert_eq!(as_ada("organizationId=").await.1["examined"], 0);
    assert_eq!(answer(server.anonymous(Method::GET, "health").send().await.unwrap()).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(health(&server, "").await.1["examined"], 2);
}

#[tokio::test]
async fn odd_members_are_refused() {
    let server = TestServer::new();
    for query in ["finding=unknown", "severity=worst", "idleDays=0", "limit=1001", "limit=0", "after=", "findings=idle"]
    {
        let (status, found) = health(&server, query).await;
        assert_eq!((status, &found["code"]), (StatusCode::BAD_REQUEST, &json!("VALIDATION_ERROR")), "{query}");
    }
}
