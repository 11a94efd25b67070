//! A new key: its form, and the page that shows its secret once.

mod asked;
mod reveal;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use keymint_domain::policy::{Configuration, References};
use keymint_domain::{ConfigId, ErrorCode, KeyId};
use keymint_service::ServiceError;

use crate::answer::{Answer, Failure, page_as, see_other};
use crate::ask::Ask;
use crate::form::{Fields, Problems};
use crate::layout::{Layout, Section};
use crate::show::count;
use crate::visitor::Visitor;

use super::organization::OrganizationField;
use super::parts::expiry::Lifetimes;
use super::parts::{Picker, ResourceChoice, Values, explain, words};

pub(super) use reveal::{Reveal, Secret};

#[derive(Template)]
#[template(path = "pages/keys/create/page.html")]
struct CreatePage {
    layout: Layout,
    problems: Problems,
    form_id: String,
    templates: Vec<TemplateChoice>,
    config_id: String,
    /// The organization that will own the key; `None` = keys of this configuration belong to users.
    organization: Option<OrganizationField>,
    requires_name: bool,
    name_hint: String,
    lifetimes: Lifetimes,
    permissions: Picker,
    is_operator: bool,
    has_metadata: bool,
    owner: String,
    values: Values,
}

/// A configuration that keys are made under.
struct TemplateChoice {
    path: String,
    id: String,
    about: String,
    is_chosen: bool,
}

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    let config_id = ask.query.get("config").and_then(|id| ConfigId::parse(id).ok());
    let form_id = ask.console.seals.new_key(&visitor.id, ask.now());
    let fields = Fields::default();
    answer(&ask, &visitor, config_id.as_ref(), &fields, form_id, Problems::default(), StatusCode::OK).await
}

/// Answers the secret itself, without a redirect: a secret is at no address.
pub(crate) async fn create(ask: Ask, visitor: Visitor) -> Answer {
    let form_id = ask.form.raw("form").to_owned();
    let Some(id) = ask.console.seals.key_of(&form_id, &visitor.id, ask.now()) else {
        return Err(Failure::Stale(format!("{}/new", visitor.keys())));
    };
    let config_id = ask.form.get("config").and_then(|id| ConfigId::parse(id).ok());
    let options = ask.keys().options(&visitor.caller, config_id.as_ref(), None).await?;
    let mut problems = Problems::default();
    let request = asked::read(&ask.form, &options, &visitor, &mut problems);
    let Some(request) = request.filter(|_| problems.is_empty()) else {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return answer(&ask, &visitor, config_id.as_ref(), &ask.form, form_id, problems, status).await;
    };
    if ask.has_made(&visitor).await? {
        return made_before(&ask, &visitor, &id, config_id.as_ref())
            .await?
            .ok_or_else(|| Failure::Sent(visitor.keys()));
    }
    let refused = match ask.keys().create_once(ask.context(&visitor), request, id.clone()).await {
        Ok(minted) => {
            ask.keep_made(&visitor).await;
            let details = &minted.key.details;
            ask.request.note_change(visitor.actor(), &details.id, Some(&details.owner));
            let layout = Layout::of(&visitor, Section::Keys, "Save the secret of your new key");
            return Reveal::new(&ask, &visitor, layout, &minted, Secret::First).await.answer();
        }
        Err(error) => error,
    };
    // The limit of keys is checked before the id, and the first submit may have reached it.
    if matches!(refused, ServiceError::Refused(ErrorCode::KeyExists | ErrorCode::MaxKeysReached))
        && let Some(answer) = made_before(&ask, &visitor, &id, config_id.as_ref()).await?
    {
        return Ok(answer);
    }
    if !explain(&refused, options.configuration, &mut problems) {
        return Err(refused.into());
    }
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    answer(&ask, &visitor, config_id.as_ref(), &ask.form, form_id, problems, status).await
}

