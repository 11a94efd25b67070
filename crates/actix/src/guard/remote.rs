use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use keymint_domain::server_key::ServerKeyText;
use keymint_domain::usage::Standing;
use keymint_domain::verify::{Cost, Refusal};
use keymint_domain::{ConfigId, ErrorCode, KeyId, Metadata, OwnerId, Permissions, Timestamp};
use keymint_service::VerifyKey;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, ClientBuilder, Response, StatusCode, redirect};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sfv::ListEntry;

use super::verified_key::RateLimitLeft;
use super::{VerifiedKey, Verifier, VerifierError};

/// Verifies keys with a remote Keymint, by its `POST /api-key/verify`.
///
/// Only failed connection attempts are retried: a request that was sent may have been charged. Redirects and the
/// environment's proxies are not followed, because the requests carry keys. `https` needs the feature `remote-tls`, or
/// a TLS feature of reqwest 0.13 that the application enables.
pub struct Remote {
    client: Client,
    url: reqwest::Url,
    options: RemoteOptions,
}

/// Timeout and retries of a remote Keymint.
#[derive(Debug, Clone, Copy)]
pub struct RemoteOptions {
    /// The timeout of an answer, with all retries.
    pub deadline: Duration,
    /// The number of retries of a failed connection attempt.
    pub retries: u32,
    /// The pause before the first retry. It doubles with each further one.
    pub pause: Duration,
    /// `wildcards` of the remote configurations, for nested guards: they judge the result of the first one.
    pub wildcards: bool,
}

impl Default for RemoteOptions {
    /// Returns a timeout of 2 s, two retries with a first pause of 50 ms, and wildcards.
    fn default() -> Self {
        Self { deadline: Duration::from_secs(2), retries: 2, pause: Duration::from_millis(50), wildcards: true }
    }
}

/// The reason why a [`Remote`] cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRemote {
    /// The address is invalid.
    #[error("the address must be http or https, with a host and without user, query and fragment")]
    Url,
    /// The server key is invalid.
    #[error("the server key must be 32 or more printable ASCII characters")]
    ServerKey,
    /// The root certificates are invalid.
    #[error("the root certificates must be one or more certificates as PEM")]
    Roots,
    /// The HTTP client fails to build.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

impl Remote {
    /// Makes a client of the Keymint at `base_url`, which ends with its `server.base_path`:
    /// `https://keys.example.com/api/auth`. `keymint server-key create` makes a server key.
    ///
    /// # Errors
    ///
    /// Returns an error for an invalid address or server key, and if the HTTP client fails to build.
    pub fn new(base_url: &str, server_key: &str, options: RemoteOptions) -> Result<Self, InvalidRemote> {
        Self::by(Client::builder(), base_url, server_key, options)
    }

    /// Makes a client that trusts only certificates issued by one of `roots`, which are certificates as PEM.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Remote::new`], and [`InvalidRemote::Roots`].
    #[cfg(feature = "remote-tls")]
    pub fn trusting(
        roots: &[u8],
        base_url: &str,
        server_key: &str,
        options: RemoteOptions,
    ) -> Result<Self, InvalidRemote> {
        let roots = reqwest::Certificate::from_pem_bundle(roots).map_err(|_| InvalidRemote::Roots)?;
        if roots.is_empty() {
            return Err(InvalidRemote::Roots);
        }
        Self::by(Client::builder().tls_certs_only(roots), base_url, server_key, options)
    }

    fn by(
        client: ClientBuilder,
        base_url: &str,
        server_key: &str,
        options: RemoteOptions,
    ) -> Result<Self, InvalidRemote> {
        let url = format!("{}/api-key/verify", base_url.trim_end_matches('/'));
        let url = reqwest::Url::parse(&url).map_err(|_| InvalidRemote::Url)?;
        let is_plain = url.username().is_empty() && url.password().is_none();
        let is_base = url.query().is_none() && url.fragment().is_none() && url.has_host();
        if !is_plain || !is_base || !matches!(url.scheme(), "http" | "https") {
            return Err(InvalidRemote::Url);
        }
        ServerKeyText::parse(server_key).map_err(|_| InvalidRemote::ServerKey)?;
        let bearer = HeaderValue::from_str(&format!("Bearer {server_key}"));
        let mut bearer = bearer.map_err(|_| InvalidRemote::ServerKey)?;
        bearer.set_sensitive(true);
        let client = client
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
            .redirect(redirect::Policy::none())
            .no_proxy()
            .build()
            .map_err(InvalidRemote::Client)?;
        Ok(Self { client, url, options })
    }

