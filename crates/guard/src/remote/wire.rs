use http::HeaderMap;
use keymint_domain::usage::Standing;
use keymint_domain::verify::{Cost, Refusal};
use keymint_domain::{ConfigId, ErrorCode, KeyId, Metadata, OwnerId, Permissions, Timestamp};
use keymint_service::VerifyKey;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::denied::Details;
use crate::{LimitFields, VerifiedKey};

/// Returns the body of a request, without members that have their default.
pub(super) fn body(request: &VerifyKey) -> Value {
    let mut body = json!({ "key": request.key.expose() });
    if let Some(config_id) = &request.config_id {
        body["configId"] = config_id.as_str().into();
    }
    if let Some(permissions) = &request.permissions {
        body["permissions"] = serde_json::from_str(permissions.as_json()).unwrap_or_default();
    }
    if request.cost != Cost::default() {
        body["cost"] = request.cost.0.into();
    }
    if let Some(client_ip) = request.client_ip {
        body["clientIp"] = client_ip.to_string().into();
    }
    body
}

/// A verdict on the wire (docs/better-auth-wire.md 7.6).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VerdictWire {
    valid: bool,
    error: Option<RefusalWire>,
    key: Option<KeyWire>,
    /// Only of a secret that a rotation has replaced.
    former_secret_ends_at: Option<String>,
}

#[derive(Deserialize)]
struct RefusalWire {
    code: String,
    details: Option<Details>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyWire {
    id: String,
    config_id: String,
    name: Option<String>,
    reference_id: String,
    rate_limit_enabled: bool,
    rate_limit_time_window: Option<u64>,
    rate_limit_max: Option<u64>,
    remaining: Option<u64>,
    permissions: Option<Value>,
    metadata: Option<Box<RawValue>>,
}

impl VerdictWire {
    /// Reads the verdict, and how the key stands against its limits from the headers beside it.
    pub(super) fn parse(self, headers: &HeaderMap, wildcards: bool) -> Option<Result<VerifiedKey, Refusal>> {
        if !self.valid {
            return Some(Err(self.error?.parse(headers)));
        }
        let former_secret_ends_at = match self.former_secret_ends_at {
            Some(at) => Some(Timestamp::parse(&at).ok()?),
            None => None,
        };
        Some(Ok(VerifiedKey { former_secret_ends_at, ..self.key?.parse(headers, wildcards)? }))
    }
}

impl RefusalWire {
    /// Converts the refusal. An unknown code, of a later Keymint, is a refusal too.
    fn parse(self, headers: &HeaderMap) -> Refusal {
        let known = ErrorCode::ALL.iter().find(|code| code.as_str() == self.code);
        let code = known.copied().unwrap_or(ErrorCode::InvalidApiKey);
        let Details { try_again_in, missing } = self.details.unwrap_or_default();
        let missing = missing.and_then(|missing| Permissions::from_json(&missing).ok());
        let refusing = if code == ErrorCode::UsageExceeded { Standing::QUOTA } else { Standing::RATE };
        let standings = LimitFields::read(headers, |_| refusing);
        Refusal { retry_in_ms: try_again_in, missing, standings, ..Refusal::of_unknown(code) }
    }
}

impl KeyWire {
    fn parse(self, headers: &HeaderMap, wildcards: bool) -> Option<VerifiedKey> {
        let limits = self.limits(headers);
        Some(VerifiedKey {
            id: KeyId::parse(self.id).ok()?,
            config_id: ConfigId::parse(self.config_id).ok()?,
            name: self.name,
            owner: OwnerId::from_stored(&self.reference_id).ok()?,
            permissions: match self.permissions {
                Some(permissions) => Some(Permissions::from_json(&permissions).ok()?),
                None => None,
            },
            wildcards,
            metadata: match self.metadata {
                Some(metadata) => Metadata::from_stored(metadata.get()).ok()?,
                None => None,
            },
            remaining: self.remaining,
            limits,
            former_secret_ends_at: None,
        })
    }

    /// Returns the state of the limits. The window of the rate limit is known to the millisecond.
    fn limits(&self, headers: &HeaderMap) -> Vec<Standing> {
        let rate = self.rate_limit_max.filter(|_| self.rate_limit_enabled).zip(self.rate_limit_time_window);
        let is_rate = |max| rate.is_some_and(|(rate, _)| rate == max);
        let name_of = |max| if is_rate(max) { Standing::RATE } else { Standing::QUOTA };
        let mut limits = LimitFields::read(headers, name_of);
        for limit in limits.iter_mut().filter(|limit| limit.limit == Standing::RATE) {
            limit.window_ms = rate.map_or(limit.window_ms, |(_, window_ms)| window_ms);
        }
        limits
    }
}
