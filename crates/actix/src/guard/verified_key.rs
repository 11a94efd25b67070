use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use keymint_domain::key::PlainKey;
use keymint_domain::usage::Standing;
use keymint_domain::{ApiKey, ConfigId, KeyId, Metadata, OwnerId, Permissions, Policy, Timestamp};

use super::Admission;
use crate::error::ApiError;

/// The verified key of a request: its owner, its id, its permissions, and its remaining uses.
///
/// As an argument of a handler it refuses requests without a valid key. Without a guard, it verifies the key at cost 1
/// and requires no permission. It is never an unverified key; routes that work without a verification take an
/// [`Admission`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedKey {
    /// The key's id, which is not a secret.
    pub id: KeyId,
    /// The configuration of the key.
    pub config_id: ConfigId,
    /// The display name.
    pub name: Option<String>,
    /// The owner: a user, an organization, or an id that only its creator knows.
    pub owner: OwnerId,
    /// The permissions; `None` = only uses that require no permission.
    pub permissions: Option<Permissions>,
    /// True if a `*` in the permissions is a wildcard. Otherwise it is a name, as its configuration says.
    pub wildcards: bool,
    /// Data that the owner attached.
    pub metadata: Option<Metadata>,
    /// The calls that the quota has left after this one; `None` = unlimited.
    pub remaining: Option<u64>,
    /// The state of the rate limit after this call; `None` = no rate limit.
    pub rate_limit: Option<RateLimitLeft>,
    /// The instant at which the presented secret ends, if a rotation has replaced it; `None` = it is not a former one.
    pub former_secret_ends_at: Option<Timestamp>,
}

/// The state of a key's rate limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitLeft {
    /// The calls per window.
    pub max: u64,
    /// The window, in ms.
    pub window_ms: u64,
    /// The calls that are left now.
    pub left: u64,
}

impl VerifiedKey {
    /// Returns true if the key grants every action of every resource in `asked`.
    pub fn grants(&self, asked: &Permissions) -> bool {
        self.missing(asked).is_none()
    }

    /// Returns the actions in `asked` that the key does not grant; `None` = it grants all.
    pub fn missing(&self, asked: &Permissions) -> Option<Permissions> {
        asked.lacking_in(self.permissions.as_ref(), self.wildcards)
    }
}

impl RateLimitLeft {
    /// Returns the state from these standings; `None` = no rate limit.
    fn of(mut standings: impl Iterator<Item = Standing>) -> Option<Self> {
        let rate = standings.find(|standing| standing.limit == Standing::RATE)?;
        let Standing { limit: _, max, window_ms, remaining, more_in_ms: _ } = rate;
        Some(Self { max, window_ms, left: remaining })
    }
}

impl VerifiedKey {
    /// Converts a key that was accepted under `policy` by the secret `presented`, with its standings against its limits.
    pub(super) fn of(
        key: &ApiKey,
        presented: &PlainKey,
        policy: &Policy,
        standings: impl Iterator<Item = Standing>,
    ) -> Self {
        let details = &*key.details;
        let configuration = policy.resolve(&details.config_id);
        Self {
            id: details.id.clone(),
            config_id: details.config_id.clone(),
            name: details.name.clone(),
            owner: details.owner.clone(),
            permissions: details.permissions.clone(),
            wildcards: configuration.is_ok_and(|configuration| configuration.wildcards),
            metadata: details.metadata.clone(),
            remaining: key.usage.remaining,
            rate_limit: RateLimitLeft::of(standings),
            former_secret_ends_at: key.former_secret_ends_at(presented),
        }
    }
}

impl FromRequest for VerifiedKey {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Admission::of(&request).await?.into_verified() })
    }
}
