//! Keys, with Better Auth's members in its order (docs/better-auth-wire.md 7).

use keymint_domain::address::Networks;
use keymint_domain::event::Actor;
use keymint_domain::key::{FormerSecret, Minted, PendingSecret, Rotation, RotationStage, Wait};
use keymint_domain::listing::{Page, Total, Unreadable};
use keymint_domain::{ApiKey, KeyId, Policy};
use keymint_service::Caller;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{Iso, raw};

/// A key without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub struct KeyView<'a> {
    /// The id of the key; not a secret.
    id: &'a str,
    /// The key's configuration.
    config_id: &'a str,
    /// For people.
    #[schema(required)]
    name: Option<&'a str>,
    /// The first characters of the key, prefix included.
    #[schema(required)]
    start: Option<&'a str>,
    /// The id of the owner: a user or an organization.
    reference_id: &'a str,
    /// The text that the key begins with.
    #[schema(required)]
    prefix: Option<&'a str>,
    /// Milliseconds between refills of the quota.
    #[schema(required)]
    refill_interval: Option<u64>,
    /// Uses after a refill; the rest before it is lost.
    #[schema(required)]
    refill_amount: Option<u64>,
    /// The last refill.
    #[schema(required)]
    last_refill_at: Option<Iso>,
    /// False if the key is disabled.
    enabled: bool,
    /// True if the key is rate limited.
    rate_limit_enabled: bool,
    /// The window of the rate limit in milliseconds.
    #[schema(required)]
    rate_limit_time_window: Option<u64>,
    /// Uses per window.
    #[schema(required)]
    rate_limit_max: Option<u64>,
    /// Uses that count against the rate limit as of `lastRequest`.
    request_count: u64,
    /// Uses that the quota still allows; null is no quota.
    #[schema(required)]
    remaining: Option<u64>,
    /// The last accepted use; to the minute for a key without quota and limit.
    #[schema(required)]
    last_request: Option<Iso>,
    /// The last instant at which the key is valid; null never expires.
    #[schema(required)]
    expires_at: Option<Iso>,
    created_at: Iso,
    /// The last change, by a use, by an update or by a revocation.
    updated_at: Iso,
    /// Actions by resource.
    #[schema(required, value_type = Option<BTreeMap<String, Vec<String>>>)]
    permissions: Option<&'a RawValue>,
    /// The attached JSON object.
    #[schema(required, value_type = Value)]
    metadata: Option<&'a RawValue>,
    /// From where alone it may be used, as CIDRs; absent where that is everywhere. Not among Better Auth's members, so that
    /// it is there only where there is something to say; likewise what follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    allowed_addresses: Option<Vec<String>>,
    /// Networks (CIDR) that may not use the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    denied_addresses: Option<Vec<String>>,
    /// The instant of the revocation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    revoked_at: Option<Iso>,
    /// The actor of the revocation: `server`, or `user:` and the user's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    revoked_by: Option<String>,
    /// The calendar that refills the quota, in the place of an interval; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    refill: Option<CalendarView>,
    /// The maker of the key, in `get`, `list`, `revoke` and `restore`: `user:` or `key_session:` and the user's id, `server`, or `cli`. For
    /// servers also `server_key:` and `cli:` with an id or a name. Absent if it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    created_by: Option<String>,
    /// The rotation of the secret under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    rotation: Option<RotationView<'a>>,
    /// The instant at which the secret in use took the place of another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    rotated_at: Option<Iso>,
    /// The instant at which the secret is due for rotation, where the configuration says how old it may become.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    rotation_due_at: Option<Iso>,
}

