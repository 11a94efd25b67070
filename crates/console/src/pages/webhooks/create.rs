//! A new webhook: its form, and the page that shows its secret once.

use actix_web::http::StatusCode;
use askama::Template;
use keymint_domain::webhook::WebhookId;
use keymint_domain::{ConfigId, OwnerId};
use keymint_service::ports::StoreError;
use keymint_service::{NewWebhook, WebhookError};

use crate::answer::{Answer, Failure, page_as, see_other};
use crate::ask::Ask;
use crate::form::{Fields, Problems};
use crate::layout::{Layout, Section};
use crate::pages::once::Once;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/webhooks/create.html")]
struct CreatePage {
    layout: Layout,
    problems: Problems,
    form_id: String,
    url: String,
    kinds: String,
    owner: String,
    config: String,
}

/// The purpose of the secret of a webhook.
pub(super) const ABOUT: &str = "By it your endpoint recognizes that a delivery is from this server.";

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    if ask.api().webhooks.is_none() {
        return super::off(&visitor);
    }
    let form_id = ask.console.seals.new_key(&visitor.id, ask.now());
    form(&ask, &visitor, form_id, Problems::default())
}

fn form(ask: &Ask, visitor: &Visitor, form_id: String, problems: Problems) -> Answer {
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let sent = |name: &str| ask.form.raw(name).chars().take(4096).collect();
    let template = CreatePage {
        layout: Layout::of(visitor, Section::Webhooks, "New webhook"),
        problems,
        form_id,
        url: sent("url"),
        kinds: sent("kinds"),
        owner: sent("owner"),
        config: sent("config"),
    };
    page_as(status, &template)
}

/// Answers the secret itself, without a redirect: a secret is at no address.
pub(crate) async fn create(ask: Ask, visitor: Visitor) -> Answer {
    let webhooks = super::webhooks(&ask)?;
    let form_id = ask.form.raw("form").to_owned();
    let stale = || Failure::Stale(format!("{}/new", super::PATH));
    let id = ask.console.seals.key_of(&form_id, &visitor.id, ask.now()).ok_or_else(stale)?;
    let id = WebhookId::parse(id.as_str()).map_err(|_| stale())?;
    let mut problems = Problems::default();
    let new = read(&ask.form, id.clone(), &mut problems);
    if !problems.is_empty() {
        return form(&ask, &visitor, form_id, problems);
    }
    if ask.has_made(&visitor).await? {
        return match webhooks.find(&id).await {
            Err(WebhookError::Missing) => Err(Failure::Sent(super::PATH.to_owned())),
            found => found.map(|_| see_other(&format!("{}?made=before", super::path(&id)))).map_err(Failure::from),
        };
    }
    match webhooks.create(ask.context(&visitor), new).await {
        Ok(made) => {
            ask.keep_made(&visitor).await;
            let once = Once {
                layout: Layout::of(&visitor, Section::Webhooks, "Save the secret of the webhook"),
                secret: made.secret.expose(),
                variable: "WEBHOOK_SECRET",
                about: ABOUT,
                lost: "If it is lost, change it on the page of the webhook.",
                path: super::path(&made.webhook.id),
            };
            once.answer()
        }
        Err(WebhookError::Store(StoreError::Duplicate)) => Ok(see_other(&format!("{}?made=before", super::path(&id)))),
        Err(error) => {
            match &error {
                WebhookError::Url(_) | WebhookError::Host(_) => problems.add("url", sentence(&error)),
                WebhookError::Kinds(_) => problems.add("kinds", sentence(&error)),
                WebhookError::TooMany(_) => problems.add("", sentence(&error)),
                WebhookError::Missing | WebhookError::Conflict | WebhookError::Store(_) => return Err(error.into()),
            }
            form(&ask, &visitor, form_id, problems)
        }
    }
}

/// Returns an error as a sentence for people.
fn sentence(error: &WebhookError) -> String {
    let text = match error {
        WebhookError::Url(error) => format!("The address {error}"),
        WebhookError::Host(failure) => format!("The address must not be called: {failure}"),
        WebhookError::Kinds(error) => format!("The kinds: {error}"),
        other => {
            let text = other.to_string();
            let mut letters = text.chars();
            letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
        }
    };
    format!("{text}.")
}

fn read(form: &Fields, id: WebhookId, problems: &mut Problems) -> NewWebhook {
    let url = form.get("url").unwrap_or_default().to_owned();
    if url.is_empty() {
        problems.add("url", "Enter the address that is told of events, as in https://example.com/hooks.");
    }
    let kinds = form.raw("kinds").split([' ', ',', '\n', '\r', '\t']).filter(|kind| !kind.is_empty());
    let owner = form.get("owner").and_then(|text| match OwnerId::parse(text) {
        Ok(owner) => Some(owner),
        Err(error) => {
            problems.add("owner", format!("The owner {error}."));
            None
        }
    });
    let config_id = form.get("config").and_then(|text| match ConfigId::parse(text) {
        Ok(id) => Some(id),
        Err(error) => {
            problems.add("config", format!("The configuration {error}."));
            None
        }
    });
    NewWebhook { id: Some(id), url, kinds: kinds.map(str::to_owned).collect(), owner, config_id }
}
