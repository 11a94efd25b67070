//! Changing a key.

use actix_web::http::StatusCode;
use askama::Template;
use keymint_domain::address::Networks;
use keymint_domain::key::{EditKey, Field, MetadataInput};
use keymint_domain::value::Lifetime;
use keymint_domain::{ApiKey, ErrorCode, Metadata, OrganizationId, Permissions};
use keymint_service::{Deed, KeyOptions, ServiceError, UpdateKey};

use super::parts::{
    Limits, Picker, ResourceChoice, Values, expiry, explain, networks, picked, read_metadata, read_name, words,
};
use crate::answer::{Answer, Failure, page_as, see_other};
use crate::ask::Ask;
use crate::form::{Fields, Problems, version};
use crate::layout::{Layout, Section};
use crate::show::When;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/keys/edit/page.html")]
#[expect(clippy::struct_excessive_bools, reason = "each shows a part of the form")]
struct EditPage {
    layout: Layout,
    problems: Problems,
    name: String,
    path: String,
    version: String,
    is_revoked: bool,
    is_operator: bool,
    expires: Option<When>,
    lifetimes: expiry::Lifetimes,
    permissions: Picker,
    may_set_permissions: bool,
    has_metadata: bool,
    is_enabled: bool,
    expiry: String,
    values: Values,
}

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    let key = ask.key_for(&visitor, Deed::Update).await?;
    answer(&ask, &visitor, &key, None, Problems::default(), StatusCode::OK).await
}

