//! Bad input: a running server refuses it with a reason, and nothing changes.

use reqwest::{Client, StatusCode};
use serde_json::{Value, json};

use super::receiver::{Conduct, Receiver};
use super::{MINUTE, allowing, deliveries, endpoint, two_events};
use crate::process::{SERVER_KEY, Server, places};

async fn post(server: &Server, path: &str, body: &Value) -> (StatusCode, Value) {
    let request = Client::new().post(server.base(path)).bearer_auth(SERVER_KEY).json(body);
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

async fn get(server: &Server, path: &str) -> (StatusCode, Value) {
    let answer = Client::new().get(server.base(path)).bearer_auth(SERVER_KEY).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

/// Checks that a query is refused with a code and a message that holds this text.
async fn assert_refused(server: &Server, path: &str, code: &str, text: &str) {
    let (status, problem) = get(server, path).await;
    assert_eq!((status, &problem["code"]), (StatusCode::BAD_REQUEST, &json!(code)), "{path}: {problem}");
    assert!(problem["message"].as_str().unwrap().contains(text), "{path}: {problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_of_every_forbidden_kind_is_refused_over_http_and_on_the_command_line() {
    for place in places().await {
        let server = place.serve();
        for (url, reason) in [
            ("", "must be a URL"),
            ("example.com/hooks", "must be a URL"),
            ("https://example.com:99999/", "must be a URL"),
            ("ftp://example.com/", "must begin with https://"),
            ("file://host/etc/passwd", "must begin with https://"),
            ("gopher://example.com/", "must begin with https://"),
            ("http://example.com/", "allow_http admits http://"),
            ("https://user@example.com/", "neither a user nor a password"),
            ("https://user:hush-hush@example.com/", "neither a user nor a password"),
            ("https://example.com/#part", "no fragment"),
            ("https://example.com:0/", "port 0"),
            ("https://localhost/", "this machine"),
            ("https://a.localhost./", "this machine"),
            ("https://127.0.0.1:8443/", "loopback"),
            ("https://2130706433/", "loopback"),
            ("https://0x7f.1/", "loopback"),
            ("https://[::1]/", "loopback"),
            ("https://0.0.0.0/", "unspecified"),
            ("https://10.1.2.3/", "private"),
            ("https://172.16.0.1/", "private"),
            ("https://192.168.0.1/", "private"),
            ("https://100.64.0.1/", "shared"),
            ("https://169.254.0.1/", "link-local"),
            ("https://[fe80::1]/", "link-local"),
            ("https://[fd12:3456::1]/", "unique-local"),
            ("https://169.254.169.254/latest/meta-data", "link-local"),
            ("https://168.63.129.16/", "metadata"),
            ("https://[fd00:ec2::254]/", "unique-local"),
            ("https://[::ffff:10.0.0.1]/", "private"),
            ("https://[::ffff:7f00:1]/", "loopback"),
            ("https://[64:ff9b::169.254.169.254]/", "link-local"),
            ("https://[64:ff9b:1::8.8.8.8]/", "NAT64"),
            ("https://[2002:7f00:1::]/", "6to4"),
            ("https://224.0.0.1/", "multicast"),
        ] {
            let (status, problem) = post(&server, "webhooks/create", &json!({ "url": url })).await;
            let code = &problem["code"];
            assert_eq!((status, code), (StatusCode::BAD_REQUEST, &json!("INVALID_WEBHOOK_URL")), "{url}: {problem}");
            assert!(problem["message"].as_str().unwrap().contains(reason), "{url}: {problem}");
            assert!(!problem.to_string().contains("hush-hush"), "{problem}");
            let output = place.run(&["webhook", "create", url]);
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success() && said.contains(reason), "{url}: {said}");
            assert!(!said.contains("hush-hush"), "{said}");
        }
        assert_eq!(get(&server, "webhooks/list").await.1, json!({ "webhooks": [] }));
        assert!(!server.log().contains("hush-hush"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_endpoints_are_taken_and_served_and_no_more() {
    for place in places().await.into_iter().map(allowing) {
        let receiver = Receiver::start().await;
        let server = place.serve();
        for number in 0..999 {
            let body = json!({ "url": receiver.url(&format!("of{number}")), "kinds": ["keymint.user.*"] });
            let (status, made) = post(&server, "webhooks/create", &body).await;
            assert_eq!(status, StatusCode::OK, "{number}: {made}");
        }
        endpoint(&place, &receiver, "last");
        let (status, problem) = post(&server, "webhooks/create", &json!({ "url": receiver.url("more") })).await;
        assert_eq!((status, &problem["code"]), (StatusCode::CONFLICT, &json!("TOO_MANY_WEBHOOKS")), "{problem}");
        assert_eq!(get(&server, "webhooks/list").await.1["webhooks"].as_array().unwrap().len(), 1000);
        two_events(&server).await;
        receiver.has_accepted("last", 2, MINUTE).await;
        assert_eq!(receiver.arrivals("of7").len(), 0, "it wants nothing of keys");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_key_that_is_gone_are_delivered() {
    for place in places().await.into_iter().map(allowing) {
        let receiver = Receiver::start().await;
        let server = place.serve();
        let webhook = endpoint(&place, &receiver, "a");
        receiver.set("a", Conduct::Fails);
        let key = server.create(json!({ "userId": "ada" })).await;
        let failed = async {
            while deliveries(&place, &webhook).iter().all(|row| row["attempts"] == 0) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(MINUTE, failed).await.unwrap();
        let (status, gone) = server.post("delete", json!({ "keyId": key["id"] })).await;
        assert_eq!(status, StatusCode::OK, "{gone}");
        receiver.set("a", Conduct::Accepts);
        receiver.has_accepted("a", 2, MINUTE).await;
        let accepted = receiver.arrivals("a").into_iter().filter(|it| it.conduct == Conduct::Accepts);
        let told: Vec<_> = accepted.map(|arrival| arrival.event()).collect();
        assert!(told.iter().all(|event| event["data"]["keyId"] == key["id"]), "{told:?}");
        let kinds: Vec<_> = told.iter().map(|event| event["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["keymint.key.created", "keymint.key.deleted"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_that_run_backwards_and_forged_cursors_are_refused() {
    for place in places().await {
        let server = place.serve();
        for _ in 0..3 {
            server.create(json!({ "userId": "ada" })).await;
        }
        let later = "must be later than from";
        for path in ["audit", "api-key/usage"] {
            for window in ["from=2026-02-02&to=2026-02-01", "from=2026-02-02&to=2026-02-02"] {
                assert_refused(&server, &format!("{path}?{window}"), "VALIDATION_ERROR", later).await;
            }
            assert_refused(&server, &format!("{path}?from=yesterday"), "VALIDATION_ERROR", "Invalid date-time").await;
        }
        for arguments in [["audit", "list"], ["audit", "export"], ["usage", "--json"]] {
            let output = place.run(&[&arguments[..], &["--from", "2026-02-02", "--to", "2026-02-01"]].concat());
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(!output.status.success() && said.contains(later), "{arguments:?}: {said}");
        }

        let sealed = async {
            while get(&server, "audit").await.1["events"].as_array().unwrap().len() < 3 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(MINUTE, sealed).await.unwrap();
        let first = get(&server, "audit?limit=1").await.1;
        let cursor = first["nextCursor"].as_str().unwrap();
        let swapped: String = cursor.chars().rev().collect();
        for query in [
            format!("cursor={cursor}&userId=ada"),
            format!("cursor={cursor}&type=keymint.key.created"),
            format!("cursor={cursor}&from=2020-01-01"),
            format!("cursor={swapped}"),
            "cursor=3".to_owned(),
            "cursor=".to_owned(),
            "cursor=%00".to_owned(),
        ] {
            assert_refused(&server, &format!("audit?{query}"), "INVALID_CURSOR", "does not belong to this list").await;
        }
        let rest = get(&server, &format!("audit?cursor={cursor}&limit=2")).await.1;
        assert_eq!(rest["events"].as_array().unwrap().len(), 2);

        // A delivery's cursor is a position, which says nothing of other endpoints.
        let made =
            post(&server, "webhooks/create", &json!({ "url": "https://192.88.98.1/", "kinds": ["none"] })).await.1;
        let path = |before: &str| format!("webhooks/deliveries?id={}&before={before}", made["id"].as_str().unwrap());
        for before in ["-1", "1.5", "later", "9007199254740992", "18446744073709551616"] {
            assert_refused(&server, &path(before), "VALIDATION_ERROR", "[query.before]").await;
        }
        for before in ["0", "7", "9007199254740991"] {
            let empty = json!({ "deliveries": [], "next": null });
            assert_eq!(get(&server, &path(before)).await, (StatusCode::OK, empty), "{before}");
        }
    }
}
