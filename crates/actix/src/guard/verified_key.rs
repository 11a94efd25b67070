use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use keymint_domain::usage::Standing;
use keymint_domain::{ApiKey, ConfigId, KeyId, Metadata, OwnerId, Permissions, Policy};

use super::Admission;
use crate::ApiError;

/// The key of a request, after its verification: whose it is, which one, what it grants, and what is left of it.
///
/// As an argument of a handler it refuses requests without a valid key. Where no guard has looked at the key before, it
/// verifies it at cost 1, and asks for no permission. It never stands for a key that nobody has verified: see
/// [`Admission`] for routes that work without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedKey {
    /// The key's id; not a secret.
    pub id: KeyId,
    /// The configuration it was made under.
    pub config_id: ConfigId,
    /// A name for people.
    pub name: Option<String>,
    /// Who it belongs to: a user, an organization, or an id that only its maker knows.
    pub owner: OwnerId,
    /// What it may be used for; `None` = nothing that asks for a permission.
    pub permissions: Option<Permissions>,
    /// Whether a `*` among the permissions is a wildcard; `false` = a name, as its configuration says.
    pub wildcards: bool,
    /// What its owner attached to it.
    pub metadata: Option<Metadata>,
    /// Calls that its quota has left after this one; `None` = any number.
    pub remaining: Option<u64>,
    /// What its rate limit has left after this call; `None` = it has none.
    pub rate_limit: Option<RateLimitLeft>,
}

/// What a key's rate limit has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimitLeft {
    /// Calls in a window.
    pub max: u64,
    /// The window in milliseconds.
    pub window_ms: u64,
    /// Calls that are left now.
    pub left: u64,
}

impl VerifiedKey {
    /// Whether it grants every action of every resource in `asked`.
    pub fn grants(&self, asked: &Permissions) -> bool {
        self.missing(asked).is_none()
    }

    /// What of `asked` it does not grant; `None` = nothing.
    pub fn missing(&self, asked: &Permissions) -> Option<Permissions> {
        asked.lacking_in(self.permissions.as_ref(), self.wildcards)
    }
}

impl RateLimitLeft {
    /// Of a key that stands so; `None` = it has no rate limit.
    fn of(mut standings: impl Iterator<Item = Standing>) -> Option<Self> {
        let rate = standings.find(|standing| standing.limit == Standing::RATE)?;
        let Standing { limit: _, max, window_ms, remaining, more_in_ms: _ } = rate;
        Some(Self { max, window_ms, left: remaining })
    }
}

impl VerifiedKey {
    /// A key that was accepted under `policy`, and how it stands against its limits.
    pub(super) fn of(key: &ApiKey, policy: &Policy, standings: impl Iterator<Item = Standing>) -> Self {
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
