//! The settings of the server, for operators: what it was started with, and what is missing.

use askama::Template;

use crate::answer::{Answer, page};
use crate::ask::Ask;
use crate::layout::{Layout, Section};
use crate::settings::ServerSettings;
use crate::show::{When, plural};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/settings/page.html")]
struct SettingsPage {
    layout: Layout,
    version: &'static str,
    base_url: String,
    settings: ServerSettings,
    started: Option<When>,
    migrations: String,
    findings: Vec<Finding>,
}

/// Something that an operator should look at, with the document about it.
struct Finding {
    text: &'static str,
    document: &'static str,
    title: &'static str,
}

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    let settings = ask.console.settings.read();
    page(&SettingsPage {
        layout: Layout::of(&visitor, Section::Settings, "Settings"),
        version: env!("CARGO_PKG_VERSION"),
        base_url: ask.console.base_url.clone(),
        started: settings.started_at.map(|at| When::relative(at, ask.now())),
        migrations: plural(u64::try_from(settings.migrations.len()).unwrap_or(0), "migration", "migrations"),
        findings: findings(&ask, &settings).await?,
        settings,
    })
}

async fn findings(ask: &Ask, settings: &ServerSettings) -> Result<Vec<Finding>, crate::answer::Failure> {
    let api = ask.api();
    let mut findings = Vec::new();
    let mut add = |text, document, title| findings.push(Finding { text, document, title });
    if !settings.has_own_secret {
        add(
            "No secret is configured (KEYMINT_SECRET), so that the database keeps one. Whoever reads the database can sign \
             cookies and forge the seals of the log.",
            "configuration.md",
            "Configuration",
        );
    }
    let host = ask.console.base_url.strip_prefix("http://");
    let is_local = |host: &str| ["127.0.0.1", "localhost", "[::1]"].iter().any(|local| host.starts_with(local));
    if host.is_some_and(|host| !is_local(host)) {
        add(
            "The address of the server (server.base_url) begins with http://. Cookies and secrets pass the network in the \
             open.",
            "configuration.md",
            "Configuration",
        );
    }
    if api.audit.is_none() {
        add("No changes are recorded (audit.enabled).", "audit.md", "Audit");
    }
    match &api.webhooks {
        None => add("Webhooks are switched off (webhooks.enabled).", "webhooks.md", "Webhooks"),
        Some(webhooks) => {
            let _turn = ask.request.turn_to_list().await?;
            if webhooks.list().await?.is_empty() {
                add("No webhook tells anybody of leaked, expiring or used up keys.", "webhooks.md", "Webhooks");
            }
        }
    }
    if !ask.keys().usage().is_some_and(|usage| usage.options().enabled) {
        add(
            "Uses are not counted (usage.enabled), so that no key is called idle or safe to remove.",
            "usage.md",
            "Usage",
        );
    }
    if api.metrics.is_none() {
        add("No metrics are served (metrics.enabled).", "operations/README.md", "Operations");
    }
    Ok(findings)
}
