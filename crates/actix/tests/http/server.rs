//! A server that stops loses no request that it has accepted.

use std::sync::Arc;
use std::time::Duration;

use keymint_domain::ErrorCode;
use keymint_domain::verify::{Refusal, Verdict};
use keymint_ports::{MockKeyStore, StoreError};
use reqwest::Method;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::support::{Setup, TestServer};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_stop_is_first_of_all_not_ready() {
    let server = TestServer::new();
    let stopper = server.stopper.clone();
    let stopping = tokio::spawn(async move { stopper.stop().await });
    // Until it stops listening, whoever asks is told to go elsewhere.
    let refused = async {
        loop {
            let response = server.plain("/readyz").await;
            if response.status() == 503 {
                return crate::support::answer(response).await.1;
            }
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(20), refused).await.unwrap();
    assert_eq!(refused["message"], "The server is stopping. Try again later.");
    stopping.await.unwrap();
    server.stopped.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_accepted_is_answered_after_the_server_was_told_to_stop() {
    let (entered, has_entered) = oneshot::channel::<()>();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (mut entered, released) = (Some(entered), std::sync::Mutex::new(released));
    let mut store = MockKeyStore::new();
    store.expect_spend().once().returning(move |_, _, _| {
        entered.take().unwrap().send(()).unwrap();
        released.lock().unwrap().recv().unwrap();
        Ok::<_, StoreError>(vec![Ok(Verdict::Refused(Refusal::of_unknown(ErrorCode::KeyDisabled)))])
    });
    let server = TestServer::with(Setup { store: Arc::new(store), ..Setup::default() });
    let request = server.request(Method::POST, "verify").json(&json!({ "key": "k" }));
    let pending = tokio::spawn(request.send());
    has_entered.await.unwrap();

    let stopper = server.stopper.clone();
    let stopping = tokio::spawn(async move { stopper.stop().await });
    // Whoever comes now finds nobody listening; the one who was there before is answered.
    let closed = async { while TcpStream::connect(server.address).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(20), closed).await.expect("a stopping server stops listening");
    release.send(()).unwrap();
    let response = pending.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["connection"], "close");
    stopping.await.unwrap();
    server.stopped.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_parts_of_an_answer_do_not_wait_for_acknowledgements() {
    // A client may delay them by 40 ms, on every request after the first of its connection.
    assert!(TestServer::new().sends_at_once);
}

#[tokio::test]
async fn the_root_is_a_short_page_in_the_form_that_is_asked_for() {
    let server = TestServer::new();
    let ask = |method: Method, accept: &'static str| {
        let url = format!("http://{}/", server.address);
        reqwest::Client::new().request(method, url).header("accept", accept).send()
    };
    let text = ask(Method::GET, "*/*").await.unwrap();
    assert_eq!(
        (text.status().as_u16(), &text.headers()["content-type"]),
        (200, &"text/plain; charset=utf-8".parse().unwrap())
    );
    let text = text.text().await.unwrap();
    assert!(text.contains("api      /docs\n") && !text.contains("console"), "there are no pages: {text}");
    let page = ask(Method::GET, "text/html,application/xhtml+xml;q=0.9").await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers()["vary"], "accept");
    assert!(page.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert!(page.text().await.unwrap().contains("<a href=\"/docs\">"));
    assert_eq!(ask(Method::HEAD, "*/*").await.unwrap().status(), 200);
    assert_eq!(ask(Method::POST, "*/*").await.unwrap().status(), 404);
}
