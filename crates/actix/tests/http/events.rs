//! Changes over HTTP are events that say truly who made them, and hold no secret.

use keymint_domain::event::EventQuery;
use keymint_domain::event::seal::SealKey;
use keymint_domain::server_key::{ServerKey, ServerKeyText};
use keymint_ports::{EventStore as _, ServerKeyStore as _};
use keymint_service::Recorder;
use keymint_store_memory::MemoryStore;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{NOW, ORIGIN, SERVER_KEY, Setup, TestServer, answer};

/// A server key of the store, whose id events name.
const STORED: &str = "a-stored-server-key-of-thirty-two-or-more";

/// Sends a change with a request id, as a server that shows this key, or as a user's session.
async fn change(server: &TestServer, path: &str, credential: (&str, &str), id: &str, body: Value) -> Value {
    let request = server.anonymous(Method::POST, path).header(credential.0, credential.1).header("x-request-id", id);
    let (status, answer) = answer(request.header("origin", ORIGIN).json(&body).send().await.unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

#[tokio::test]
async fn an_event_names_the_server_key_the_user_the_request_and_the_client() {
    let store = MemoryStore::default();
    let text = ServerKeyText::parse(STORED).unwrap();
    let stored = ServerKey::new(&text, None, &mut |bytes: &mut [u8]| bytes.fill(3), NOW);
    store.insert_server_key(&stored, &keymint_domain::event::Origin::unrecorded()).await.unwrap();
    let server = TestServer::with(Setup { recorder: Recorder::on(), ..Setup::on(store.clone()) });

    let (given, known) = (format!("Bearer {SERVER_KEY}"), format!("Bearer {STORED}"));
    let ada = server.sign_up("ada").await;
    let user = ada["user"]["id"].as_str().unwrap();
    let session = format!("Bearer {}", ada["token"].as_str().unwrap());
    let made = change(&server, "create", ("authorization", &given), "first", json!({ "userId": user })).await;
    let id = made["id"].clone();
    let renamed = json!({ "keyId": id, "name": "renamed" });
    change(&server, "update", ("authorization", &known), "second", renamed).await;
    let by_user = change(&server, "revoke", ("cookie", &cookie(&server).await), "third", json!({ "id": id })).await;
    assert_eq!(by_user["revokedBy"], format!("user:{user}"));
    change(&server, "delete", ("authorization", &known), "fourth", json!({ "keyId": id })).await;

    while store.seal(&SealKey::new([1; 32]), 100).await.unwrap() > 0 {}
    let events = store.list_events(&EventQuery::behind(0, 100)).await.unwrap();
    let of_user = format!("user:{user}");
    let of_key = format!("server_key:{}", stored.id);
    let told: Vec<_> = events.iter().map(|event| (event.row.kind.as_str(), event.row.actor.as_str())).collect();
    let expected = [
        ("keymint.user.created", of_user.as_str()),
        ("keymint.key.created", "server"),
        ("keymint.key.updated", &of_key),
        ("keymint.user.signed_in", &of_user),
        ("keymint.key.revoked", &of_user),
        ("keymint.key.deleted", &of_key),
    ];
    assert_eq!(told, expected);
    let named = ["first", "second", "third", "fourth"];
    let of_requests = events.iter().filter(|event| event.row.key_id.is_some());
    let ids: Vec<_> = of_requests.map(|event| event.row.request_id.as_deref().unwrap()).collect();
    assert_eq!(ids, named);
    for event in &events {
        let personal = event.row.personal.as_deref().unwrap();
        assert!(personal.contains("\"client\":\"127.0.0.1\""), "{personal}");
    }
    let all = format!("{events:?}");
    for secret in [made["key"].as_str().unwrap(), SERVER_KEY, STORED, text.hash().as_str(), &session[7..]] {
        assert!(!all.contains(secret), "an event holds a secret");
    }
}

/// Signs ada in, and returns the cookie of her session.
async fn cookie(server: &TestServer) -> String {
    let body = json!({ "email": "ada@example.com", "password": "password" });
    let answer = server.auth(Method::POST, "sign-in/email").json(&body).send().await.unwrap();
    let cookie = answer.headers().get("set-cookie").unwrap().to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}
