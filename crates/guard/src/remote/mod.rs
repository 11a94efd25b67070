mod wire;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use keymint_domain::server_key::ServerKeyText;
use keymint_domain::verify::Refusal;
use keymint_service::VerifyKey;
use reqwest::{Client, ClientBuilder, Response, redirect};
use serde_json::Value;

use crate::{VerifiedKey, Verifier, VerifierError};
use wire::{VerdictWire, body};

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
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(VerifierError::unavailable)?;
        let verdict = serde_json::from_slice::<VerdictWire>(&body).ok();
        let verdict = verdict.and_then(|verdict| verdict.parse(&headers, self.options.wildcards));
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
