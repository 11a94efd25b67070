use std::num::NonZeroU32;

use keymint_domain::key::KeyFormat;
use keymint_domain::policy::{Expiration, LeakAction, Notices, References, RotationRules};
use keymint_domain::value::{MAX_COUNT, Prefix, utf16_len};
use keymint_domain::{ConfigId, Configuration};
use toml::Value;

use super::{addresses, limits, permissions};
use crate::config::Location;
use crate::config::section::Section;
use crate::config::values::parsed;
use crate::units::Unit;

const DAY_MS: u64 = 86_400_000;
/// The largest number of days: a century.
const MAX_DAYS: u32 = 36_500;

/// One `[[api_key]]` section, with what is needed to compare its id with the others'.
pub(super) struct Entry {
    pub(super) configuration: Configuration,
    /// The given id, if it is valid.
    pub(super) id: Option<ConfigId>,
    /// True if an id was given, valid or not.
    pub(super) has_id: bool,
    pub(super) id_location: Location,
    pub(super) prefix_location: Location,
}

pub(super) fn read(section: &mut Section<'_, '_>) -> Entry {
    let show = |id: &Option<ConfigId>| Some(Value::from(id.clone().unwrap_or_else(ConfigId::default_id).as_str()));
    let id = section.read("config_id", "text", None, show, |node| parsed(node, |text| ConfigId::parse(text)).map(Some));
    Entry {
        configuration: read_configuration(section, id.clone().unwrap_or_else(ConfigId::default_id)),
        id,
        has_id: section.is_set("config_id"),
        id_location: section.location("config_id"),
        prefix_location: section.location("default_prefix"),
    }
}

fn read_configuration(section: &mut Section<'_, '_>, id: ConfigId) -> Configuration {
    let default = Configuration::new(id);
    let usual_headers = default.api_key_headers.clone();
    let mut rotation = default.rotation;
    let configuration = Configuration {
        references: section.choice("references", default.references, &REFERENCES),
        api_key_headers: section.texts("api_key_headers", "list of header names", usual_headers, parse_header),
        enable_session_for_api_keys: section
            .boolean("enable_session_for_api_keys", default.enable_session_for_api_keys),
        allow_key_management: section.boolean("allow_key_management", default.allow_key_management),
        allow_self_rotation: section.boolean("allow_self_rotation", default.allow_self_rotation),
        key_length: section.integer("key_length", default.key_length, 16..=256),
        key_format: section.choice("key_format", default.key_format, &FORMATS),
        checked_only: section.boolean("checked_only", default.checked_only),
        default_prefix: section.optional_text("default_prefix", "text: letters, digits, `_`, `-`", parse_prefix),
        prefix_length: limits::lengths(section, "prefix_length", default.prefix_length, 1),
        name_length: limits::lengths(section, "name_length", default.name_length, 0),
        require_name: section.boolean("require_name", default.require_name),
        enable_metadata: section.boolean("enable_metadata", default.enable_metadata),
        disable_key_hashing: section.boolean("disable_key_hashing", default.disable_key_hashing),
        default_remaining: section.optional_integer("default_remaining", 0..=MAX_COUNT).map(u64::from),
        max_keys_per_user: section.optional_integer("max_keys_per_user", 1..=MAX_COUNT).and_then(NonZeroU32::new),
        starting_characters: limits::starting_characters(section, default.starting_characters),
        expiration: Expiration {
            max_lifetime_days: NonZeroU32::new(section.duration("max_lifetime_days", 0, Unit::Days, 0..=MAX_DAYS)),
            ..limits::expiration(section, default.expiration)
        },
        rate_limit: limits::rate_limit(section, default.rate_limit),
        permissions: permissions::read(section, "permissions"),
        grantable: permissions::read(section, "grantable"),
        grantable_by_role: permissions::read_by_role(section),
        permission_descriptions: permissions::read_descriptions(section),
        wildcards: section.boolean("wildcards", default.wildcards),
        addresses: addresses::read(section),
        retention_ms: section.duration("retention_days", default.retention_ms / DAY_MS, Unit::Days, 0..=36_500)
            * DAY_MS,
        undelete_ms: section.duration("undelete_days", default.undelete_ms / DAY_MS, Unit::Days, 0..=3650) * DAY_MS,
        defer_usage: section.boolean("defer_usage", default.defer_usage),
        quota_thresholds: section.integers("quota_thresholds", default.quota_thresholds, &(1..=100), 10),
        notices: read_notices(section, default.notices, &mut rotation),
        rotation,
        anomalies: section.boolean("anomalies", default.anomalies),
        on_leak: section.section("leaks", read_leaks),
        id: default.id,
    };
    check_default_prefix(section, &configuration);
    check_format(section, &configuration);
    check_sessions(section, &configuration);
    configuration
}

