//! What a deployment allows: its configurations, and how a request or a key finds the one that governs it.

mod configuration;

use std::sync::Arc;

use crate::key::PlainKey;
use crate::organization::Roles;
use crate::value::utf16_len;
use crate::{ApiKey, ConfigId, ErrorCode, Timestamp};

pub use configuration::{Configuration, Expiration, LengthRange, RateLimitDefaults, References};

/// All configurations of a deployment, and the rules that hold across them.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// Shared, so that whoever works on another thread can take a policy along.
    configurations: Arc<[Configuration]>,
    /// Whether a key is refused where its owner's row is gone. Off by default: owners may be ids that only the
    /// caller knows.
    pub require_owner: bool,
    /// What an organization's members may do with its keys.
    pub roles: Roles,
}

/// Two configurations share an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two configurations are named {0}")]
pub struct DuplicateConfigId(pub ConfigId);

/// Which configurations' keys are meant, by the id in their rows.
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
    /// Whether a key of `config_id` is meant.
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
    pub fn new(configurations: Vec<Configuration>) -> Result<Self, DuplicateConfigId> {
        for (index, configuration) in configurations.iter().enumerate() {
            if configurations[..index].iter().any(|earlier| earlier.id == configuration.id) {
                return Err(DuplicateConfigId(configuration.id.clone()));
            }
        }
        Ok(Self { configurations: configurations.into(), ..Self::default() })
    }

    /// All configurations, in the order they were given.
    pub fn configurations(&self) -> &[Configuration] {
        &self.configurations
    }

    /// The configuration of that id. Better Auth takes the default one for an id that nobody configured, in
    /// requests and in rows alike (docs/better-auth-wire.md 6.4).
    pub fn resolve(&self, id: &ConfigId) -> Result<&Configuration, ErrorCode> {
        let find = |id: &ConfigId| self.configurations.iter().find(|configuration| configuration.id == *id);
        find(id).or_else(|| find(&ConfigId::default_id())).ok_or(ErrorCode::NoDefaultApiKeyConfigurationFound)
    }

    /// Whether any configuration keeps keys as they are, so that a look-up must try the text itself.
    pub fn any_unhashed(&self) -> bool {
        self.configurations.iter().any(|configuration| configuration.disable_key_hashing)
    }

    /// The keys that `configuration` governs: those that name it, and for the default one also those that name
    /// an id that nobody configured.
    pub fn governed_by(&self, configuration: &Configuration) -> ConfigFilter {
        if configuration.id != ConfigId::default_id() {
            return ConfigFilter::AnyOf(vec![configuration.id.clone()]);
        }
        let others = self.configurations.iter().filter(|other| other.id != configuration.id);
        ConfigFilter::NoneOf(others.map(|other| other.id.clone()).collect())
    }

    /// The keys that such owners have: an id that nobody configured counts as a user's (docs/better-auth-wire.md 7.3).
    pub fn owned_by(&self, references: References) -> ConfigFilter {
        let organizations = self.configurations.iter().filter(|c| c.references == References::Organization);
        let organizations = organizations.map(|configuration| configuration.id.clone()).collect();
        match references {
            References::User => ConfigFilter::NoneOf(organizations),
            References::Organization => ConfigFilter::AnyOf(organizations),
        }
    }

    /// The headers by which keys may open sessions, in the order of the configurations.
    pub fn session_headers(&self) -> impl Iterator<Item = &str> {
        let open = self.configurations.iter().filter(|configuration| configuration.enable_session_for_api_keys);
        open.flat_map(|configuration| configuration.api_key_headers.iter().map(String::as_str))
    }

    /// Whether `key`, shown in `header`, is shorter than every key that could open a session so. Better Auth looks at
    /// the length before it looks for the key, and counts in UTF-16 units (docs/better-auth-wire.md 9, step 2).
    pub fn is_too_short_for_session(&self, key: &PlainKey, header: &str) -> bool {
        let open = self.configurations.iter().filter(|configuration| configuration.opens_sessions_by(header));
        open.map(Configuration::shortest_key).min().is_some_and(|shortest| utf16_len(key.expose()) < shortest)
    }

    /// Whether uses of `key` may be answered on a copy of it. One with a quota never may: a quota is exact.
    pub fn may_defer(&self, key: &ApiKey) -> bool {
        key.usage.remaining.is_none() && self.resolve(&key.details.config_id).is_ok_and(|found| found.defer_usage)
    }

    /// Whether clean-up may remove `key` for being exhausted: its quota is used up for good, and its retention
    /// has passed since the last change.
    pub fn may_remove_exhausted(&self, key: &ApiKey, now: Timestamp) -> bool {
        let retention_ms = self.resolve(&key.details.config_id).map_or(0, |configuration| configuration.retention_ms);
        key.is_exhausted() && key.usage.updated_at.plus_millis(retention_ms) <= now
    }
}

impl Default for Policy {
    /// The default configuration alone.
    fn default() -> Self {
        Self { configurations: [Configuration::default()].into(), require_owner: false, roles: Roles::default() }
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
