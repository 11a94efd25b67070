use keymint_domain::key::PlainKey;
use keymint_domain::usage::Standing;
use keymint_domain::{ApiKey, ConfigId, KeyId, Metadata, OwnerId, Permissions, Policy, Timestamp};

/// The verified key of a request: its owner, its id, its permissions, and its remaining uses.
///
/// It is never an unverified key; routes that work without a verification take an [`Admission`](crate::Admission).
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
    /// The state after this call of each limit that has a window: the rate limit, and the quota if it is refilled. A remote
    /// Keymint tells it as its `rate_limit_headers` allow: in seconds, or not at all.
    pub limits: Vec<Standing>,
    /// The instant at which the presented secret ends, if a rotation has replaced it; `None` = it is not a former one.
    pub former_secret_ends_at: Option<Timestamp>,
}

impl VerifiedKey {
    /// Returns true if the key grants every action of every resource in `asked`.
    pub fn grants(&self, asked: &Permissions) -> bool {
        self.missing(asked).is_none()
    }

    /// Returns the state of the rate limit after this call; `None` = there is none, or a remote Keymint does not tell it.
    pub fn rate_limit(&self) -> Option<Standing> {
        self.limits.iter().copied().find(|standing| standing.limit == Standing::RATE)
    }

    /// Returns the actions in `asked` that the key does not grant; `None` = it grants all.
    pub fn missing(&self, asked: &Permissions) -> Option<Permissions> {
        asked.lacking_in(self.permissions.as_ref(), self.wildcards)
    }
}

impl VerifiedKey {
    /// Converts a key that was accepted under `policy` by the secret `presented`, with its standings against its limits.
    pub(crate) fn of(
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
            limits: standings.collect(),
            former_secret_ends_at: key.former_secret_ends_at(presented),
        }
    }
}
