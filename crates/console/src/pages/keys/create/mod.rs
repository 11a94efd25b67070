//! A new key: its form, and the page that shows its secret once.

mod asked;
pub(super) mod expiry;
mod reveal;

use actix_web::http::StatusCode;
use askama::Template;
use keymint_domain::policy::{Configuration, References};
use keymint_domain::{ConfigId, ErrorCode, Permissions};
use keymint_service::{KeyOptions, ServiceError};

use crate::answer::{Answer, Failure, page_as, see_other};
use crate::ask::Ask;
use crate::form::{Fields, Problems};
use crate::layout::{Layout, Section};
use crate::show::count;
use crate::visitor::Visitor;

use super::organization::OrganizationField;
use expiry::Lifetimes;

pub(super) use asked::{limit, networks, picked, read_metadata, read_name};
pub(super) use reveal::{Reveal, Secret};

#[derive(Template)]
#[template(path = "pages/keys/create/page.html")]
#[expect(clippy::struct_excessive_bools, reason = "each shows a part of the form")]
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
    permissions: Vec<ResourceChoice>,
    default_permissions: Vec<String>,
    may_write_permissions: bool,
    is_operator: bool,
    has_metadata: bool,
    values: Values,
}

/// The values of the form, as they were sent.
struct Values {
    name: String,
    owner: String,
    more_permissions: String,
    limit: String,
    calls: String,
    window: String,
    unit: String,
    quota: String,
    refill: String,
    every: String,
    allowed: String,
    denied: String,
    metadata: String,
}

/// A configuration that keys are made under.
struct TemplateChoice {
    path: String,
    id: String,
    about: String,
    is_chosen: bool,
}

/// The offered actions of a resource.
pub(super) struct ResourceChoice {
    pub(super) resource: String,
    pub(super) actions: Vec<ActionChoice>,
}

/// An offered action.
pub(super) struct ActionChoice {
    /// The pair in JSON, since both words may have any character.
    pub(super) value: String,
    pub(super) action: String,
    pub(super) about: Option<String>,
    pub(super) is_chosen: bool,
}

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    Visitor::check(visitor.place.may().create)?;
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
    let refused = match ask.keys().create_once(ask.context(&visitor), request, id.clone()).await {
        Ok(minted) => {
            let details = &minted.key.details;
            ask.request.note_change(visitor.actor(), &details.id, Some(&details.owner));
            let layout = Layout::of(&visitor, Section::Keys, "Save the secret of your new key");
            return Reveal::new(&ask, &visitor, layout, &minted, Secret::First).answer();
        }
        Err(error) => error,
    };
    // The limit of keys is checked before the id, and the first submit may have reached it.
    if matches!(refused, ServiceError::Refused(ErrorCode::KeyExists | ErrorCode::MaxKeysReached))
        && ask.keys().get(&visitor.caller, &id, config_id.as_ref()).await.is_ok()
    {
        return Ok(see_other(&format!("{}?made=before", visitor.path(&id))));
    }
    if !explain(&refused, options.configuration, &mut problems) {
        return Err(refused.into());
    }
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    answer(&ask, &visitor, config_id.as_ref(), &ask.form, form_id, problems, status).await
}

/// Puts what a use case refuses beside its field. Returns false if no field is to blame.
pub(super) fn explain(refused: &ServiceError, configuration: &Configuration, problems: &mut Problems) -> bool {
    let lengths = configuration.name_length;
    let expiration = configuration.expiration;
    let (field, text) = match refused {
        ServiceError::Ungrantable(above) => ("permissions", format!("You may not give: {}.", words(above).join(", "))),
        ServiceError::Refused(code) => match code {
            ErrorCode::ServerOnlyProperty => {
                ("permissions", "Only an operator gives permissions to keys of this kind.".to_owned())
            }
            ErrorCode::NameRequired => ("name", "Enter a name. Keys of this kind must have one.".to_owned()),
            ErrorCode::InvalidNameLength => ("name", format!("Enter {} to {} characters.", lengths.min, lengths.max)),
            ErrorCode::ExpiresInIsTooSmall => ("expiry", format!("Choose {} days or more.", expiration.min_days)),
            ErrorCode::ExpiresInIsTooLarge => {
                let most = expiration
                    .max_lifetime_days
                    .map_or(expiration.max_days, |days| days.get().min(expiration.max_days));
                ("expiry", format!("Choose {most} days or fewer."))
            }
            ErrorCode::KeyDisabledExpiration => ("expiry", "The lifetime of these keys is fixed.".to_owned()),
            ErrorCode::MaxKeysReached => {
                let most = configuration.max_keys_per_user.map_or(0, |most| u64::from(most.get()));
                let text = format!(
                    "There are as many keys as one owner may have: {}. Revoke or delete one that nobody needs, and send \
                     the form again.",
                    count(most)
                );
                ("", text)
            }
            ErrorCode::RefillAmountAndIntervalRequired | ErrorCode::RefillIntervalAndAmountRequired => {
                ("refill", "Enter both: how many calls, and how often.".to_owned())
            }
            ErrorCode::AddRemainingNotAllowed => ("quota", "The key has no quota.".to_owned()),
            ErrorCode::UserIdRequired => ("owner", "Enter the owner of the key.".to_owned()),
            ErrorCode::OrganizationIdRequired => ("organization", "Enter the id of the organization.".to_owned()),
            ErrorCode::UserNotMemberOfOrganization => ("organization", "You are no member of it.".to_owned()),
            ErrorCode::InsufficientApiKeyPermissions => {
                ("organization", "Your role there does not allow it. Ask an owner of the organization.".to_owned())
            }
            ErrorCode::InvalidMetadataType => ("metadata", "Enter a JSON object.".to_owned()),
            _ => return false,
        },
        _ => return false,
    };
    problems.add(field, text);
    true
}

