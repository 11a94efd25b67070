//! The OpenAPI document and the page to browse it. `tests/openapi` compares what the document promises with what the
//! server does; here it is compared with `docs/http.md` and with the server's routes.

use std::collections::{BTreeSet, HashSet};

use actix_web::http::header;
use reqwest::{Client, Method, StatusCode, redirect};
use serde_json::Value;

use crate::document::rows;
use crate::support::{Setup, TestServer};

async fn document(server: &TestServer) -> Value {
    let response = server.plain("/openapi.json").await;
    assert_eq!(response.headers()[header::CONTENT_TYPE.as_str()], "application/json");
    response.json().await.unwrap()
}

/// Every operation: its method, its path, and itself.
fn operations(document: &Value) -> Vec<(Method, &str, &Value)> {
    let paths = document["paths"].as_object().unwrap();
    let items = paths.iter().flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |row| (path, row)));
    let operations = items.filter(|(_, (name, _))| *name != "parameters");
    operations
        .map(|(path, (method, operation))| (method.to_uppercase().parse().unwrap(), path.as_str(), operation))
        .collect()
}

#[tokio::test]
async fn every_operation_is_a_route_and_other_methods_are_none() {
    let server = TestServer::new();
    let document = document(&server).await;
    assert_eq!(document["openapi"], "3.1.0");
    let operations = operations(&document);
    assert!(operations.len() > 30, "{} operations", operations.len());
    let paths: BTreeSet<_> = operations.iter().map(|(_, path, _)| *path).collect();
    for path in paths {
        let url = format!("http://{}{}", server.address, path.replace("{path}", "a/b").replace("{file}", "index.html"));
        for method in [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            let client = Client::builder().redirect(redirect::Policy::none()).build().unwrap();
            let status = client.request(method.clone(), &url).send().await.unwrap().status();
            let is_documented = operations.iter().any(|(of, at, _)| (of, *at) == (&method, path));
            assert_eq!(status != StatusCode::NOT_FOUND, is_documented, "{method} {path}: {status}");
        }
    }
}

