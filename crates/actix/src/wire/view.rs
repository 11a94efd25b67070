//! Answers, with Better Auth's members in its order (wire document 7).

use keymint_domain::ApiKey;
use keymint_domain::address::Networks;
use keymint_domain::key::Minted;
use keymint_domain::listing::Page;
use keymint_domain::verify::Verdict;
use keymint_service::Validated;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::iso::Iso;
use super::refusal::RefusalView;
use super::{UserView, raw};

/// A key without its secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyView<'a> {
    id: &'a str,
    config_id: &'a str,
    name: Option<&'a str>,
    start: Option<&'a str>,
    reference_id: &'a str,
    prefix: Option<&'a str>,
    refill_interval: Option<u64>,
    refill_amount: Option<u64>,
    last_refill_at: Option<Iso>,
    enabled: bool,
    rate_limit_enabled: bool,
    rate_limit_time_window: Option<u64>,
    rate_limit_max: Option<u64>,
    request_count: u64,
    remaining: Option<u64>,
    last_request: Option<Iso>,
    expires_at: Option<Iso>,
    created_at: Iso,
    updated_at: Iso,
    permissions: Option<&'a RawValue>,
    metadata: Option<&'a RawValue>,
    /// Not among Better Auth's members, so that it is there only where there is something to say; likewise what follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_addresses: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    denied_addresses: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<Iso>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_by: Option<String>,
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
        }
    }
}

/// A new key: the only answer that holds its text.
#[derive(Debug, Serialize)]
pub struct CreatedView<'a> {
    #[serde(flatten)]
    key: KeyView<'a>,
    #[serde(rename = "key", serialize_with = "expose")]
    plain: &'a Minted,
}

impl<'a> From<&'a Minted> for CreatedView<'a> {
    fn from(minted: &'a Minted) -> Self {
        Self { key: KeyView::from(&minted.key), plain: minted }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
fn expose<S: Serializer>(minted: &&Minted, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(minted.plain.expose())
}

/// A verdict (wire document 7.6).
#[derive(Debug, Serialize)]
pub struct VerdictView<'a> {
    valid: bool,
    error: Option<RefusalView<'a>>,
    key: Option<KeyView<'a>>,
}

impl<'a> From<&'a Verdict> for VerdictView<'a> {
    fn from(verdict: &'a Verdict) -> Self {
        match verdict {
            Verdict::Accepted(key) => Self { valid: true, error: None, key: Some(KeyView::from(key)) },
            Verdict::Refused(refusal) => Self { valid: false, error: Some(RefusalView::from(refusal)), key: None },
        }
    }
}

/// A key that may be used, and its owner.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ValidatedView<'a> {
    user: Option<UserView<'a>>,
    api_key: KeyView<'a>,
}

impl<'a> From<&'a Validated> for ValidatedView<'a> {
    fn from(validated: &'a Validated) -> Self {
        Self { user: validated.user.as_ref().map(UserView::from), api_key: KeyView::from(&validated.key) }
    }
}

/// A page of keys (wire document 7.3); `limit` and `offset` are there where the request had them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PageView<'a> {
    api_keys: Vec<KeyView<'a>>,
    total: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<u64>,
}

impl<'a> PageView<'a> {
    /// Shows `page`, and what the request asked for.
    pub fn new(page: &'a Page, limit: Option<u32>, offset: Option<u64>) -> Self {
        Self { api_keys: page.keys.iter().map(KeyView::from).collect(), total: page.total, limit, offset }
    }
}

/// A list of networks, where there are any.
fn texts(networks: &Networks) -> Option<Vec<String>> {
    (!networks.is_empty()).then(|| networks.texts().collect())
}