    /// Sends the request, and retries failed connection attempts.
    async fn send(&self, body: &Value) -> Result<Response, reqwest::Error> {
        let mut pause = self.options.pause;
        let mut retries = self.options.retries;
        loop {
            match self.client.post(self.url.clone()).json(body).send().await {
                Err(error) if error.is_connect() && retries > 0 => {
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2);
                    retries -= 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn ask(&self, body: &Value) -> Result<Result<VerifiedKey, Refusal>, VerifierError> {
        // The error contains the server's address, but neither a key nor a body.
        let response = self.send(body).await.map_err(VerifierError::unavailable)?;
        let status = response.status();
        if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
            return Err(VerifierError::unavailable(format!("Keymint answered {status}")));
        }
        if status != StatusCode::OK {
            return Err(VerifierError::failed(format!("Keymint answered {status}: see base URL and server key")));
        }
        let left = rate_left(response.headers());
        let body = response.bytes().await.map_err(VerifierError::unavailable)?;
        let verdict = serde_json::from_slice::<VerdictWire>(&body).ok();
        let verdict = verdict.and_then(|verdict| verdict.parse(left, self.options.wildcards));
        verdict.ok_or_else(|| VerifierError::failed("Keymint's answer is no verdict"))
    }
}

#[async_trait]
impl Verifier for Remote {
    async fn verify(&self, request: VerifyKey) -> Result<Result<VerifiedKey, Refusal>, VerifierError> {
        let body = body(&request);
        match tokio::time::timeout(self.options.deadline, self.ask(&body)).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(VerifierError::unavailable(elapsed)),
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("url", &self.url.as_str())
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Returns the body of a request, without members that have their default.
fn body(request: &VerifyKey) -> Value {
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
struct VerdictWire {
    valid: bool,
    error: Option<RefusalWire>,
    key: Option<KeyWire>,
    /// Only of a secret that a rotation has replaced.
    former_secret_ends_at: Option<String>,
}

#[derive(Deserialize)]
struct RefusalWire {
    code: String,
    details: Option<DetailsWire>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct DetailsWire {
    try_again_in: Option<u64>,
    missing: Option<Value>,
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

/// Returns the calls that the key's rate limit has left, from `RateLimit`; `None` = it has no rate limit.
fn rate_left(headers: &HeaderMap) -> Option<u64> {
    let limits: sfv::List = sfv::Parser::new(headers.get("ratelimit")?.as_bytes()).parse().ok()?;
    let rate = limits.into_iter().find_map(|entry| match entry {
        ListEntry::Item(item) if item.bare_item.as_string()?.as_str() == Standing::RATE => Some(item),
        _ => None,
    });
    let left = rate?.params.get("r")?.as_integer()?;
    u64::try_from(left).ok()
}

impl VerdictWire {
    fn parse(self, left: Option<u64>, wildcards: bool) -> Option<Result<VerifiedKey, Refusal>> {
        if !self.valid {
            return Some(Err(self.error?.parse()));
        }
        let former_secret_ends_at = match self.former_secret_ends_at {
            Some(at) => Some(Timestamp::parse(&at).ok()?),
            None => None,
        };
        Some(Ok(VerifiedKey { former_secret_ends_at, ..self.key?.parse(left, wildcards)? }))
    }
}

impl RefusalWire {
    /// Converts the refusal. An unknown code, of a later Keymint, is a refusal too.
    fn parse(self) -> Refusal {
        let known = ErrorCode::ALL.iter().find(|code| code.as_str() == self.code);
        let DetailsWire { try_again_in, missing } = self.details.unwrap_or_default();
        let missing = missing.and_then(|missing| Permissions::from_json(&missing).ok());
        Refusal {
            retry_in_ms: try_again_in,
            missing,
            ..Refusal::of_unknown(known.copied().unwrap_or(ErrorCode::InvalidApiKey))
        }
    }
}

impl KeyWire {
    fn parse(self, left: Option<u64>, wildcards: bool) -> Option<VerifiedKey> {
        let window_ms = self.rate_limit_time_window.filter(|window| self.rate_limit_enabled && *window > 0);
        let limit = window_ms.zip(self.rate_limit_max).zip(left);
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
            rate_limit: limit.map(|((window_ms, max), left)| RateLimitLeft { max, window_ms, left }),
            former_secret_ends_at: None,
        })
    }
}
