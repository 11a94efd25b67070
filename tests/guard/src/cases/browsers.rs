//! The requests of browsers, and bodies.

use std::sync::Arc;
use std::time::Duration;

use keymint_guard::KeyCheck;
use keymint_store_memory::MemoryStore;
use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::frameworks::Framework;
use crate::support::{QUOTA, app, ask, get, header, left, mint, service};

pub async fn a_preflight_passes_where_the_route_says_so<F: Framework>() {
    let keys = service(MemoryStore::default());
    let (id, key) = mint(&keys, |_| ()).await;
    let address = app::<F>(KeyCheck::embedded(Arc::clone(&keys)));
    let preflight = [("origin", "https://app.example"), ("access-control-request-method", "GET")];
    let passed = ask(Method::OPTIONS, address, "/page", &preflight).await;
    assert_eq!((passed.status().as_u16(), header(&passed, "ratelimit")), (204, String::new()));
    for lacking in [&preflight[..1], &preflight[1..]] {
        assert_eq!(ask(Method::OPTIONS, address, "/page", lacking).await.status(), 401, "{lacking:?}");
    }
    assert_eq!(get(address, "/page", &preflight).await.status(), 401, "another method");
    assert_eq!(ask(Method::OPTIONS, address, "/upload", &preflight).await.status(), 401, "another route");
    assert_eq!(left(&keys, &id).await, QUOTA);
    assert_eq!(get(address, "/page", &[("x-api-key", key.expose())]).await.status(), 200);
}

pub async fn a_body_is_not_read_before_the_verdict<F: Framework>() {
    let keys = service(MemoryStore::default());
    let (_, key) = mint(&keys, |_| ()).await;
    let address = app::<F>(KeyCheck::embedded(keys));
    let post = |key: &str| format!("POST /upload HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\nx-api-key: {key}\r\n\r\n");
    let mut socket = TcpStream::connect(address).await.unwrap();
    // The body never comes, and the answer does.
    socket.write_all(post("forged").as_bytes()).await.unwrap();
    let mut answer = [0; 12];
    let read = tokio::time::timeout(Duration::from_mins(1), socket.read_exact(&mut answer)).await;
    assert_eq!((read.unwrap().unwrap(), &answer), (12, b"HTTP/1.1 401"));

    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(post(key.expose()).as_bytes()).await.unwrap();
    socket.write_all(b"12345").await.unwrap();
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200", "the handler has the body that the guard has not read");
}