/// A rotation under way: the key has two valid secrets.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeyRotation)]
struct RotationView<'a> {
    /// `pending`: the new secret waits for its first use. `grace`: it is in use, and the former one is still valid.
    stage: &'static str,
    /// Of `pending`: the first characters of the new secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    start: Option<&'a str>,
    /// Of `pending`: the instant at which the new secret was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    since: Option<Iso>,
    /// Of `pending`: the instant at which an unused new secret ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cancelled_at: Option<Iso>,
    /// Of `pending`: the instant at which the secret in use ends, even if the new one was not used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    deadline: Option<Iso>,
    /// Of `pending`: the seconds after the first use of the new secret for which the former one stays valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    grace_seconds: Option<u64>,
    /// Of `grace`: the instant at which the former secret ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    former_secret_ends_at: Option<Iso>,
    /// Of `grace`: the last use of the former secret since the new one is in use, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    former_secret_used_at: Option<Iso>,
}

impl<'a> From<&'a Rotation> for RotationView<'a> {
    fn from(rotation: &'a Rotation) -> Self {
        let Rotation { second: _, stage } = rotation;
        let none = Self {
            stage: "",
            start: None,
            since: None,
            cancelled_at: None,
            deadline: None,
            grace_seconds: None,
            former_secret_ends_at: None,
            former_secret_used_at: None,
        };
        match stage {
            RotationStage::Pending(PendingSecret { start, since, wait, grace_ms }) => {
                let (cancelled_at, deadline) = match wait {
                    Wait::CancelsAt(at) => (Some(Iso(*at)), None),
                    Wait::CutsAt(at) => (None, Some(Iso(*at))),
                };
                Self {
                    stage: "pending",
                    start: start.as_deref(),
                    since: Some(Iso(*since)),
                    cancelled_at,
                    deadline,
                    grace_seconds: Some(grace_ms / 1000),
                    ..none
                }
            }
            RotationStage::Grace(FormerSecret { ends_at, used_at }) => Self {
                stage: "grace",
                former_secret_ends_at: Some(Iso(*ends_at)),
                former_secret_used_at: used_at.map(Iso),
                ..none
            },
        }
    }
}

/// A period of the calendar on whose borders a quota is refilled.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RefillCalendar)]
struct CalendarView {
    /// `day`, `week` (from Monday) or `month`.
    every: &'static str,
    /// The time zone.
    at: &'static str,
}

/// The reader of a key, who decides what is told of its creator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// A server, an operator, or the command line.
    Server,
    /// Anybody else who may see the key.
    User,
}

impl From<&Caller> for Reader {
    fn from(caller: &Caller) -> Self {
        if caller.manages_all() { Self::Server } else { Self::User }
    }
}

impl<'a> KeyView<'a> {
    /// Shows a key in full to `reader`: also who made it, and the instant at which its secret is due for rotation.
    pub fn in_full(key: &'a ApiKey, reader: Reader, policy: &Policy) -> Self {
        Self::from(key).with_creator(key, reader).with_rotation_due(key, policy)
    }

    /// Adds who made `key`, which this shows.
    #[must_use]
    pub fn with_creator(self, key: &ApiKey, reader: Reader) -> Self {
        let text = |actor: &Actor| match reader {
            Reader::Server => actor.to_string(),
            Reader::User => actor.outline(),
        };
        Self { created_by: key.details.created_by.as_ref().map(text), ..self }
    }

    /// Adds the instant at which the secret of `key`, which this shows, is due for rotation.
    #[must_use]
    pub fn with_rotation_due(self, key: &ApiKey, policy: &Policy) -> Self {
        let configuration = policy.resolve(&key.details.config_id).ok();
        Self { rotation_due_at: configuration.and_then(|found| found.rotation_due_at(key)).map(Iso), ..self }
    }
}

