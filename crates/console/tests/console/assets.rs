//! Files, and the headers of everything.

use keymint_domain::key::{Field, NewKey};
use keymint_domain::value::KeyName;
use regex::Regex;
use reqwest::StatusCode;

use crate::support::{Setup, Site};

fn references(html: &str) -> Vec<String> {
    let pattern = Regex::new("(?:src|href)=\"(/console/assets/[^\"]+)\"").unwrap();
    pattern.captures_iter(html).map(|found| found[1].to_owned()).collect()
}

#[tokio::test]
async fn files_are_named_by_their_content_and_kept_for_good() {
    let site = Site::new();
    let page = site.get("/console/sign-in").await;
    let files = references(&page.html);
    assert_eq!(files.len(), 4, "{files:?}");
    for file in &files {
        let first = site.get(file).await;
        assert_eq!(first.status, StatusCode::OK, "{file}");
        assert_eq!(first.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(first.header("x-content-type-options"), "nosniff");
        let tag = first.header("etag").to_owned();
        let hash = file.rsplit('/').next().unwrap().split('.').nth(1).unwrap();
        assert_eq!(tag, format!("\"{hash}\""));
        for known in [tag.clone(), format!("\"x\", W/{tag}")] {
            let request = site.client().get(format!("http://{}{file}", site.address)).header("if-none-match", known);
            let again = site.send(request).await;
            assert_eq!((again.status, again.html.len()), (StatusCode::NOT_MODIFIED, 0), "{file}");
        }
    }
    let other = files[0].replacen('.', ".x", 1);
    assert_eq!(site.get(&other).await.status, StatusCode::NOT_FOUND, "the file of another version");
}

#[tokio::test]
async fn pages_run_nothing_that_is_not_the_consoles_own() {
    let site = Site::new();
    site.sign_up("ada").await;
    let (id, _) = site.create("first").await;
    let id = id.as_str();
    let inline = Regex::new("<script>|<style|<[^>]* style=|<[^>]* on[a-z]+=|https?://").unwrap();
    for path in [
        "/console/keys".to_owned(),
        "/console/keys/new".to_owned(),
        format!("/console/keys/{id}"),
        format!("/console/keys/{id}/revoke"),
        format!("/console/keys/{id}/delete"),
        "/console/nothing".to_owned(),
    ] {
        let page = site.get(&path).await;
        assert_eq!(
            page.header("content-security-policy"),
            "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'",
            "{path}"
        );
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert!(page.header("cache-control").starts_with("no-store"), "{path}");
        assert!(!page.header("x-request-id").is_empty());
        assert!(!inline.is_match(&page.html.replace("http://www.w3.org", "")), "{path}: {}", page.html);
        page.has(&["<html lang=\"en\">", "<title>", "href=\"#main\"", "<main id=\"main\"", "<h1"]);
    }
}

#[tokio::test]
async fn a_page_with_its_files_has_less_than_60_000_bytes() {
    let site = Site::operated(Setup::default()).await;
    for number in 0..30 {
        let name = KeyName::parse(format!("{}{number:02}", "<".repeat(30))).unwrap();
        let new = NewKey { name: Some(name), remaining: Field::Given(4_000_000_000), ..NewKey::default() };
        site.mint(&"o".repeat(64), new).await;
    }
    site.get_with("/console/audit", "rel=\"next\"").await;
    for path in ["/console/keys", "/console/keys/new", "/console/audit", "/console/settings", "/console/owners"] {
        let page = site.get(path).await;
        let mut bytes = page.html.len();
        for file in references(&page.html) {
            bytes += site.get(&file).await.html.len();
        }
        assert!(bytes < 60_000, "{path} has {bytes}, of which {} are HTML", page.html.len());
    }
}