pub(crate) async fn save(ask: Ask, visitor: Visitor) -> Answer {
    let key = ask.key_for(&visitor, Deed::Update).await?;
    super::check_version(&ask.form, &key, &visitor)?;
    let details = &key.details;
    let options = options(&ask, &visitor, &key).await?;
    let mut problems = Problems::default();
    let edit = read(&ask.form, &key, &options, &visitor, &mut problems);
    let invalid = StatusCode::UNPROCESSABLE_ENTITY;
    if !problems.is_empty() {
        return answer(&ask, &visitor, &key, Some(&ask.form), problems, invalid).await;
    }
    let path = visitor.path(&details.id);
    if edit == EditKey::default() {
        return Ok(see_other(&path));
    }
    let request = UpdateKey { id: details.id.clone(), config_id: Some(details.config_id.clone()), owner: None, edit };
    match ask.keys().update(ask.context(&visitor), request).await {
        Ok(_) => {
            ask.request.note_change(visitor.actor(), &details.id, Some(&details.owner));
            Ok(see_other(&format!("{path}?did=saved")))
        }
        Err(ServiceError::Refused(ErrorCode::KeyRevoked)) => {
            problems.add("enabled", "The key is revoked. Only an operator can take that back.");
            answer(&ask, &visitor, &key, Some(&ask.form), problems, invalid).await
        }
        Err(error) if explain(&error, options.configuration, &mut problems) => {
            answer(&ask, &visitor, &key, Some(&ask.form), problems, invalid).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Returns what the visitor may set on a key: of an organization's, as their roles there allow.
async fn options<'a>(ask: &'a Ask, visitor: &Visitor, key: &ApiKey) -> Result<KeyOptions<'a>, Failure> {
    let organization = OrganizationId::parse(key.details.owner.as_str()).ok();
    Ok(ask.keys().options(&visitor.caller, Some(&key.details.config_id), organization.as_ref()).await?)
}

/// Reads what the form changes. Members that are as they were are left out: the use case refuses some of them from users.
fn read(form: &Fields, key: &ApiKey, options: &KeyOptions<'_>, visitor: &Visitor, problems: &mut Problems) -> EditKey {
    let details = &*key.details;
    let mut edit = EditKey::default();
    if form.raw("name").trim() != details.name.as_deref().unwrap_or_default() {
        match read_name(form, problems) {
            Some(name) => edit.name = Some(name),
            None if problems.of("name").is_none() => problems.add("name", "A name can be changed, and not removed."),
            None => {}
        }
    }
    let is_enabled = details.enabled && details.revocation.is_none();
    let wants = form.has("enabled");
    // A revoked key is enabled by operators alone, which takes the revocation back.
    if wants != is_enabled && (details.revocation.is_none() || wants) {
        edit.enabled = Some(wants);
    }
    edit.expires_in = expires_in(form, options, problems);
    if visitor.is_operator || options.grantable.is_some() {
        edit.permissions = changed_permissions(form, key, options, visitor, problems);
    }
    if options.configuration.enable_metadata {
        edit.metadata = metadata(form, key, problems);
    }
    if visitor.is_operator {
        Limits::read(form, problems).change(key, &mut edit);
        let changed = |list: Networks, before: &Networks| (list != *before).then_some(list);
        edit.allowed_addresses = changed(networks(form, "allowed", problems), &details.addresses.allowed);
        edit.denied_addresses = changed(networks(form, "denied", problems), &details.addresses.denied);
    }
    edit
}

fn expires_in(form: &Fields, options: &KeyOptions<'_>, problems: &mut Problems) -> Field<Lifetime> {
    match form.get("expiry") {
        None | Some("keep") => Field::Absent,
        Some("never") => Field::Null,
        Some(_) => match expiry::read(form, options.configuration.expiration, problems) {
            Some(lifetime) => Field::Given(lifetime),
            None => Field::Absent,
        },
    }
}

fn changed_permissions(
    form: &Fields,
    key: &ApiKey,
    options: &KeyOptions<'_>,
    visitor: &Visitor,
    problems: &mut Problems,
) -> Field<Permissions> {
    let asked = picked(form, visitor.is_operator, problems);
    if asked.is_none() && !problems.is_empty() {
        return Field::Absent;
    }
    // What the form does not offer stays as it is, unless an operator sees it as text.
    let kept = if visitor.is_operator { Vec::new() } else { others(key, options) };
    let pairs = asked
        .iter()
        .flat_map(Permissions::pairs)
        .chain(kept.iter().map(|(resource, action)| (resource.as_str(), action.as_str())));
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_unstable();
    pairs.dedup();
    let mut before: Vec<_> = key.details.permissions.iter().flat_map(Permissions::pairs).collect();
    before.sort_unstable();
    before.dedup();
    match pairs {
        pairs if pairs == before => Field::Absent,
        pairs if pairs.is_empty() => Field::Null,
        pairs => Field::Given(Permissions::from_pairs(pairs)),
    }
}

/// Returns the permissions of a key that its form does not offer.
fn others(key: &ApiKey, options: &KeyOptions<'_>) -> Vec<(String, String)> {
    let offered: Vec<_> = options.grantable.iter().flat_map(Permissions::pairs).collect();
    let pairs = key.details.permissions.iter().flat_map(Permissions::pairs).filter(|pair| !offered.contains(pair));
    pairs.map(|(resource, action)| (resource.to_owned(), action.to_owned())).collect()
}

fn metadata(form: &Fields, key: &ApiKey, problems: &mut Problems) -> MetadataInput {
    let before = key.details.metadata.as_ref().map(Metadata::as_json);
    match form.get("metadata") {
        None if before.is_some() => MetadataInput::Null,
        None => MetadataInput::Absent,
        Some(text) if Some(text) == before => MetadataInput::Absent,
        Some(text) => read_metadata(text, problems),
    }
}

async fn answer(
    ask: &Ask,
    visitor: &Visitor,
    key: &ApiKey,
    sent: Option<&Fields>,
    problems: Problems,
    status: StatusCode,
) -> Answer {
    let details = &*key.details;
    let options = options(ask, visitor, key).await?;
    let of_key = details.permissions.iter().flat_map(Permissions::pairs);
    let chosen: Vec<String> = match sent {
        Some(form) => form.all("permission").map(str::to_owned).collect(),
        None => of_key.map(|(resource, action)| serde_json::json!([resource, action]).to_string()).collect(),
    };
    let others = others(key, &options);
    let others = Permissions::from_pairs(others.iter().map(|(resource, action)| (resource.as_str(), action.as_str())));
    let name = super::name(key);
    let none = Fields::default();
    let template = EditPage {
        layout: Layout::of(visitor, Section::Keys, format!("Edit {name}")),
        problems,
        name,
        path: visitor.path(&details.id),
        version: version(key),
        is_revoked: details.revocation.is_some(),
        is_operator: visitor.is_operator,
        expires: details.expires_at.map(When::date),
        lifetimes: expiry::Lifetimes::new(options.configuration.expiration, sent.unwrap_or(&none)),
        permissions: Picker {
            choices: ResourceChoice::all(&options, &chosen),
            default: Vec::new(),
            others: if visitor.is_operator { Vec::new() } else { words(&others) },
            may_write: visitor.is_operator,
        },
        may_set_permissions: visitor.is_operator || options.grantable.is_some(),
        has_metadata: options.configuration.enable_metadata,
        is_enabled: sent.map_or(details.enabled && details.revocation.is_none(), |form| form.has("enabled")),
        expiry: sent.and_then(|form| form.get("expiry")).unwrap_or("keep").to_owned(),
        values: sent.map_or_else(|| Values::of(key, others.to_words().replace(',', "\n")), Values::sent),
    };
    page_as(status, &template)
}
