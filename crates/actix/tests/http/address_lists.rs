//! The lists of networks that a key may have: set, shown, cleared, and refused where they make no sense.

use reqwest::Method;
use serde_json::{Value, json};

use crate::addresses::verdict;
use crate::support::{TestServer, answer, assert_error};

const FORM: &str = "must be an address or a network without host bits, as in 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32";

#[tokio::test]
async fn a_server_sets_and_clears_lists_that_are_shown_where_there_are_any() {
    let server = TestServer::new();
    let bare = server.create(json!({ "userId": "ada", "allowedAddresses": null, "deniedAddresses": [] })).await;
    let body = json!({
        "userId": "ada",
        "allowedAddresses": ["10.0.0.0/8", "2001:DB8::/32"],
        "deniedAddresses": ["::ffff:10.9.0.0/112", "10.8.0.1"],
    });
    let key = server.create(body).await;
    let id = key["id"].as_str().unwrap();
    assert_eq!(key["allowedAddresses"], json!(["10.0.0.0/8", "2001:db8::/32"]));
    assert_eq!(key["deniedAddresses"], json!(["10.9.0.0/16", "10.8.0.1/32"]));
    let shown = |body: &Value| [&body["allowedAddresses"], &body["deniedAddresses"]].map(Clone::clone);
    assert_eq!(shown(&server.get(&format!("get?id={id}")).await.1), shown(&key));
    let listed = server.get("list?userId=ada").await.1;
    let of = |id: &Value| listed["apiKeys"].as_array().unwrap().iter().find(|key| key["id"] == *id).unwrap().clone();
    assert_eq!(shown(&of(&key["id"])), shown(&key));
    for absent in [&bare, &of(&bare["id"])] {
        let members = absent.as_object().unwrap();
        assert!(!members.contains_key("allowedAddresses") && !members.contains_key("deniedAddresses"), "{absent}");
    }

    let update = async |members: Value| {
        let mut body = json!({ "keyId": id });
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        server.post("update", body).await.1
    };
    let renamed = update(json!({ "name": "new" })).await;
    assert_eq!(shown(&renamed), shown(&key), "what is not mentioned stays");
    let narrowed = update(json!({ "allowedAddresses": ["192.0.2.7"], "deniedAddresses": null })).await;
    assert_eq!(shown(&narrowed), [json!(["192.0.2.7/32"]), Value::Null]);
    let cleared = update(json!({ "allowedAddresses": [] })).await;
    assert_eq!(shown(&cleared), [Value::Null, Value::Null]);
}

#[tokio::test]
async fn lists_are_a_servers_to_set() {
    let server = TestServer::new();
    let token = server.sign_up("ada").await["token"].as_str().unwrap().to_owned();
    let ask = async |path: &str, body: Value| {
        answer(server.anonymous(Method::POST, path).bearer_auth(&token).json(&body).send().await.unwrap()).await
    };
    let only = "The property you're trying to set can only be set from the server auth instance only.";
    let (_, key) = ask("create", json!({ "allowedAddresses": [], "deniedAddresses": null })).await;
    for member in ["allowedAddresses", "deniedAddresses"] {
        let refused = ask("create", json!({ member: ["10.0.0.0/8"] })).await;
        assert_error(&refused, 400, "SERVER_ONLY_PROPERTY", only);
        for value in [json!(["10.0.0.0/8"]), json!([]), json!(null)] {
            let refused = ask("update", json!({ "keyId": key["id"], member: value })).await;
            assert_error(&refused, 400, "SERVER_ONLY_PROPERTY", only);
        }
    }
}

#[tokio::test]
async fn a_malformed_list_is_told_where_and_how_and_changes_nothing() {
    let server = TestServer::new();
    let key = server.create(json!({ "userId": "ada" })).await;
    for (members, message) in [
        (
            json!({ "allowedAddresses": "10.0.0.0/8" }),
            "[body.allowedAddresses] Invalid input: expected array, received string".to_owned(),
        ),
        (
            json!({ "deniedAddresses": [1] }),
            "[body.deniedAddresses.0] Invalid input: expected string, received number".to_owned(),
        ),
        (
            json!({ "allowedAddresses": ["::/0", "10.0.0.1/8"] }),
            format!("[body.allowedAddresses.1] Invalid network: {FORM}"),
        ),
        (json!({ "allowedAddresses": ["fe80::1%eth0"] }), format!("[body.allowedAddresses.0] Invalid network: {FORM}")),
        (
            json!({ "allowedAddresses": vec!["::1"; 101] }),
            "[body.allowedAddresses] Too big: expected array to have <=100 items".to_owned(),
        ),
    ] {
        for (path, name) in [("create", "userId"), ("update", "keyId")] {
            let mut body = members.clone();
            body[name] = if path == "create" { json!("ada") } else { key["id"].clone() };
            assert_error(&server.post(path, body).await, 400, "VALIDATION_ERROR", &message);
        }
    }
    assert_eq!(server.get("list").await.1["total"], 1);
    assert_eq!(verdict(&server, &key, "10.0.0.1").await, "valid");
    let invalid = "[body.clientIp] Invalid IP address: expected one as in 203.0.113.7 or 2001:db8::7";
    for client_ip in ["", "10.0.0.0/8", "10.0.0.1, 10.0.0.2", "unknown", "[10.0.0.1]", "10.0.0.1:port"] {
        let verified = server.post("verify", json!({ "key": key["key"], "clientIp": client_ip })).await;
        assert_error(&verified, 400, "VALIDATION_ERROR", invalid);
        let validated = server.post("validate", json!({ "apiKey": key["key"], "clientIp": client_ip })).await;
        assert_error(&validated, 400, "VALIDATION_ERROR", invalid);
    }
}
