//! A server in the process, to be asked without a socket.

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::net::SocketAddr;
use std::rc::Rc;

use actix_web::body::to_bytes;
use actix_web::dev::Service as _;
use actix_web::http::StatusCode;
use actix_web::rt::{System, SystemRunner};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, web::Bytes};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use keymint_actix::{CookieSecret, LiveApi, endpoints};
use keymint_app::config::Config;
use keymint_app::wiring::Services;
use serde_json::{Value, json};

/// The server's own key.
pub const SERVER_KEY: &str = "a-server-key-of-thirty-two-or-more";

/// Everything is on that a stranger can reach, and whoever asks is a gateway.
const CONFIGURATION: &str = r#"
    server.trusted_proxies = ["127.0.0.1/32"]
    server.trusted_origins = ["*.example.com"]
    database.url = "memory:"
    identity.throttle.max_requests = 0
    authorize = { idempotency_window_ms = 60000, assertion = { audience = "fuzz", metadata = true } }
    [[api_key]]
    config_id = "default"
    enable_metadata = true
    enable_session_for_api_keys = true
    rate_limit.enabled = false
    [[api_key]]
    config_id = "team"
    references = "organization"
"#;

/// Requests that one server answers. Keys that are made stay, so that it must not live for ever.
const LIFE: usize = 5000;

/// A server, a key, and somebody who is signed in.
struct World {
    runtime: SystemRunner,
    ask: Box<dyn Fn(TestRequest) -> LocalBoxFuture<'static, (StatusCode, Bytes)>>,
    key: String,
    cookie: String,
    asked: usize,
}

/// Asks the server, and fails where it answers that it has failed.
///
/// `request` is given a key, and the cookie of somebody who is signed in.
pub fn ask(request: impl FnOnce(&str, &str) -> TestRequest) -> Bytes {
    // The last world stays: at the end of the thread it would look for actix' own storage, which may be gone before it.
    thread_local!(static WORLD: ManuallyDrop<RefCell<Option<World>>> = const { ManuallyDrop::new(RefCell::new(None)) });
    WORLD.with(|world| {
        let world = &mut *world.borrow_mut();
        if world.as_ref().is_some_and(|world| world.asked >= LIFE) {
            *world = None;
        }
        let world = world.get_or_insert_with(World::new);
        world.asked += 1;
        let request = request(&world.key, &world.cookie);
        let (status, body) = world.runtime.block_on((world.ask)(request));
        assert!(!status.is_server_error(), "{status}: {}", String::from_utf8_lossy(&body));
        body
    })
}

impl World {
    fn new() -> Self {
        let runtime = System::new();
        let ask = runtime.block_on(async {
            let environment = [("KEYMINT_SERVER_KEYS", SERVER_KEY)].into_iter().collect();
            let config = Config::from_text(CONFIGURATION, "keymint.toml", &environment).unwrap();
            let services = Services::open(&config).await.unwrap();
            let secret = CookieSecret::parse("a-secret-of-thirty-two-or-more-characters").unwrap();
            let api = LiveApi::new(services.api(&config, secret));
            let app = App::new().configure(|app| endpoints::configure(app, api));
            let service = Rc::new(init_service(app).await);
            move |request: TestRequest| {
                let service = Rc::clone(&service);
                let peer = SocketAddr::from(([127, 0, 0, 1], 40_000));
                async move {
                    let response = match service.call(request.peer_addr(peer).to_request()).await {
                        Ok(response) => response.into_parts().1.map_into_boxed_body(),
                        Err(error) => error.error_response(),
                    };
                    (response.status(), to_bytes(response.into_body()).await.unwrap_or_default())
                }
                .boxed_local()
            }
        });
        let mut world = Self { runtime, ask: Box::new(ask), key: String::new(), cookie: String::new(), asked: 0 };
        let body = json!({ "userId": "ada", "permissions": { "files": ["read"], "*": ["list"] } });
        world.key = world.post("/api/auth/api-key/create", &body)["key"].as_str().unwrap().to_owned();
        let ada = json!({ "name": "Ada", "email": "ada@example.com", "password": "password" });
        world.cookie = world.post("/api/auth/sign-up/email", &ada)["token"].as_str().unwrap().to_owned();
        world
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let request = TestRequest::post().uri(path).insert_header(("authorization", format!("Bearer {SERVER_KEY}")));
        let (status, body) = self.runtime.block_on((self.ask)(request.set_json(body)));
        assert_eq!(status, 200, "{body:?}");
        serde_json::from_slice(&body).unwrap()
    }
}

/// The first byte picks one of these; the rest is what it is given.
pub fn pick<'a, 'd, T>(from: &'a [T], data: &'d [u8]) -> Option<(&'a T, &'d [u8])> {
    let (first, rest) = data.split_first()?;
    Some((&from[usize::from(*first) % from.len()], rest))
}