impl<'a> From<&'a ApiKey> for KeyView<'a> {
    fn from(key: &'a ApiKey) -> Self {
        let (details, usage) = (&*key.details, &key.usage);
        Self {
            id: details.id.as_str(),
            config_id: details.config_id.as_str(),
            name: details.name.as_deref(),
            start: details.start.as_deref(),
            reference_id: details.owner.as_str(),
            prefix: details.prefix.as_deref(),
            refill_interval: details.refill_interval_ms,
            refill_amount: details.refill_amount,
            last_refill_at: usage.last_refill_at.map(Iso),
            // Another writer of the row may have enabled it again, which changes nothing.
            enabled: details.enabled && details.revocation.is_none(),
            rate_limit_enabled: details.rate_limit_enabled,
            rate_limit_time_window: details.rate_limit_window_ms,
            rate_limit_max: details.rate_limit_max,
            request_count: usage.request_count,
            remaining: usage.remaining,
            last_request: usage.last_request.map(Iso),
            expires_at: details.expires_at.map(Iso),
            created_at: Iso(details.created_at),
            updated_at: Iso(usage.updated_at),
            permissions: details.permissions.as_ref().and_then(|permissions| raw(permissions.as_json())),
            metadata: details.metadata.as_ref().and_then(|metadata| raw(metadata.as_json())),
            allowed_addresses: texts(&details.addresses.allowed),
            denied_addresses: texts(&details.addresses.denied),
            revoked_at: details.revocation.as_ref().map(|revocation| Iso(revocation.at)),
            revoked_by: details.revocation.as_ref().map(|revocation| revocation.by.to_string()),
            refill: details.refill_every.map(|every| CalendarView { every: every.as_str(), at: "UTC" }),
            created_by: None,
            rotation: details.rotation.as_deref().map(RotationView::from),
            rotated_at: details.rotated_at.map(Iso),
            rotation_due_at: None,
        }
    }
}

/// A new key: the only answer that holds its text.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
pub struct CreatedView<'a> {
    #[serde(flatten)]
    key: KeyView<'a>,
    /// The key's text, which its holder presents.
    #[serde(rename = "key", serialize_with = "expose")]
    #[schema(value_type = String)]
    plain: &'a Minted,
}

impl<'a> CreatedView<'a> {
    /// Shows a key with the text of its new secret.
    pub fn new(minted: &'a Minted, policy: &Policy) -> Self {
        Self { key: KeyView::from(&minted.key).with_rotation_due(&minted.key, policy), plain: minted }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
fn expose<S: Serializer>(minted: &&Minted, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(minted.plain.expose())
}

/// A key whose row is unreadable.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnreadableApiKey)]
pub struct UnreadableView<'a> {
    /// The id of the key; null if it is unreadable too.
    #[schema(required)]
    id: Option<&'a str>,
    /// The first column with an unreadable value.
    column: &'a str,
}

impl<'a> From<&'a Unreadable> for UnreadableView<'a> {
    fn from(Unreadable { id, column }: &'a Unreadable) -> Self {
        Self { id: id.as_ref().map(KeyId::as_str), column }
    }
}

/// A page of keys (docs/better-auth-wire.md 7.3); `limit` and `offset` are there where the request had them.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKeyPage, description = "A page of keys, with `limit` and `offset` if the request had them.")]
pub struct PageView<'a> {
    api_keys: Vec<KeyView<'a>>,
    /// Keys of the page whose rows are unreadable; absent if there are none, as with Better Auth.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    unreadable: Vec<UnreadableView<'a>>,
    /// Keys on all pages.
    total: u64,
    /// True if there are more keys than `total`, at which counting has stopped. Absent else, as with Better Auth.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    total_is_minimum: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    offset: Option<u64>,
    /// True where large keys have made the page shorter than was asked for: the next one begins behind its last key.
    /// Absent else, as with Better Auth.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    truncated: bool,
}

impl<'a> PageView<'a> {
    /// Shows `page` to `reader`, with the limit and the offset of the request.
    pub fn new(page: &'a Page, limit: Option<u32>, offset: Option<u64>, reader: Reader, policy: &Policy) -> Self {
        Self {
            api_keys: page.keys.iter().map(|key| KeyView::in_full(key, reader, policy)).collect(),
            unreadable: page.unreadable.iter().map(UnreadableView::from).collect(),
            total: page.total.at_least(),
            total_is_minimum: matches!(page.total, Total::MoreThan(_)),
            limit,
            offset,
            truncated: page.is_cut,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// Returns a list of networks, if there are any.
fn texts(networks: &Networks) -> Option<Vec<String>> {
    (!networks.is_empty()).then(|| networks.texts().collect())
}
