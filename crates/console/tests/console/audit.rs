//! The log of changes.

use keymint_domain::key::NewKey;
use keymint_domain::value::KeyName;
use reqwest::StatusCode;
use serde_json::Value;

use crate::support::{Setup, Site};

fn named(name: &str) -> NewKey {
    NewKey { name: Some(KeyName::parse(name).unwrap()), ..NewKey::default() }
}

#[tokio::test]
async fn events_say_who_did_what_to_which_key() {
    let site = Site::operated(Setup::default()).await;
    let (id, _) = site.create("<i>mine</i>").await;
    site.mint("bob", named("of bob")).await;
    let page = site.get_with("/console/audit?owner=bob", "Key created").await;
    page.has(&[
        "href=\"/console/owners/bob\"",
        "by <a href=\"/console/audit?actor=server\"><bdi>a server</bdi>",
        "<details",
    ]);
    page.lacks(&[id.as_str()]);
    let own = site.get(&format!("/console/audit?key={}", id.as_str())).await;
    own.has(&["Key created", "<bdi>you</bdi>", &format!("/console/keys/{}", id.as_str()), "Position", "Seal"]);
    own.lacks(&["<i>mine", "of bob"]);
    let all = site.get("/console/audit").await;
    all.has(&["User created", "User operator added", "ada@example.com", "keymint.key.rotated", "JSON lines", "OCSF"]);
    assert_eq!(site.get("/console/audit?type=keymint.user.*").await.html.matches("Key created").count(), 0);
    site.get("/console/audit?from=2030-01-01").await.has(&["No event matches", "Show all events"]);
    site.get("/console/audit?actor=cli:%3Cscript%3E").await.lacks(&["<script>"]);
}

#[tokio::test]
async fn pages_go_on_by_a_cursor_of_the_same_filter() {
    let site = Site::operated(Setup::default()).await;
    for number in 0..40 {
        site.mint("bob", named(&format!("key {number}"))).await;
    }
    let first = site.get_with("/console/audit?owner=bob&type=keymint.key.created", "rel=\"next\"").await;
    assert_eq!(first.html.matches("Key created").count(), 15);
    let next = first.html.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let next = next.replace("&#38;", "&");
    let second = site.get_with(&next, "Key created").await;
    second.has(&["Latest"]);
    let of_another = site.get(&next.replace("owner=bob", "owner=eve")).await;
    assert_eq!(of_another.status, StatusCode::BAD_REQUEST);
    of_another.has(&["This page of the list is gone"]);
    for forged in ["x", "AAAA", "%00", &"A".repeat(10_000)] {
        let shown = site.get(&format!("/console/audit?cursor={forged}")).await;
        assert_eq!(shown.status, StatusCode::BAD_REQUEST, "{forged:.20}");
    }
}

#[tokio::test]
async fn a_filter_that_makes_no_sense_is_told_beside_itself() {
    let site = Site::operated(Setup::default()).await;
    let long = format!("key={}", "a".repeat(10_000));
    for (query, text) in [
        (&*long, "The id must"),
        ("type=Key", "A kind must have"),
        ("actor=nobody", "The actor must be user:ID"),
        ("owner=%00", "The owner must"),
        ("from=yesterday", "Enter a date as in"),
        ("from=2026-02-01&to=2026-01-01", "Enter a later time"),
    ] {
        let shown = site.get(&format!("/console/audit?{query}")).await;
        assert_eq!(shown.status, StatusCode::BAD_REQUEST, "{query:.30}");
        shown.has(&[text, "aria-invalid=\"true\"", "Show all events"]);
        assert!(shown.html.len() < 20_000, "{query:.30}");
        let file = site.get(&format!("/console/audit/export?{query}")).await;
        assert_eq!(file.status, StatusCode::BAD_REQUEST, "{query:.30}");
    }
}

#[tokio::test]
async fn events_are_a_file_in_three_forms() {
    let site = Site::operated(Setup::default()).await;
    site.mint("bob", named("of bob")).await;
    site.mint("bob", named("of bob, too")).await;
    site.get_with("/console/audit?owner=bob&type=keymint.key.*", "2 events").await;
    for (form, kind) in [("json", "type"), ("cloudevents", "type"), ("ocsf", "class_name")] {
        let file = site.get(&format!("/console/audit/export?owner=bob&format={form}")).await;
        assert_eq!(file.header("content-type"), "application/x-ndjson; charset=utf-8");
        let name = file.header("content-disposition");
        assert!(name.starts_with(&format!("attachment; filename=\"keymint-audit-{form}-")), "{name}");
        let lines: Vec<Value> = file.html.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 2, "{form}");
        assert!(lines[0][kind].is_string(), "{form}");
    }
    let all = site.get("/console/audit/export?owner=bob").await;
    let first: Value = serde_json::from_str(all.html.lines().next().unwrap()).unwrap();
    let rest = site.get(&format!("/console/audit/export?owner=bob&after={}", first["position"])).await;
    assert_eq!(rest.html.lines().count(), 1);
    for (wrong, field, text) in [
        ("format=xml", "format", "Choose one of the forms."),
        ("after=-1", "after", "value=\"-1\""),
        ("after=99999999999999999999", "after", "Enter a position"),
        ("after=x&format=ocsf", "after", "<option value=\"ocsf\" selected>"),
        ("after=x&owner=nobody", "after", "name=\"owner\" value=\"nobody\""),
    ] {
        let shown = site.get(&format!("/console/audit/export?{wrong}")).await;
        assert_eq!(shown.status, StatusCode::BAD_REQUEST, "{wrong}");
        shown.has(&["There is no file.", text, &format!("id=\"{field}-problem\""), "aria-invalid=\"true\""]);
    }
}

#[tokio::test]
async fn a_server_without_a_log_says_how_to_get_one() {
    let site = Site::operated(Setup { records: false, ..Setup::default() }).await;
    site.get("/console/audit").await.has(&["Nothing is recorded", "audit.enabled = true"]);
    assert_eq!(site.get("/console/audit/export").await.status, StatusCode::NOT_FOUND);
    site.get("/console/owners/bob").await.lacks(&["/console/audit?owner"]);
}