#[tokio::test]
async fn operations_have_names_of_their_own_and_examples() {
    let document = document(&TestServer::new()).await;
    let operations = operations(&document);
    let names: HashSet<_> =
        operations.iter().map(|(_, _, operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.len(), operations.len());
    for (method, path, operation) in operations {
        let bodies = operation["requestBody"]["content"].as_object().into_iter().flatten();
        let answers = operation["responses"]["200"]["content"].as_object().into_iter().flatten();
        for (media_type, content) in bodies.chain(answers.filter(|(media_type, _)| media_type.contains("json"))) {
            assert!(content.get("example").is_some(), "{method} {path} {media_type}");
        }
    }
}

#[tokio::test]
async fn the_paths_are_those_of_the_server() {
    let mut setup = Setup::default();
    setup.options.base_path = "/auth".to_owned();
    let document = document(&TestServer::with(setup)).await;
    assert!(document["paths"].get("/auth/api-key/verify").is_some() && document["paths"].get("/healthz").is_some());
}

#[tokio::test]
async fn every_error_that_is_sent_is_an_example_with_its_status() {
    let document = document(&TestServer::new()).await;
    let mut found: BTreeSet<(String, String)> = BTreeSet::new();
    for (_, _, operation) in operations(&document) {
        for (status, response) in operation["responses"].as_object().unwrap() {
            let response = resolve(&document, response);
            let contents = response["content"].as_object().into_iter().flatten();
            let examples = contents.filter_map(|(_, content)| content["examples"].as_object()).flatten();
            for example in examples.map(|(_, example)| resolve(&document, example)) {
                found.insert((example["value"]["code"].as_str().unwrap().to_owned(), status.clone()));
            }
        }
    }
    for row in rows().filter(|row| !row.contains("| not sent |")) {
        let cells: Vec<_> = row.split(" | ").collect();
        let (code, status) = (cells[0].trim_matches(['|', ' ', '`']), cells[1]);
        assert!(found.contains(&(code.to_owned(), status.to_owned())), "{code} {status} is not in the document");
    }
}

fn resolve<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// Visits every schema of the document, with its path; examples hold none.
fn visit(path: &str, value: &Value, schema: &mut impl FnMut(&str, &Value)) {
    schema(path, value);
    let members = value.as_object().into_iter().flatten().filter(|(name, _)| !name.starts_with("example"));
    members.for_each(|(name, member)| visit(&format!("{path}/{name}"), member, schema));
    let items = value.as_array().into_iter().flatten();
    items.enumerate().for_each(|(place, item)| visit(&format!("{path}/{place}"), item, schema));
}

/// `tests/clients` runs generators. This is what made them fail, or made clients that nobody could use.
#[tokio::test]
async fn generators_of_clients_take_the_document() {
    let document = document(&TestServer::new()).await;
    assert_eq!(document["info"]["license"]["identifier"], "MIT OR Apache-2.0");
    let mut unions = Vec::new();
    visit("", &document, &mut |path, schema| {
        for keyword in ["not", "if", "anyOf", "dependentSchemas"] {
            assert!(schema.get(keyword).is_none(), "{path}: {keyword}");
        }
        let kinds: Vec<_> = schema["type"].as_array().into_iter().flatten().collect();
        assert!(kinds.is_empty() || kinds.len() == 2 && kinds[1] == "null", "{path}: {kinds:?}");
        if let Some(values) = schema["enum"].as_array() {
            let distinct: HashSet<_> = values.iter().map(Value::to_string).collect();
            assert!(distinct.len() == values.len() && values.iter().all(Value::is_string), "{path}: {values:?}");
        }
        let is_wide = schema["maximum"].as_u64().is_some_and(|most| i32::try_from(most).is_err());
        assert!(!is_wide || schema["format"] == "int64", "{path}: {schema}");
        if let Some(kinds) = schema["oneOf"].as_array().filter(|kinds| !kinds.iter().any(|kind| kind["type"] == "null"))
        {
            unions.push((path.to_owned(), kinds.len()));
        }
    });
    let unions: Vec<_> =
        unions.iter().map(|(path, kinds)| (path.split("/responses").next().unwrap(), *kinds)).collect();
    assert_eq!(unions, [("/paths//api/auth/api-key/revoke/post", 3), ("/paths//api/auth/api-key/restore/post", 2)]);
    for (method, path, operation) in operations(&document) {
        let content = operation["requestBody"]["content"].as_object();
        for (media_type, content) in content.into_iter().flatten() {
            let has_name = content["schema"]["$ref"].as_str().is_some_and(|name| name.ends_with("Body"));
            assert!(media_type == "application/json" && has_name, "{method} {path}: {media_type}");
        }
        let responses = operation["responses"].as_object().unwrap().values();
        for link in responses.filter_map(|response| response["links"].as_object()).flatten() {
            assert!(link.1.get("requestBody").is_none(), "{method} {path}: {link:?}");
        }
    }
    let codes = document["components"]["schemas"]["ErrorCode"]["enum"].as_array().unwrap();
    for code in ["KEY_NOT_FOUND", "RATE_LIMITED", "VALIDATION_ERROR", "NOT_A_GATEWAY"] {
        assert!(codes.iter().any(|other| other == code), "{code}");
    }
}

/// A key is used by operations that a limit of it may refuse, and by `verify`, which tells that with 200.
#[tokio::test]
async fn whatever_uses_a_key_tells_its_limits() {
    let document = document(&TestServer::new()).await;
    let names = ["ratelimit", "ratelimit-policy"];
    let mut found = 0;
    for (method, path, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap();
        let refusals = responses.get("429").map(|response| resolve(&document, response).to_string());
        let uses_a_key = refusals.is_some_and(|text| text.contains("RATE_LIMITED"));
        found += usize::from(uses_a_key);
        if uses_a_key || path.ends_with("/verify") {
            let has_it = |name| resolve(&document, &responses["200"])["headers"].get(name).is_some();
            assert!(names.into_iter().all(has_it), "{method} {path}");
        }
    }
    assert!(found > 20, "{found} operations use a key");
}

#[tokio::test]
async fn the_page_runs_nothing_but_its_own_files() {
    let server = TestServer::new();
    let page = server.plain("/docs").await;
    assert_eq!((page.status(), page.url().path()), (StatusCode::OK, "/docs/"));
    let policy = page.headers()[header::CONTENT_SECURITY_POLICY.as_str()].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
    for file in ["swagger-ui.css", "swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "swagger-initializer.js"]
    {
        let file = server.plain(&format!("/docs/{file}")).await;
        assert_eq!(file.status(), StatusCode::OK, "{file:?}");
        assert_eq!(file.headers()["x-content-type-options"], "nosniff");
        assert!(!file.headers().contains_key("content-encoding"), "nobody said that gzip is taken");
    }
    let request = |encodings: &'static str| {
        let url = format!("http://{}/docs/swagger-ui-bundle.js", server.address);
        reqwest::Client::new().get(url).header("accept-encoding", encodings).send()
    };
    let plain = request("identity").await.unwrap().bytes().await.unwrap();
    for (encodings, is_compressed) in
        [("gzip", true), ("br, gzip;q=0.5", true), ("gzip;q=0", false), ("br", false), ("", false)]
    {
        let file = request(encodings).await.unwrap();
        assert_eq!(file.headers()["vary"], "accept-encoding");
        assert_eq!(file.headers().contains_key("content-encoding"), is_compressed, "{encodings:?}");
        let bytes = file.bytes().await.unwrap();
        if is_compressed {
            assert!(bytes.starts_with(&[0x1f, 0x8b]) && bytes.len() * 2 < plain.len());
        } else {
            assert_eq!(bytes, plain);
        }
    }
    for path in ["/docs", "/docs/", "/docs/swagger-ui.css", "/openapi.json"] {
        let head = reqwest::Client::new().head(format!("http://{}{path}", server.address)).send().await.unwrap();
        assert_eq!(head.status(), StatusCode::OK, "{path}");
    }
    let start = server.plain("/docs/swagger-initializer.js").await.text().await.unwrap();
    assert!(start.contains("\"url\": \"../openapi.json\""), "{start}");
    assert_eq!(server.plain("/docs/none.js").await.status(), StatusCode::NOT_FOUND);
}
