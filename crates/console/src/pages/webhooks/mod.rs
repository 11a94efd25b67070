//! Endpoints that are told of events, for operators.

pub(crate) mod act;
pub(crate) mod create;
pub(crate) mod list;
pub(crate) mod webhook;

use askama::Template;
use keymint_domain::webhook::{Webhook, WebhookId, WebhookState};
use keymint_service::Webhooks;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer::{Answer, Failure, page};
use crate::ask::Ask;
use crate::form::{Fields, Seals};
use crate::layout::{Layout, Section};
use crate::visitor::Visitor;

/// The page of a server without webhooks.
#[derive(Template)]
#[template(path = "pages/webhooks/off.html")]
struct OffPage {
    layout: Layout,
}

const PATH: &str = "/console/webhooks";

/// Returns the path of a webhook's page.
pub(crate) fn path(id: &WebhookId) -> String {
    format!("{PATH}/{}", utf8_percent_encode(id.as_str(), NON_ALPHANUMERIC))
}

/// Answers that this server has no webhooks, and how it gets them.
fn off(visitor: &Visitor) -> Answer {
    page(&OffPage { layout: Layout::of(visitor, Section::Webhooks, "Webhooks") })
}

/// Returns the use cases; a server without them has no such pages.
fn webhooks(ask: &Ask) -> Result<&Webhooks, Failure> {
    ask.api().webhooks.as_ref().ok_or_else(|| keymint_actix::ApiError::NotFound.into())
}

/// Finds the webhook that the path names.
async fn find(ask: &Ask) -> Result<Webhook, Failure> {
    let missing = |_| Failure::from(keymint_service::WebhookError::Missing);
    let id = WebhookId::parse(ask.request.parameter("id")?).map_err(missing)?;
    let webhooks = webhooks(ask)?;
    let _turn = ask.request.turn_to_read().await?;
    Ok(webhooks.find(&id).await?)
}

/// Returns a text that changes with every change of a webhook by people, and tells nothing of its secret.
fn version(seals: &Seals, webhook: &Webhook) -> String {
    let state_since = webhook.state_since.to_string();
    let secret = webhook.secrets.current.expose();
    seals.version_of(&[webhook.id.as_str(), webhook.state.as_str(), &state_since, &secret])
}

/// Checks that a form is about the webhook as it is now.
fn check_version(seals: &Seals, form: &Fields, webhook: &Webhook) -> Result<(), Failure> {
    let is_same = form.raw("version") == version(seals, webhook);
    if is_same { Ok(()) } else { Err(Failure::Stale(path(&webhook.id))) }
}

/// Returns the word and the tone of a webhook's state.
fn state(webhook: &Webhook) -> (&'static str, &'static str) {
    match webhook.state {
        WebhookState::Active if webhook.health.is_failing() => ("warn", "Failing"),
        WebhookState::Active => ("good", "Active"),
        WebhookState::Paused => ("off", "Paused"),
        WebhookState::Disabled => ("bad", "Disabled"),
    }
}