/// Reads the notices, and the rules of rotations, whose section also has the age at which one is due.
fn read_notices(section: &mut Section<'_, '_>, default: Notices, rules: &mut RotationRules) -> Notices {
    // 0 switches a notice off.
    let days = |section: &mut Section<'_, '_>, key, default: Option<NonZeroU32>| {
        NonZeroU32::new(section.duration(key, default.map_or(0, NonZeroU32::get), Unit::Days, 0..=MAX_DAYS))
    };
    let rotation_days = section.section("rotation", |section| {
        let rotation_days = days(section, "every_days", default.rotation_days);
        let max_pending_days = section.duration("max_pending_days", rules.max_pending_days.get(), Unit::Days, 1..=365);
        rules.max_pending_days = NonZeroU32::new(max_pending_days).unwrap_or(rules.max_pending_days);
        rules.grace_seconds =
            section.duration("grace_seconds", rules.grace_seconds, Unit::Seconds, RotationRules::GRACE_SECONDS);
        rotation_days
    });
    section.section("notices", |section| Notices {
        expiring_days: section.durations("expiring_days", default.expiring_days, Unit::Days, &(1..=MAX_DAYS), 10),
        idle_days: days(section, "idle_days", default.idle_days),
        rotation_days,
    })
}

/// Reads the consequence of a leak.
fn read_leaks(section: &mut Section<'_, '_>) -> LeakAction {
    const ACTIONS: [(&str, Action); 3] =
        [("revoke", Action::Revoke), ("end_after", Action::EndAfter), ("notify", Action::Notify)];
    #[derive(Clone, Copy, PartialEq)]
    enum Action {
        Revoke,
        EndAfter,
        Notify,
    }
    let action = section.choice("action", Action::Revoke, &ACTIONS);
    let hours = section.duration("hours", 24, Unit::Hours, 1..=MAX_DAYS * 24);
    match action {
        Action::Revoke => LeakAction::Revoke,
        Action::EndAfter => LeakAction::EndAfter { hours: NonZeroU32::new(hours).unwrap_or(NonZeroU32::MIN) },
        Action::Notify => LeakAction::Notify,
    }
}

const REFERENCES: [(&str, References); 2] = [("user", References::User), ("organization", References::Organization)];

const FORMATS: [(&str, KeyFormat); 2] = [("base64url", KeyFormat::Base64Url), ("checked", KeyFormat::Checked)];

/// Refuses a demand for checksums that the section's own keys would not meet, or that would concern no key.
fn check_format(section: &mut Section<'_, '_>, configuration: &Configuration) {
    if !configuration.checked_only {
        return;
    }
    let location = section.location("checked_only");
    if configuration.key_format != KeyFormat::Checked {
        section.problem(location, "needs key_format = \"checked\"");
    } else if configuration.default_prefix.is_none() {
        section.problem(location, "needs a default_prefix, by which keys are told from other configurations'");
    }
}

/// Refuses sessions that no key could open.
fn check_sessions(section: &mut Section<'_, '_>, configuration: &Configuration) {
    if !configuration.enable_session_for_api_keys {
        return;
    }
    let location = section.location("enable_session_for_api_keys");
    if configuration.references == References::Organization {
        section.problem(location, "needs references = \"user\": a session is a user's");
    } else if configuration.api_key_headers.is_empty() {
        section.problem(location, "needs a header in api_key_headers");
    }
}

fn check_default_prefix(section: &mut Section<'_, '_>, configuration: &Configuration) {
    let Some(prefix) = &configuration.default_prefix else { return };
    let range = configuration.prefix_length;
    if !range.fits(prefix) {
        let message = format!(
            "must have from {} to {} characters (prefix_length), not {}",
            range.min,
            range.max,
            utf16_len(prefix)
        );
        section.problem(section.location("default_prefix"), message);
    }
}

fn parse_prefix(text: &str) -> Result<String, &'static str> {
    let prefix = Prefix::parse(text).map_err(|_| "must be letters, digits, underscores and hyphens")?;
    Ok(prefix.as_str().to_owned())
}

/// Reads a header's name in lower case, a token in RFC 9110.
fn parse_header(text: &str) -> Result<String, &'static str> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if text.is_empty() || !text.bytes().all(token) {
        Err("must be a header's name")
    } else {
        Ok(text.to_ascii_lowercase())
    }
}
