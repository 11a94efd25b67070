//! Policy: the configurations of a deployment, and the lookup of the one that governs a request or a key.

mod ceiling;
mod configuration;
mod leaks;
mod notices;
mod rotation;

use std::sync::Arc;

use crate::key::PlainKey;
use crate::organization::Roles;
use crate::value::utf16_len;
use crate::{ApiKey, ConfigId, ErrorCode, Timestamp};

pub use ceiling::Ceiling;
pub use configuration::{Configuration, Expiration, LengthRange, RateLimitDefaults, References};
pub use leaks::LeakAction;
pub use notices::Notices;
pub use rotation::{Cut, RotateSecret, RotationRules};

/// The configurations of a deployment, and the rules that hold for all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Shared, so that work on another thread can take a policy with it.
    configurations: Arc<[Configuration]>,
    /// True if a key is refused when its owner's row is missing. It is off by default: only the caller may know the
    /// owners' ids.
    pub require_owner: bool,
    /// The actions that an organization's members may take on its keys.
    pub roles: Roles,
    /// True if uses that pass a share of a quota, or exhaust it, are recorded as events.
    pub(crate) records_events: bool,
}

/// The error for two configurations with the same id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two configurations are named {0}")]
pub struct DuplicateConfigId(pub ConfigId);

/// A filter of keys by the configuration id in their rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigFilter {
    /// Keys of any configuration.
    Any,
    /// Keys that name one of these; `default` also means rows that name none.
    AnyOf(Vec<ConfigId>),
    /// Keys that name none of these.
    NoneOf(Vec<ConfigId>),
}

impl ConfigFilter {
    /// Returns true if the filter includes keys of `config_id`.
    pub fn includes(&self, config_id: &ConfigId) -> bool {
        match self {
            Self::Any => true,
            Self::AnyOf(ids) => ids.contains(config_id),
            Self::NoneOf(ids) => !ids.contains(config_id),
        }
    }
}

impl Policy {
    /// Takes any number of configurations with distinct ids.
    ///
    /// # Errors
    ///
    /// Returns [`DuplicateConfigId`] if two have the same id.
    pub fn new(configurations: Vec<Configuration>) -> Result<Self, DuplicateConfigId> {
        for (index, configuration) in configurations.iter().enumerate() {
            if configurations[..index].iter().any(|earlier| earlier.id == configuration.id) {
                return Err(DuplicateConfigId(configuration.id.clone()));
            }
        }
        Ok(Self { configurations: configurations.into(), ..Self::default() })
    }

    /// Sets whether uses that pass a share of a quota, or exhaust it, are recorded as events.
    #[must_use]
    pub fn recording_events(self, records_events: bool) -> Self {
        Self { records_events, ..self }
    }

    /// Returns all configurations, in the order they were given.
    pub fn configurations(&self) -> &[Configuration] {
        &self.configurations
    }

