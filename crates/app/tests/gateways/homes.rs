//! Several nodes behind a balancer that gives each key a home.

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::gateway::{Gateway, Kind};
use crate::{keymint, upstream};

const BALANCERS: [Kind; 3] = [Kind::Haproxy, Kind::Nginx, Kind::Envoy];

/// A node that answers with its name and two fields of the request.
struct Node {
    address: SocketAddr,
    handle: ServerHandle,
}

impl Node {
    fn start(name: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answer = move |request: HttpRequest| async move {
            let field = |name: &str| -> Vec<String> {
                request.headers().get_all(name).map(|value| value.to_str().unwrap().to_owned()).collect()
            };
            let (client, id) = (field("x-forwarded-for"), field("x-request-id"));
            HttpResponse::Ok().json(json!({ "node": name, "client": client, "id": id }))
        };
        let server = HttpServer::new(move || App::new().default_service(web::to(answer)));
        let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { address, handle }
    }
}

/// A balancer in front of three nodes, and a client.
struct World {
    nodes: [Node; 3],
    balancer: Gateway,
    client: Client,
}

impl World {
    async fn with(kind: Kind) -> Self {
        let nodes = [0, 1, 2].map(Node::start);
        let balancer = Gateway::balance(kind, [0, 1, 2].map(|place: usize| nodes[place].address)).await;
        Self { nodes, balancer, client: Client::new() }
    }

    /// Returns the answer to a question about a key that stands in one of these fields.
    async fn ask(&self, fields: &[(&str, &str)]) -> Value {
        let request = self.client.get(format!("http://{}/authorize", self.balancer.address));
        let request = fields.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    /// Returns the node that answers it.
    async fn home(&self, fields: &[(&str, &str)]) -> u64 {
        self.ask(fields).await["node"].as_u64().unwrap()
    }
}

#[tokio::test]
async fn each_key_has_a_home_and_keeps_it_while_others_lose_theirs() {
    let keys: Vec<String> = (0..40).map(|number| format!("sk_{number:064}")).collect();
    for kind in BALANCERS {
        let world = World::with(kind).await;
        let mut homes = Vec::new();
        for key in &keys {
            let at = world.home(&[("x-api-key", key)]).await;
            for jwt in ["Bearer one", "Bearer another"] {
                assert_eq!(world.home(&[("x-api-key", key), ("authorization", jwt)]).await, at, "{kind:?} {key}");
            }
            let bearer = format!("Bearer {key}");
            let as_bearer = world.home(&[("authorization", &bearer)]).await;
            assert_eq!(world.home(&[("authorization", &bearer)]).await, as_bearer, "{kind:?} {key}");
            homes.push(at);
        }
        assert_eq!(homes.iter().collect::<BTreeSet<_>>().len(), 3, "{kind:?}: {homes:?}");

        world.nodes[0].handle.stop(false).await;
        let lost = keys.iter().zip(&homes).find(|(_, home)| **home == 0).unwrap().0;
        // A connection that the balancer has kept may last for a moment.
        while world.home(&[("x-api-key", lost)]).await == 0 {}
        for (key, before) in keys.iter().zip(homes) {
            let after = world.home(&[("x-api-key", key)]).await;
            assert!(after != 0 && (before == 0 || after == before), "{kind:?} {key}: {before}, then {after}");
        }
    }
}

#[tokio::test]
async fn what_the_gateway_says_of_the_client_reaches_the_node() {
    for kind in BALANCERS {
        let fields = [("x-api-key", "key"), ("x-forwarded-for", "192.0.2.7"), ("x-request-id", "one")];
        let told = World::with(kind).await.ask(&fields).await;
        assert_eq!((&told["client"], &told["id"]), (&json!(["192.0.2.7"]), &json!(["one"])), "{kind:?}");
    }
}

/// Three Keymints that share a database answer as one, and know the client that the gateway tells of.
#[tokio::test]
async fn a_gateway_may_ask_the_balancer() {
    for kind in BALANCERS {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("keymint.db").display());
        let keymints = [(); 3].map(|()| keymint::start_with(&[("KEYMINT__DATABASE__URL", &url)]));
        let balancer = Gateway::balance(kind, [0, 1, 2].map(|place: usize| keymints[place].address)).await;
        let gateway = Client::new();
        let authorize = |key: &str, client: &str| {
            let request = gateway.get(format!("http://{}/authorize?permissions=files:read", balancer.address));
            request.header("x-api-key", key).header("x-forwarded-for", client).send()
        };
        for number in 0..6 {
            let members = json!({
                "userId": "ada", "permissions": { "files": ["read"] }, "remaining": 10, "allowedAddresses": ["192.0.2.7"],
            });
            let key = keymints[number % 3].create_text(members).await;
            for expected in ["9", "8", "7"] {
                let response = authorize(&key, "192.0.2.7").await.unwrap();
                assert_eq!(response.status(), 200, "{kind:?}");
                assert_eq!(response.headers()["x-key-remaining"], expected, "{kind:?}");
            }
            let elsewhere = authorize(&key, "192.0.2.8").await.unwrap();
            assert_eq!(elsewhere.status(), 403, "{kind:?}: the key is for another address");
        }
    }
}

/// nginx, as a gateway, gives keys their homes itself, by the line that the document names.
#[tokio::test]
async fn a_gateway_may_be_the_balancer() {
    const LINE: &str = "hash $shown_key$http_authorization consistent;";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/gateways");
    assert!(fs::read_to_string(folder.join("several.md")).unwrap().contains(LINE));
    let keymint = keymint::start();
    let changes = [("keepalive 32;", &*format!("{LINE}\n    keepalive 32;"))];
    let gateway = Gateway::start_with(Kind::Nginx, keymint.address, upstream::start(), &changes).await;
    let key = keymint.create_text(json!({ "userId": "ada", "permissions": { "files": ["read"] } })).await;
    let (client, url) = (Client::new(), format!("http://{}/api/files", gateway.address));
    assert_eq!(client.get(&url).header("x-api-key", &key).send().await.unwrap().status(), 200);
    assert_eq!(client.get(&url).bearer_auth(&key).send().await.unwrap().status(), 200);
    assert_eq!(client.get(&url).send().await.unwrap().status(), 401);
}
