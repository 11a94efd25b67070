//! The portal as an application of a team opens it, and the links by which people get in, which no log has.

use std::fs::write;
use std::process::Command;

use keymint_test_support::markdown;
use reqwest::header::{COOKIE, HeaderMap, ORIGIN};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

use crate::process::{Place, SERVER_KEY, Server};

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/console.md"));
const BASE_URL: &str = "https://keys.example.com";

fn place() -> Place {
    Place::new().with("KEYMINT__SERVER__BASE_URL", BASE_URL)
}

/// A browser that keeps the cookies of the last answer that had any.
struct Browser<'a> {
    server: &'a Server,
    client: Client,
    cookies: Vec<String>,
}

impl<'a> Browser<'a> {
    fn new(server: &'a Server) -> Self {
        Self { server, client: Client::builder().redirect(Policy::none()).build().unwrap(), cookies: Vec::new() }
    }

    fn keep(&mut self, headers: &HeaderMap) {
        let cookies = headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap());
        self.cookies.extend(cookies.map(|line| line.split(';').next().unwrap().to_owned()));
    }

    async fn get(&mut self, path: &str) -> Response {
        let request = self.client.get(format!("http://{}{path}", self.server.address));
        let answer = request.header(COOKIE, self.cookies.join("; ")).send().await.unwrap();
        self.keep(answer.headers());
        answer
    }

    async fn post(&mut self, path: &str, form: &'static str) -> Response {
        let request = self.client.post(format!("http://{}{path}", self.server.address)).header(ORIGIN, BASE_URL);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
        let answer = request.header(COOKIE, self.cookies.join("; ")).send().await.unwrap();
        self.keep(answer.headers());
        answer
    }

    /// Opens a link to the portal, and returns the list of keys.
    async fn open(&mut self, url: &str) -> String {
        let path = url.strip_prefix(BASE_URL).unwrap();
        assert_eq!(self.get(path).await.status(), StatusCode::OK);
        let opened = self.post(path, "").await;
        assert_eq!(opened.status(), StatusCode::SEE_OTHER);
        let keys = opened.headers()["location"].to_str().unwrap().to_owned();
        self.get(&keys).await.text().await.unwrap()
    }
}

async fn portal_link(server: &Server) -> String {
    let body = json!({ "owner": "customer-7", "may": ["create"] });
    let request =
        Client::new().post(format!("http://{}/api/auth/portal/sessions", server.address)).bearer_auth(SERVER_KEY);
    let answer: Value = request.json(&body).send().await.unwrap().json().await.unwrap();
    answer["url"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(feature = "full-tests"), ignore = "needs Node and Python")]
async fn the_examples_of_the_document_lead_a_customer_to_their_keys() {
    let place = place().with("KEYMINT__CONSOLE__BRAND__NAME", "Acme");
    let server = place.serve();
    server.post("create", json!({ "userId": "customer-7", "name": "The key of seven" })).await;
    server.post("create", json!({ "userId": "customer-8", "name": "The key of eight" })).await;
    let languages = [
        ("js", "page.mjs", "node", "", "console.log(await keyPage(process.env.CUSTOMER));\n"),
        (
            "python",
            "page.py",
            "python3",
            "import json, os, urllib.request\n",
            "print(key_page(os.environ['CUSTOMER']))\n",
        ),
    ];
    for (fence, file, program, before, after) in languages {
        let [snippet] = &markdown::blocks(DOCUMENT, fence)[..] else { panic!("one snippet of {fence}") };
        write(place.path().join(file), [before, snippet, after].concat()).unwrap();
        let mut example = Command::new(program);
        example.arg(file).current_dir(place.path()).env("SERVER_KEY", SERVER_KEY).env("CUSTOMER", "customer-7");
        example.env("KEYMINT", format!("http://{}/api/auth", server.address));
        let output = example.output().unwrap();
        assert!(output.status.success(), "{fence}: {}", String::from_utf8_lossy(&output.stderr));
        let page = Browser::new(&server).open(String::from_utf8_lossy(&output.stdout).trim()).await;
        assert!(page.contains("The key of seven") && !page.contains("The key of eight"), "{fence}: {page}");
        assert!(page.contains("Acme") && page.contains("Back to app.example.com"), "{fence}: {page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_leads_to_a_key_and_no_log_has_a_token() {
    let place = place().with("KEYMINT__LOG__ACCESS", "true").with("KEYMINT__LOG__LEVEL", "trace");
    let mut server = place.serve();
    let claim = loop {
        let line = server.next_line();
        if let Some(link) = line.split_whitespace().find(|word| word.contains("/console/claim/")) {
            break link.strip_prefix(BASE_URL).unwrap().to_owned();
        }
    };
    let mut operator = Browser::new(&server);
    assert!(operator.get(&claim).await.text().await.unwrap().contains("Become the operator"));
    let claimed = operator.post(&claim, "name=Ada&email=ada%40example.com&password=password").await;
    assert_eq!(claimed.headers()["location"], "/console/keys?did=claimed");
    assert!(operator.get("/console/keys?did=claimed").await.text().await.unwrap().contains("Make the first key"));

    let link = portal_link(&server).await;
    let mut guest = Browser::new(&server);
    guest.open(&link).await;
    for path in [&*claim, link.strip_prefix(BASE_URL).unwrap(), &claim.replace("claim", "reset")] {
        assert_eq!(guest.get(path).await.status(), StatusCode::NOT_FOUND);
    }
    let cookies: Vec<_> = operator.cookies.iter().chain(&guest.cookies).cloned().collect();
    server.has_logged("/console/portal/s/{session}/keys", 1).await;
    server.terminate();
    let (_, _, log) = server.finish();
    assert!(log.contains("/console/claim/{token}") && log.contains("/console/portal/{token}"), "{log}");
    let secrets = [&*claim, &*link].map(|link| link.rsplit('/').next().unwrap().to_owned());
    let values = cookies.iter().filter_map(|cookie| cookie.split_once('=').map(|(_, value)| value.to_owned()));
    for secret in secrets.into_iter().chain(values).filter(|secret| secret.len() > 20) {
        assert!(!log.contains(&secret), "{secret} in {log}");
    }
    // The next start has somebody to sign in, and offers nothing.
    let server = place.serve();
    server.terminate();
    let (_, rest, _) = server.finish();
    assert!(!rest.contains("/console/claim/"), "{rest}");
}
