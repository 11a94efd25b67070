use keymint_domain::address::{AddressRules, Network, Networks};
use keymint_domain::key::{Field, MetadataInput, NewKey, RefillInput};
use keymint_domain::policy::References;
use keymint_domain::usage::Every;
use keymint_domain::value::{KeyName, MAX_COUNT, MAX_PERIOD_MS};
use keymint_domain::{Metadata, OrganizationId, OwnerId, Permissions};
use keymint_service::{CreateKey, KeyOptions};

use super::expiry;
use crate::form::{Fields, Problems};
use crate::visitor::Visitor;

/// Reads the form of a new key. What is wrong is added to `problems`.
pub(super) fn read(
    form: &Fields,
    options: &KeyOptions<'_>,
    visitor: &Visitor,
    problems: &mut Problems,
) -> Option<CreateKey> {
    let configuration = options.configuration;
    let name = read_name(form, problems);
    let expires_in = expiry::read(form, configuration.expiration, problems);
    let permissions = picked(form, visitor.is_operator, problems);
    let metadata = form.get("metadata").filter(|_| configuration.enable_metadata);
    let metadata = metadata.map_or(MetadataInput::Absent, |text| read_metadata(text, problems));
    let mut new = NewKey { name, expires_in, permissions, metadata, ..NewKey::default() };
    let mut owner = None;
    if visitor.is_operator {
        limits(form, &mut new, problems);
        new.addresses =
            AddressRules { allowed: networks(form, "allowed", problems), denied: networks(form, "denied", problems) };
        if configuration.references == References::User {
            owner = Some(match form.get("owner") {
                Some(text) => {
                    OwnerId::parse(text).map_err(|error| problems.add("owner", format!("It {error}."))).ok()?
                }
                None => (&visitor.user.id).into(),
            });
        }
    }
    let organization = match (configuration.references, form.get("organization")) {
        (References::Organization, Some(text)) => {
            OrganizationId::parse(text).map_err(|error| problems.add("organization", format!("It {error}."))).ok()
        }
        (References::Organization, None) => {
            problems.add("organization", "Enter the id of the organization.");
            None
        }
        (References::User, _) => None,
    };
    Some(CreateKey { config_id: Some(configuration.id.clone()), owner, organization, new })
}

pub(in crate::pages::keys) fn read_name(form: &Fields, problems: &mut Problems) -> Option<KeyName> {
    let name = KeyName::parse(form.get("name")?).ok();
    if name.is_none() {
        problems
            .add("name", "Leave out characters that nobody sees, such as those that turn the direction of writing.");
    }
    name
}

/// Reads the permissions: those that were picked, and those that an operator wrote. `None` = the form has none.
pub(in crate::pages::keys) fn picked(form: &Fields, may_write: bool, problems: &mut Problems) -> Option<Permissions> {
    let pairs: Option<Vec<(String, String)>> =
        form.all("permission").map(|pair| serde_json::from_str(pair).ok()).collect();
    let Some(mut pairs) = pairs else {
        problems.add("permissions", "Pick from the permissions that are offered.");
        return None;
    };
    if let Some(text) = form.get("more-permissions").filter(|_| may_write) {
        let line = text.split_whitespace().flat_map(|part| part.split(',')).filter(|word| !word.is_empty());
        match Permissions::from_words(&line.collect::<Vec<_>>().join(",")) {
            Ok(more) => pairs.extend(more.pairs().map(|(resource, action)| (resource.to_owned(), action.to_owned()))),
            Err(error) => {
                problems.add("more-permissions", format!("Write resource:action, one a line: {error}."));
                return None;
            }
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    let pairs = pairs.iter().map(|(resource, action)| (resource.as_str(), action.as_str()));
    (pairs.len() > 0).then(|| Permissions::from_pairs(pairs))
}

/// Reads metadata: a JSON object.
pub(in crate::pages::keys) fn read_metadata(text: &str, problems: &mut Problems) -> MetadataInput {
    let metadata = serde_json::from_str(text).ok().and_then(|value| Metadata::from_json(&value));
    if metadata.is_none() {
        problems.add("metadata", "Enter a JSON object, as in {\"team\":\"backend\"}.");
    }
    metadata.map_or(MetadataInput::Absent, MetadataInput::Given)
}

/// The units of a window, in milliseconds.
const UNITS: [(&str, u64); 4] = [("second", 1000), ("minute", 60_000), ("hour", 3_600_000), ("day", 86_400_000)];

fn limits(form: &Fields, new: &mut NewKey, problems: &mut Problems) {
    match form.get("limit") {
        Some("none") => new.rate_limit_enabled = Some(false),
        Some("own") => {
            new.rate_limit_enabled = Some(true);
            (new.rate_limit_max, new.rate_limit_window_ms) = limit(form, problems);
        }
        _ => {}
    }
    if let Some(calls) = problems.number(form, "quota", 0..=u64::from(MAX_COUNT)) {
        new.remaining = Field::Given(calls);
    }
    let amount = problems.number(form, "refill", 1..=u64::from(MAX_COUNT));
    let every = form.get("every").and_then(Every::parse);
    new.refill = RefillInput { amount, interval_ms: None, every };
}

/// Reads a rate limit: the calls, and the window in milliseconds.
pub(in crate::pages::keys) fn limit(form: &Fields, problems: &mut Problems) -> (Option<u64>, Option<u64>) {
    if form.get("calls").is_none() {
        problems.add("calls", "Enter how many calls are allowed.");
    }
    let calls = problems.number(form, "calls", 1..=u64::from(MAX_COUNT));
    (calls, window(form, problems))
}

fn window(form: &Fields, problems: &mut Problems) -> Option<u64> {
    let unit = form.get("unit").unwrap_or("minute");
    let Some((_, ms)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        problems.add("window", "Choose a unit of time.");
        return None;
    };
    if form.get("window").is_none() {
        problems.add("window", "Enter the length of the window.");
    }
    problems.number(form, "window", 1..=MAX_PERIOD_MS / ms).map(|number| number * ms)
}

/// Reads networks, separated by spaces, commas or lines.
pub(in crate::pages::keys) fn networks(form: &Fields, field: &'static str, problems: &mut Problems) -> Networks {
    let parts = form.raw(field).split([' ', ',', ';', '\n', '\r', '\t']).filter(|part| !part.is_empty());
    let mut networks = Vec::new();
    for part in parts {
        match Network::parse(part) {
            Ok(network) => networks.push(network),
            Err(error) => {
                let shown: String = part.chars().take(60).collect();
                problems.add(field, format!("{shown} {error}."));
                return Networks::default();
            }
        }
    }
    Networks::new(networks).unwrap_or_else(|error| {
        problems.add(field, format!("The list {error}."));
        Networks::default()
    })
}