    /// Returns the configuration with that id, else the default one.
    ///
    /// Better Auth, too, takes the default configuration for an id that is not configured, in requests and in rows
    /// (docs/better-auth-wire.md 6.4).
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::NoDefaultApiKeyConfigurationFound`] if there is neither.
    pub fn resolve(&self, id: &ConfigId) -> Result<&Configuration, ErrorCode> {
        let find = |id: &ConfigId| self.configurations.iter().find(|configuration| configuration.id == *id);
        find(id).or_else(|| find(&ConfigId::default_id())).ok_or(ErrorCode::NoDefaultApiKeyConfigurationFound)
    }

    /// Returns true if a configuration stores keys unhashed, so that a lookup must also try the text itself.
    pub fn any_unhashed(&self) -> bool {
        self.configurations.iter().any(|configuration| configuration.disable_key_hashing)
    }

    /// Returns the place of the configuration with the longest default prefix that the text of `key` begins with.
    pub(crate) fn prefix_of(&self, key: &PlainKey) -> Option<u16> {
        let begins = |prefix: &str| !prefix.is_empty() && key.expose().starts_with(prefix);
        let prefixes =
            (0_u16..).zip(self.configurations.iter().map(|configuration| configuration.default_prefix.as_deref()));
        let found = prefixes.filter_map(|(place, prefix)| Some((prefix?, place))).filter(|(prefix, _)| begins(prefix));
        found.max_by_key(|(prefix, place)| (prefix.len(), std::cmp::Reverse(*place))).map(|(_, place)| place)
    }

    /// Returns true if `key`, whose text begins with the default prefix of the configuration at `place`, lacks the
    /// checksum that all keys with this prefix have.
    pub(crate) fn is_malformed_at(&self, place: Option<u16>, key: &PlainKey) -> bool {
        let configuration = place.and_then(|place| self.configurations.get(usize::from(place)));
        configuration.is_some_and(|configuration| configuration.checked_only) && !key.has_valid_sum()
    }

    /// Returns true if `key` is refused for its text alone, before it is looked up: it begins with the default prefix of
    /// a configuration with [`checked_only`](Configuration::checked_only), and its checksum is wrong.
    pub fn is_malformed(&self, key: &PlainKey) -> bool {
        self.is_malformed_at(self.prefix_of(key), key)
    }

    /// Returns the filter of the keys that `configuration` governs: those that name it, and for the default one also
    /// those that name an id that is not configured.
    pub fn governed_by(&self, configuration: &Configuration) -> ConfigFilter {
        if configuration.id != ConfigId::default_id() {
            return ConfigFilter::AnyOf(vec![configuration.id.clone()]);
        }
        let others = self.configurations.iter().filter(|other| other.id != configuration.id);
        ConfigFilter::NoneOf(others.map(|other| other.id.clone()).collect())
    }

    /// Returns the filter of the keys that owners of this kind have. A key with an id that is not configured is a
    /// user's (docs/better-auth-wire.md 7.3).
    pub fn owned_by(&self, references: References) -> ConfigFilter {
        let organizations = self.configurations.iter().filter(|c| c.references == References::Organization);
        let organizations = organizations.map(|configuration| configuration.id.clone()).collect();
        match references {
            References::User => ConfigFilter::NoneOf(organizations),
            References::Organization => ConfigFilter::AnyOf(organizations),
        }
    }

    /// Returns the headers by which keys may open sessions, in the order of the configurations.
    pub fn session_headers(&self) -> impl Iterator<Item = &str> {
        let open = self.configurations.iter().filter(|configuration| configuration.enable_session_for_api_keys);
        open.flat_map(|configuration| configuration.api_key_headers.iter().map(String::as_str))
    }

    /// Returns true if `key`, presented in `header`, is shorter than every key that could open a session by that
    /// header.
    ///
    /// Better Auth checks the length, in UTF-16 units, before it looks up the key (docs/better-auth-wire.md 9, step 2).
    pub fn is_too_short_for_session(&self, key: &PlainKey, header: &str) -> bool {
        let open = self.configurations.iter().filter(|configuration| configuration.opens_sessions_by(header));
        open.map(Configuration::shortest_key).min().is_some_and(|shortest| utf16_len(key.expose()) < shortest)
    }

    /// Returns the shares of a quota, in percent, whose use is an event for keys of this configuration.
    pub fn quota_thresholds(&self, id: &ConfigId) -> &[u8] {
        self.resolve(id).map_or(&[], |configuration| &configuration.quota_thresholds)
    }

    /// Returns true if uses of `key` may be answered on a copy of it. A key with a quota never may: a quota is exact. Nor
    /// may one with a rotation under way: its first use by the new secret is a change.
    pub fn may_defer(&self, key: &ApiKey) -> bool {
        let is_exact = key.usage.remaining.is_some() || key.details.rotation.is_some();
        !is_exact && self.resolve(&key.details.config_id).is_ok_and(|found| found.defer_usage)
    }

    /// Returns true if clean-up may remove `key` as exhausted: its quota is used up for good, and its retention has
    /// passed since the last change.
    pub fn may_remove_exhausted(&self, key: &ApiKey, now: Timestamp) -> bool {
        let retention_ms = self.resolve(&key.details.config_id).map_or(0, |configuration| configuration.retention_ms);
        key.is_exhausted() && key.usage.updated_at.plus_millis(retention_ms) <= now
    }
}

impl Default for Policy {
    /// Returns a policy of the default configuration alone.
    fn default() -> Self {
        Self {
            configurations: [Configuration::default()].into(),
            require_owner: false,
            roles: Roles::default(),
            records_events: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(id: &str) -> Configuration {
        Configuration::new(ConfigId::from_optional(Some(id)))
    }

    #[test]
    fn an_unknown_id_means_the_default_configuration() {
        let policy = Policy::new(vec![named("default"), named("eu")]).unwrap();
        assert_eq!(policy.resolve(&ConfigId::from_optional(Some("eu"))).unwrap().id.as_str(), "eu");
        assert_eq!(policy.resolve(&ConfigId::from_optional(Some("us"))).unwrap().id.as_str(), "default");
        let lonely = Policy::new(vec![named("eu")]).unwrap();
        let found = lonely.resolve(&ConfigId::default_id());
        assert_eq!(found, Err(ErrorCode::NoDefaultApiKeyConfigurationFound));
    }

    #[test]
    fn ids_are_unique() {
        let found = Policy::new(vec![named("a"), named("b"), named("a")]);
        assert_eq!(found, Err(DuplicateConfigId(ConfigId::from_optional(Some("a")))));
    }

    #[test]
    fn every_key_is_governed_by_exactly_one_configuration() {
        let policy = Policy::new(vec![named("default"), named("eu")]).unwrap();
        for id in ["default", "eu", "us"] {
            let id = ConfigId::from_optional(Some(id));
            let governing = policy.configurations().iter().filter(|c| policy.governed_by(c).includes(&id));
            assert_eq!(governing.count(), 1, "{id}");
        }
    }
}
