use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use keymint_domain::server_key::ServerKeyText;
use keymint_domain::usage::Standing;
use keymint_domain::verify::{Cost, Refusal};
use keymint_domain::{ConfigId, ErrorCode, KeyId, Metadata, OwnerId, Permissions};
use keymint_service::VerifyKey;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, ClientBuilder, Response, StatusCode, redirect};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sfv::ListEntry;

use super::verified_key::RateLimitLeft;
use super::{VerifiedKey, Verifier, VerifierError};

/// Keys are checked by a Keymint elsewhere, by its `POST /api-key/verify`.
///
/// Only a connection that could not be made is tried again: a request that was sent may have been paid. Redirects are
/// not followed, and the environment's proxies are not used, since the requests carry keys. `https` needs the feature
/// `remote-tls`, or a TLS feature of reqwest 0.13 that the application enables.
pub struct Remote {
    client: Client,
    url: reqwest::Url,
    options: RemoteOptions,
}

/// How long a remote Keymint may take.
#[derive(Debug, Clone, Copy)]
pub struct RemoteOptions {
    /// Time for an answer, with all tries.
    pub deadline: Duration,
    /// How often a connection that could not be made is tried again.
    pub retries: u32,
    /// Time before the first of these tries; each further one waits twice as long.
    pub pause: Duration,
    /// `wildcards` of the configurations there, for guards that stand within others: they judge what the first one found.
    pub wildcards: bool,
}

impl Default for RemoteOptions {
    /// 2 s, two retries, the first after 50 ms; wildcards.
    fn default() -> Self {
        Self { deadline: Duration::from_secs(2), retries: 2, pause: Duration::from_millis(50), wildcards: true }
    }
}

/// Why there can be no such client.
#[derive(Debug, thiserror::Error)]
pub enum InvalidRemote {
    /// The address is none.
    #[error("the address must be http or https, with a host and without user, query and fragment")]
    Url,
    /// The server key is none.
    #[error("the server key must be 32 or more printable ASCII characters")]
    ServerKey,
    /// The root certificates are none.
    #[error("the root certificates must be one or more certificates as PEM")]
    Roots,
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

impl Remote {
    /// A client of the Keymint at `base_url`, which ends with its `server.base_path`:
    /// `https://keys.example.com/api/auth`. The server key is one of `keymint server-key create`.
    pub fn new(base_url: &str, server_key: &str, options: RemoteOptions) -> Result<Self, InvalidRemote> {
        Self::by(Client::builder(), base_url, server_key, options)
    }

    /// The same, for a Keymint whose certificate no authority of the system's has issued: it is trusted where one of
    /// `roots` has, which are certificates as PEM. No other is.
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

    /// Sends the request, again where no connection came about.
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
        // The error's address is the server's, and its text holds neither a key nor a body.
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

/// What is asked for, without what goes without saying.
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

/// A verdict as it comes over the wire (docs/better-auth-wire.md 7.6).
#[derive(Deserialize)]
struct VerdictWire {
    valid: bool,
    error: Option<RefusalWire>,
    key: Option<KeyWire>,
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

/// What `RateLimit` says is left of the key's rate limit; `None` = it has none.
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
        if self.valid { self.key?.parse(left, wildcards).map(Ok) } else { Some(Err(self.error?.parse())) }
    }
}

impl RefusalWire {
    /// A code of a later Keymint is a refusal as well.
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
        })
    }
}