/// Leads to the key that an earlier submit of the form has made; `None` = the visitor sees no such key.
async fn made_before(
    ask: &Ask,
    visitor: &Visitor,
    id: &KeyId,
    config_id: Option<&ConfigId>,
) -> Result<Option<HttpResponse>, Failure> {
    match ask.keys().get(&visitor.caller, id, config_id).await {
        Ok(_) => Ok(Some(see_other(&format!("{}?made=before", visitor.path(id))))),
        Err(ServiceError::Refused(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn answer(
    ask: &Ask,
    visitor: &Visitor,
    config_id: Option<&ConfigId>,
    fields: &Fields,
    form_id: String,
    mut problems: Problems,
    status: StatusCode,
) -> Answer {
    let offered = ask.keys().configurations_of_new(&visitor.caller).await?;
    let asked = ask.keys().policy().resolve(config_id.unwrap_or(&ConfigId::default_id()))?;
    let none = if visitor.is_guest() { ErrorCode::PortalNotAllowed } else { ErrorCode::InsufficientApiKeyPermissions };
    let configuration = *offered.iter().find(|entry| entry.id == asked.id).or(offered.first()).ok_or(none)?;
    if configuration.id != asked.id && !problems.is_empty() {
        // They are those of another form.
        problems = Problems::default();
        problems.add(
            "",
            "You can make no key of the configuration that you have asked for. Here is the form of another one.",
        );
    }
    let lengths = configuration.name_length;
    let is_of_organization = configuration.references == References::Organization && !visitor.is_guest();
    let organization = if is_of_organization {
        let sent = fields.raw("organization").to_owned();
        Some(OrganizationField::of(ask, visitor, sent, |own| own.may_create).await?)
    } else {
        None
    };
    let of_organization = organization.as_ref().and_then(OrganizationField::chosen);
    let options = ask.keys().options(&visitor.caller, Some(&configuration.id), of_organization.as_ref()).await?;
    let chosen: Vec<_> = fields.all("permission").map(str::to_owned).collect();
    let template = CreatePage {
        layout: Layout::of(visitor, Section::Keys, "New key"),
        problems,
        form_id,
        templates: templates(visitor, &offered, configuration),
        config_id: configuration.id.to_string(),
        organization,
        requires_name: configuration.require_name,
        name_hint: format!("{} to {} characters, to recognize the key by.", lengths.min, lengths.max),
        lifetimes: Lifetimes::new(configuration.expiration, fields),
        permissions: Picker {
            choices: ResourceChoice::all(&options, &chosen),
            default: configuration.permissions.as_ref().map(words).unwrap_or_default(),
            others: Vec::new(),
            may_write: visitor.is_operator,
        },
        is_operator: visitor.is_operator,
        has_metadata: configuration.enable_metadata,
        owner: fields.raw("owner").to_owned(),
        values: Values::sent(fields),
    };
    page_as(status, &template)
}

fn templates(visitor: &Visitor, offered: &[&Configuration], chosen: &Configuration) -> Vec<TemplateChoice> {
    if offered.len() < 2 {
        return Vec::new();
    }
    let choice = |entry: &&Configuration| TemplateChoice {
        path: format!(
            "{}/new?config={}",
            visitor.keys(),
            percent_encoding::utf8_percent_encode(entry.id.as_str(), percent_encoding::NON_ALPHANUMERIC)
        ),
        id: entry.id.to_string(),
        about: about(entry),
        is_chosen: entry.id == chosen.id,
    };
    offered.iter().map(choice).collect()
}

/// Returns what tells a configuration from others, in a few words.
fn about(configuration: &Configuration) -> String {
    let mut parts = Vec::new();
    if let Some(prefix) = configuration.default_prefix.as_deref().filter(|prefix| !prefix.is_empty()) {
        parts.push(format!("begins with {prefix}"));
    }
    if configuration.rate_limit.enabled {
        let limit = configuration.rate_limit;
        parts.push(format!("{} calls in {}", count(limit.max_requests), crate::show::duration(limit.window_ms)));
    }
    if let Some(calls) = configuration.default_remaining {
        parts.push(format!("{} calls in all", count(calls)));
    }
    if configuration.references == References::Organization {
        parts.push("for organizations".to_owned());
    }
    parts.join(", ")
}
