//! Actions on a webhook: pause and resume, test, replay, another secret, delete.

use actix_web::http::StatusCode;
use askama::Template;
use keymint_domain::Timestamp;
use keymint_domain::webhook::Webhook;
use keymint_service::WebhookError;

use super::{check_version, find, path, version, webhooks};
use crate::answer::{Answer, Failure, page_as, see_other};
use crate::ask::Ask;
use crate::form::Problems;
use crate::layout::{Layout, Section};
use crate::pages::once::Once;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/webhooks/delete.html")]
struct DeletePage {
    layout: Layout,
    problems: Problems,
    path: String,
    url: String,
    /// The text to enter.
    host: String,
}

#[derive(Template)]
#[template(path = "pages/webhooks/secret.html")]
struct SecretPage {
    layout: Layout,
    problems: Problems,
    path: String,
    version: String,
    overlaps: Vec<(&'static str, &'static str, bool)>,
}

/// The times for which the former secret also signs: the word, the text, and the hours.
const OVERLAPS: [(&str, &str, u64); 4] =
    [("0", "No time: it ends now", 0), ("1h", "An hour", 1), ("24h", "A day", 24), ("7d", "7 days", 7 * 24)];

const HOUR_MS: u64 = 3_600_000;

/// The deed in the seal of the form of a test.
pub(super) const TEST: &str = "test of a webhook";
/// The deed in the seal of the form of a replay.
pub(super) const REPLAY: &str = "replay of a webhook";

/// Sends a visitor who comes by a link to the webhook: a link changes nothing.
pub(crate) async fn to_page(ask: Ask, _: Visitor) -> Answer {
    Ok(see_other(&path(&find(&ask).await?.id)))
}

pub(crate) async fn pause(ask: Ask, visitor: Visitor) -> Answer {
    let webhook = find(&ask).await?;
    check_version(&ask.console.seals, &ask.form, &webhook)?;
    webhooks(&ask)?.pause(ask.context(&visitor), &webhook.id).await?;
    Ok(see_other(&format!("{}?did=webhook-paused", path(&webhook.id))))
}

pub(crate) async fn resume(ask: Ask, visitor: Visitor) -> Answer {
    let webhook = find(&ask).await?;
    check_version(&ask.console.seals, &ask.form, &webhook)?;
    webhooks(&ask)?.resume(ask.context(&visitor), &webhook.id).await?;
    Ok(see_other(&format!("{}?did=webhook-resumed", path(&webhook.id))))
}

pub(crate) async fn test(ask: Ask, visitor: Visitor) -> Answer {
    let webhook = find(&ask).await?;
    ask.send_form(&visitor, &[TEST, webhook.id.as_str()], &path(&webhook.id)).await?;
    let tested = webhooks(&ask)?.test(&webhook.id).await?;
    super::webhook::answer(&ask, &visitor, &webhook, Problems::default(), Some(tested)).await
}

pub(crate) async fn replay(ask: Ask, visitor: Visitor) -> Answer {
    let webhook = find(&ask).await?;
    check_version(&ask.console.seals, &ask.form, &webhook)?;
    let Ok(from) = Timestamp::parse_or_date(ask.form.raw("from").trim()) else {
        let mut problems = Problems::default();
        problems.add("from", "Enter an instant as in 2026-11-30T12:00:00Z, or a date for its midnight.");
        return super::webhook::answer(&ask, &visitor, &webhook, problems, None).await;
    };
    ask.send_form(&visitor, &[REPLAY, webhook.id.as_str()], &path(&webhook.id)).await?;
    webhooks(&ask)?.replay(ask.context(&visitor), &webhook.id, from).await?;
    Ok(see_other(&format!("{}?did=webhook-replayed", path(&webhook.id))))
}

pub(crate) async fn secret_form(ask: Ask, visitor: Visitor) -> Answer {
    let webhook = find(&ask).await?;
    secret_page(&ask, &visitor, &webhook, Problems::default())
}

fn secret_page(ask: &Ask, visitor: &Visitor, webhook: &Webhook, problems: Problems) -> Answer {
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let chosen = if problems.is_empty() { "24h" } else { ask.form.raw("overlap") };
    let template = SecretPage {
        layout: Layout::of(visitor, Section::Webhooks, "Change the secret"),
        problems,
        path: path(&webhook.id),
        version: version(&ask.console.seals, webhook),
        overlaps: OVERLAPS.map(|(word, text, _)| (word, text, word == chosen)).into(),
    };
    page_as(status, &template)
}

/// Answers the secret itself, without a redirect: a secret is at no address.
pub(crate) async fn change_secret(ask: Ask, visitor: Visitor) -> Answer {
    let webhook = find(&ask).await?;
    check_version(&ask.console.seals, &ask.form, &webhook)?;
    let word = ask.form.raw("overlap");
    let Some((_, _, hours)) = OVERLAPS.iter().find(|(known, ..)| *known == word) else {
        let mut problems = Problems::default();
        problems.add("overlap", "Choose one of the times.");
        return secret_page(&ask, &visitor, &webhook, problems);
    };
    let path = path(&webhook.id);
    let changed = webhooks(&ask)?.rotate_secret_as_seen(ask.context(&visitor), webhook, hours * HOUR_MS).await;
    let made = match changed {
        Ok(made) => made,
        Err(WebhookError::Conflict) => return Err(Failure::Stale(path)),
        Err(error) => return Err(error.into()),
    };
    let once = Once {
        layout: Layout::of(&visitor, Section::Webhooks, "Save the new secret of the webhook"),
        secret: made.secret.expose(),
        variable: "WEBHOOK_SECRET",
        about: super::create::ABOUT,
        lost: "If it is lost, change it again.",
        path,
    };
    once.answer()
}

pub(crate) async fn delete_form(ask: Ask, visitor: Visitor) -> Answer {
    let webhook = find(&ask).await?;
    delete_page(&visitor, &webhook, Problems::default())
}

fn delete_page(visitor: &Visitor, webhook: &Webhook, problems: Problems) -> Answer {
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let host = webhook.url.host().to_owned();
    let template = DeletePage {
        layout: Layout::of(visitor, Section::Webhooks, format!("Delete the webhook of {host}")),
        problems,
        path: path(&webhook.id),
        url: webhook.url.as_str().to_owned(),
        host,
    };
    page_as(status, &template)
}

pub(crate) async fn delete(ask: Ask, visitor: Visitor) -> Answer {
    let gone = format!("{}?did=webhook-deleted", super::PATH);
    let webhook = match find(&ask).await {
        Ok(webhook) => webhook,
        // A second submit finds what the first one has done.
        Err(Failure::Api(error)) if error.code() == "WEBHOOK_NOT_FOUND" => return Ok(see_other(&gone)),
        Err(failure) => return Err(failure),
    };
    let mut problems = Problems::default();
    problems.check_confirmation(&ask.form, webhook.url.host());
    if !problems.is_empty() {
        return delete_page(&visitor, &webhook, problems);
    }
    match webhooks(&ask)?.delete(ask.context(&visitor), &webhook.id).await {
        Ok(()) | Err(WebhookError::Missing) => Ok(see_other(&gone)),
        Err(error) => Err(error.into()),
    }
}
