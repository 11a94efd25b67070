//! The claims of `docs/http.md`: its examples, in their order, and its table of errors.

use std::fmt::Write as _;

use actix_web::ResponseError as _;
use actix_web::body::MessageBody as _;
use keymint_actix::guard::{LimitFields, NotAdmitted};
use keymint_actix::{ApiError, ApiOptions};
use keymint_domain::policy::References;
use keymint_domain::verify::Refusal;
use keymint_domain::webhook::{InvalidKinds, InvalidWebhookUrl};
use keymint_domain::{ConfigId, Configuration, ErrorCode, Permissions, Policy};
use keymint_ports::{FetchFailure, StoreError};
use keymint_service::{NotFromGithub, ServiceError, WebhookError};
use keymint_test_support::markdown;
use reqwest::Client;
use serde_json::Value;

use crate::support::{ORIGIN, Setup, TestServer, trusted};

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/http.md"));

/// Sends a request as it is written, and writes the answer down in the same way, with the headers that `example` has.
async fn ask(server: &TestServer, request: &str, example: &str) -> String {
    let (head, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let mut lines = head.lines();
    let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
    let url = format!("http://{}{path}", server.address);
    let mut request = Client::new().request(method.parse().unwrap(), url).body(body.trim_end().to_owned());
    for (name, value) in lines.map(|line| line.split_once(": ").unwrap()) {
        request = request.header(name, value);
    }
    server.usage.flush().await.unwrap();
    let response = request.send().await.unwrap();
    let mut answer = format!("HTTP/1.1 {}\n", response.status());
    let lines = example.lines().skip(1).take_while(|line| !line.is_empty());
    let mut names: Vec<_> = lines.map(|line| line.split_once(": ").unwrap().0).collect();
    names.dedup();
    for name in names {
        for value in response.headers().get_all(name) {
            writeln!(answer, "{name}: {}", value.to_str().unwrap()).unwrap();
        }
    }
    let body = response.text().await.unwrap();
    if body.is_empty() {
        return answer;
    }
    let body: Value = serde_json::from_str(&body).unwrap();
    format!("{answer}\n{body:#}\n")
}

/// The server that the document speaks of.
fn server() -> TestServer {
    let configuration = |id: &str| Configuration::new(ConfigId::parse(id).unwrap());
    let cli = Configuration { enable_session_for_api_keys: true, ..configuration("cli") };
    let team = Configuration { references: References::Organization, ..configuration("team") };
    let options = ApiOptions {
        base_url: ORIGIN.to_owned(),
        trusted_origins: trusted(&[ORIGIN, "https://app.example.com"]),
        ..ApiOptions::default()
    };
    let default = Configuration { undelete_ms: 30 * 86_400_000, ..Configuration::default() };
    let policy = Policy::new(vec![default, cli, team]).unwrap();
    TestServer::with(Setup { policy, options, is_secure: true, ..Setup::default() })
}

#[tokio::test]
async fn every_example_is_answered_as_written() {
    let server = server();
    let blocks = markdown::blocks(DOCUMENT, "http");
    let (examples, rest) = blocks.as_chunks::<2>();
    assert!(rest.is_empty() && examples.len() > 25, "{} blocks", blocks.len());
    for [request, answer] in examples {
        assert_eq!(ask(&server, request, answer).await, *answer, "{request}");
    }
}

/// The rows of the table of errors.
pub(crate) fn rows() -> impl Iterator<Item = &'static str> {
    let table = DOCUMENT.split_once("| Code | Status | Message | When |\n|---|---|---|---|\n").unwrap().1;
    table.lines().take_while(|line| line.starts_with('|'))
}

/// One error of each message, with the placeholders of the document.
fn errors() -> Vec<ApiError> {
    let store = |error: StoreError| ApiError::from(error);
    let invalid = |code| ApiError::Invalid(Refusal::of_unknown(code), LimitFields::default());
    let mut errors: Vec<_> = ErrorCode::ALL.iter().map(|code| ApiError::from(*code)).collect();
    errors.extend([
        ApiError::Service(ServiceError::ShortKey),
        ApiError::Service(ServiceError::Ungrantable(Permissions::of(&[]))),
        invalid(ErrorCode::InvalidApiKey),
        invalid(ErrorCode::KeyDisabled),
        invalid(ErrorCode::KeyExpired),
        invalid(ErrorCode::UsageExceeded),
        invalid(ErrorCode::RateLimited),
        ApiError::from(NotAdmitted::MissingKey),
        ApiError::from(NotAdmitted::DifferentKeys),
        ApiError::NotAGateway,
        ApiError::Unsigned,
        ApiError::NotFromGithub(NotFromGithub::UnknownKey),
        ApiError::NotFromGithub(NotFromGithub::WrongSignature),
        ApiError::Webhook(WebhookError::Url(InvalidWebhookUrl::Scheme)),
        ApiError::Webhook(WebhookError::Kinds(InvalidKinds::TooMany)),
        ApiError::Webhook(WebhookError::TooMany(1000)),
        ApiError::Webhook(WebhookError::Missing),
        ApiError::Webhook(WebhookError::Conflict),
        ApiError::Validation("*place and problem*".to_owned()),
        store(StoreError::OutOfRange { column: "*member*" }),
        ApiError::InvalidJson,
        ApiError::BrokenBody,
        ApiError::MediaType { given: Some("*type*".to_owned()), allowed: "application/json" },
        ApiError::MediaType { given: None, allowed: "application/json" },
        ApiError::MediaType {
            given: Some("*type*".to_owned()),
            allowed: "application/x-www-form-urlencoded, application/json",
        },
        ApiError::TooLarge(262_144),
        ApiError::SlowBody,
        ApiError::NotAText("*member*"),
        ApiError::Timeout,
        ApiError::Service(ServiceError::Overloaded),
        store(StoreError::unavailable("down")),
        ApiError::NotFromGithub(NotFromGithub::NoKeys(FetchFailure::TimedOut)),
        ApiError::Draining,
        store(StoreError::Duplicate),
        ApiError::NotFound,
    ]);
    errors
}

#[test]
fn the_table_names_every_error_with_its_status_and_message() {
    let cells = |row: &'static str| row.split(" | ").take(3).collect::<Vec<_>>().join(" | ");
    let documented: Vec<_> = rows().map(cells).collect();
    let row = |error: ApiError| {
        let body = error.error_response().into_body().try_into_bytes().unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let (code, message) = (body["code"].as_str().unwrap(), body["message"].as_str().unwrap());
        format!("| `{code}` | {} | {message}", error.status_code().as_u16())
    };
    assert_eq!(documented, errors().into_iter().map(row).collect::<Vec<_>>());
}
