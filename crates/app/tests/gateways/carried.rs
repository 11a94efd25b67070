//! Other traffic that a gateway carries to an application: large bodies, other protocols, preflight requests of
//! browsers.

use keymint_test_support::keymint::Server;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use crate::gateway::{Abilities, Gateway, Kind};
use crate::keymint;
use crate::raw::{self, Exchange};
use crate::upstream;

/// The bytes of a body that no gateway keeps in memory.
const LARGE: u64 = 300 << 20;

behind_every_gateway!(carries_all, answers_browsers, leaves_authorization, bears_many_fields);

async fn reader(keymint: &Server) -> String {
    let key = json!({ "userId": "ada", "permissions": { "files": ["read"] }, "rateLimitEnabled": false });
    keymint.create_text(key).await
}

/// A body of 300 MB arrives complete, and a WebSocket carries bytes both ways; neither works without a key.
async fn carries_all(kind: Kind) {
    let keymint = keymint::start();
    let gateway = Gateway::start(kind, keymint.address, raw::application().await).await;
    let key = reader(&keymint).await;

    let host = gateway.address;
    let head =
        format!("POST /api/files HTTP/1.1\r\nHost: {host}\r\nX-Api-Key: {key}\r\nContent-Length: {LARGE}\r\n\r\n");
    let mut stream = tokio::net::TcpStream::connect(gateway.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let part = vec![b'x'; 1 << 20];
    for _ in 0..LARGE >> 20 {
        stream.write_all(&part).await.unwrap();
    }
    let mut answer = Exchange::read(stream).await;
    assert_eq!((answer.status(), answer.field("seen-owner")), ("200", Some("ada")), "{}", answer.head);
    assert_eq!(answer.body().await.1, LARGE.to_string());

    for connection in ["Upgrade", "keep-alive, Upgrade, X-Key-Owner"] {
        let head = format!(
            "GET /api/socket HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\nX_Key_Owner: root\r\n",
            raw::KEY
        );
        let refused = Exchange::ask(gateway.address, &format!("{head}\r\n")).await;
        assert_eq!(refused.status(), "401", "{}", refused.head);
        let mut socket = Exchange::ask(gateway.address, &format!("{head}X-Api-Key: {key}\r\n\r\n")).await;
        assert_eq!((socket.status(), socket.field("seen-owner")), ("101", Some("ada")), "{}", socket.head);
        for said in ["first", "second"] {
            assert_eq!(socket.echo(said.as_bytes()).await, said.as_bytes());
        }
    }
}

/// A preflight is answered without a key, and is not passed on. The page may read the following answer, even a denial.
async fn answers_browsers(kind: Kind) {
    let keymint = keymint::start();
    let gateway = Gateway::start(kind, keymint.address, upstream::start()).await;
    let key = reader(&keymint).await;
    let client = Client::new();
    let request = |method: Method| client.request(method, format!("http://{}/api/files", gateway.address));
    for (origin, allowed) in
        [("https://app.example.com", Some("https://app.example.com")), ("https://evil.example", None)]
    {
        let preflight = request(Method::OPTIONS).header("access-control-request-method", "POST");
        let preflight = preflight.header("origin", origin).send().await.unwrap();
        assert!(preflight.status().is_success(), "{}", preflight.status());
        let allows = |response: &reqwest::Response| {
            let origin = response.headers().get("access-control-allow-origin");
            origin.map(|origin| origin.to_str().unwrap().to_owned())
        };
        assert_eq!(allows(&preflight).as_deref(), allowed);
        if allowed.is_some() {
            let headers = preflight.headers()["access-control-allow-headers"].to_str().unwrap().to_lowercase();
            assert!(headers.contains("x-api-key"), "{headers}");
        }
        assert_eq!(preflight.text().await.unwrap(), "", "the application has not been asked");
        for (key, status) in [(key.as_str(), 200), ("nonsense", 401)] {
            let response =
                request(Method::POST).header("origin", origin).header("x-api-key", key).send().await.unwrap();
            assert_eq!((response.status().as_u16(), allows(&response).as_deref()), (status, allowed));
        }
    }
    for nearly in ["origin", "access-control-request-method"] {
        let response = request(Method::OPTIONS).header(nearly, "https://app.example.com").send().await.unwrap();
        assert_eq!(response.status(), 401, "no preflight");
    }
}

/// `Authorization` belongs to the application unless it holds the key.
///
/// Beside a key it always does, if the gateway can tell. A token like a key's, such as a JWT, does if the document's
/// changes, or Keymint's variables, say so.
async fn leaves_authorization(kind: Kind) {
    let Abilities { leaves_other_schemes, bearer_off: (variables, changes), .. } = kind.abilities();
    let stock = keymint::start();
    let off = keymint::start_with(variables);
    let (basic, bearer) = ("Basic YTpi", "Bearer e30.e30.sig");
    for (keymint, changes, token, status, seen) in [
        (&stock, &[][..], basic, 200, leaves_other_schemes.then_some(basic)),
        (&stock, &[], bearer, 401, None),
        (&off, changes, basic, 200, Some(basic)),
        (&off, changes, bearer, 200, Some(bearer)),
    ] {
        let gateway = Gateway::start_with(kind, keymint.address, upstream::start(), changes).await;
        let request = Client::new().get(format!("http://{}/api/files", gateway.address));
        let request = request.header("x-api-key", reader(keymint).await).header("authorization", token);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{token} {changes:?}");
        let answer: Value = response.json().await.unwrap();
        let headers = &answer["headers"];
        assert_eq!(headers["authorization"][0].as_str(), seen, "{token} {changes:?}");
        assert_eq!(headers["x-api-key"], Value::Null);
    }
}

/// More fields than Keymint takes do not cause a server error of the gateway.
async fn bears_many_fields(kind: Kind) {
    let keymint = keymint::start();
    let gateway = Gateway::start(kind, keymint.address, raw::application().await).await;
    let request = Client::new().get(format!("http://{}/api/files", gateway.address));
    let request = request.header("x-api-key", reader(&keymint).await);
    let request = (0..150).fold(request, |request, number| request.header(format!("x-field-{number}"), "1"));
    assert_eq!(request.send().await.unwrap().status(), kind.abilities().many_fields);
}
