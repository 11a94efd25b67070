//! A gateway that knows nothing of Keymint but RFC 7662: it finds the endpoint by the metadata.

use keymint_test_support::keymint::Server;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::gateway::{Gateway, Kind};
use crate::keymint;
use crate::upstream;

struct World {
    keymint: Server,
    gateway: Gateway,
}

impl World {
    async fn start() -> Self {
        let keymint = keymint::start_at_its_base_url();
        let gateway = Gateway::start(Kind::Introspecting, keymint.address, upstream::start()).await;
        Self { keymint, gateway }
    }

    fn get(&self, key: &str) -> RequestBuilder {
        Client::new().get(format!("http://{}/api/files", self.gateway.address)).bearer_auth(key)
    }

    async fn status(&self, key: &str) -> u16 {
        self.get(key).send().await.unwrap().status().as_u16()
    }
}

#[tokio::test]
async fn every_request_of_a_known_key_passes_and_is_paid_for() {
    let world = World::start().await;
    let key = json!({ "userId": "ada", "permissions": { "files": ["read", "write"] }, "remaining": 2 });
    let key = world.keymint.create_text(key).await;
    for _ in 0..2 {
        let response = world.get(&key).header("x-key-sub", "eve").send().await.unwrap();
        assert_eq!(response.status(), 200);
        let seen: Value = response.json().await.unwrap();
        let headers = &seen["headers"];
        assert_eq!(headers["x-key-sub"], json!(["ada"]));
        assert_eq!(headers["x-key-scope"], json!(["files:read files:write"]));
        assert!(!seen.to_string().contains(&key), "the key was stripped: {seen}");
    }
    assert_eq!(world.status(&key).await, 401, "the quota is used up, and no answer was kept");
}

#[tokio::test]
async fn who_may_not_pass_is_kept_out() {
    let mut world = World::start().await;
    let reader = world.keymint.create_text(json!({ "userId": "ada", "permissions": { "files": ["read"] } })).await;
    let other = world.keymint.create_text(json!({ "userId": "ada", "permissions": { "files": ["list"] } })).await;
    let ending = json!({ "userId": "ada", "permissions": { "files": ["read"] }, "expiresIn": 86_400 });
    let ending = world.keymint.create_text(ending).await;
    for (key, status) in [(&reader, 200), (&ending, 200), (&other, 401), (&"nonsense".to_owned(), 401)] {
        assert_eq!(world.status(key).await, status, "{key}");
    }
    world.keymint.kill();
    assert!(!world.keymint.wait());
    assert_eq!(world.status(&reader).await, 401, "no answer lets nothing pass");
}