/// Returns each action with its resource, as people write them.
pub(super) fn words(permissions: &Permissions) -> Vec<String> {
    permissions.pairs().map(|(resource, action)| format!("{resource}:{action}")).collect()
}

async fn answer(
    ask: &Ask,
    visitor: &Visitor,
    config_id: Option<&ConfigId>,
    fields: &Fields,
    form_id: String,
    problems: Problems,
    status: StatusCode,
) -> Answer {
    let options = ask.keys().options(&visitor.caller, config_id, None).await?;
    let configuration = options.configuration;
    let lengths = configuration.name_length;
    let is_of_organization = configuration.references == References::Organization && !visitor.is_guest();
    let organization = if is_of_organization {
        let sent = fields.raw("organization").to_owned();
        Some(OrganizationField::of(ask, visitor, sent, |own| own.may_create).await?)
    } else {
        None
    };
    let template = CreatePage {
        layout: ask.layout(visitor, Section::Keys, "New key"),
        problems,
        form_id,
        templates: templates(ask, visitor, configuration),
        config_id: configuration.id.to_string(),
        organization,
        requires_name: configuration.require_name,
        name_hint: format!("{} to {} characters, to recognize the key by.", lengths.min, lengths.max),
        lifetimes: Lifetimes::new(configuration.expiration, fields),
        permissions: permissions(&options, &fields.all("permission").map(str::to_owned).collect::<Vec<_>>()),
        default_permissions: configuration.permissions.as_ref().map(words).unwrap_or_default(),
        may_write_permissions: visitor.is_operator,
        is_operator: visitor.is_operator,
        has_metadata: configuration.enable_metadata,
        values: Values::of(fields),
    };
    page_as(status, &template)
}

impl Values {
    fn of(fields: &Fields) -> Self {
        let text = |name| fields.raw(name).to_owned();
        let or = |name, other: &str| fields.get(name).unwrap_or(other).to_owned();
        Self {
            name: text("name"),
            owner: text("owner"),
            more_permissions: text("more-permissions"),
            limit: or("limit", "default"),
            calls: text("calls"),
            window: or("window", "1"),
            unit: or("unit", "minute"),
            quota: text("quota"),
            refill: text("refill"),
            every: text("every"),
            allowed: text("allowed"),
            denied: text("denied"),
            metadata: text("metadata"),
        }
    }
}

fn templates(ask: &Ask, visitor: &Visitor, chosen: &Configuration) -> Vec<TemplateChoice> {
    let all = ask.keys().policy().configurations();
    if all.len() < 2 {
        return Vec::new();
    }
    let choice = |entry: &Configuration| TemplateChoice {
        path: format!(
            "{}/new?config={}",
            visitor.keys(),
            percent_encoding::utf8_percent_encode(entry.id.as_str(), percent_encoding::NON_ALPHANUMERIC)
        ),
        id: entry.id.to_string(),
        about: about(entry),
        is_chosen: entry.id == chosen.id,
    };
    all.iter().map(choice).collect()
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

/// Returns the permissions that the form offers; `chosen` has those that are ticked, as pairs in JSON.
pub(super) fn permissions(options: &KeyOptions<'_>, chosen: &[String]) -> Vec<ResourceChoice> {
    let Some(grantable) = &options.grantable else { return Vec::new() };
    let descriptions = &options.configuration.permission_descriptions;
    let mut resources: Vec<ResourceChoice> = Vec::new();
    for (resource, action) in grantable.pairs() {
        let value = serde_json::json!([resource, action]).to_string();
        let word = format!("{resource}:{action}");
        let about = descriptions.iter().find(|(described, _)| *described == word).map(|(_, about)| about.clone());
        let choice = ActionChoice { is_chosen: chosen.contains(&value), value, action: action.to_owned(), about };
        match resources.last_mut().filter(|last| last.resource == resource) {
            Some(last) => last.actions.push(choice),
            None => resources.push(ResourceChoice { resource: resource.to_owned(), actions: vec![choice] }),
        }
    }
    resources
}
