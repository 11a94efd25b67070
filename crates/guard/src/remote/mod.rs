mod wire;

use std::error::Error;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use keymint_domain::server_key::ServerKeyText;
use keymint_domain::verify::Refusal;
use keymint_http_client::{Bytes, CallError, HttpClient, Trust, TrustError, parse_base};
use keymint_service::VerifyKey;

use crate::{VerifiedKey, Verifier, VerifierError};
use wire::{VerdictWire, body};

/// Verifies keys with a remote Keymint, by its `POST /api-key/verify`.
///
/// Only failed connection attempts are retried: a request that was sent may have been charged. Redirects and the
/// environment's proxies are not followed, because the requests carry keys. For https no `CryptoProvider` of the process is
/// needed, and none is installed.
pub struct Remote {
    client: HttpClient,
    url: Uri,
    bearer: HeaderValue,
    options: RemoteOptions,
}

/// The largest answer that is read: metadata and permissions fit many times.
const ANSWER_BYTES: usize = 4 << 20;

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
    /// Certificates cannot be verified: the operating system has no roots.
    #[error("certificates cannot be verified")]
    Tls(#[source] Box<dyn Error + Send + Sync>),
}

impl Remote {
    /// Makes a client of the Keymint at `base_url`, which ends with its `server.base_path`:
    /// `https://keys.example.com/api/auth`. `keymint server-key create` makes a server key.
    ///
    /// # Errors
    ///
    /// Returns an error for an invalid address or server key, and if the address is https and the operating system has no
    /// root certificates.
    pub fn new(base_url: &str, server_key: &str, options: RemoteOptions) -> Result<Self, InvalidRemote> {
        Self::by(Trust::System, base_url, server_key, options)
    }

    /// Makes a client that trusts only certificates issued by one of `roots`, which are certificates as PEM.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Remote::new`], and [`InvalidRemote::Roots`].
    pub fn trusting(
        roots: &[u8],
        base_url: &str,
        server_key: &str,
        options: RemoteOptions,
    ) -> Result<Self, InvalidRemote> {
        let trust = Trust::from_pem(roots).map_err(|_| InvalidRemote::Roots)?;
        Self::by(trust, base_url, server_key, options)
    }

    fn by(trust: Trust, base_url: &str, server_key: &str, options: RemoteOptions) -> Result<Self, InvalidRemote> {
        let base = parse_base(base_url).ok_or(InvalidRemote::Url)?;
        let url = format!("{}/api-key/verify", base.as_str().trim_end_matches('/'));
        let url = Uri::try_from(url).map_err(|_| InvalidRemote::Url)?;
        ServerKeyText::parse(server_key).map_err(|_| InvalidRemote::ServerKey)?;
        let bearer = HeaderValue::from_str(&format!("Bearer {server_key}"));
        let mut bearer = bearer.map_err(|_| InvalidRemote::ServerKey)?;
        bearer.set_sensitive(true);
        let client = HttpClient::builder(options.deadline).trusting(trust).build();
        let client = client.map_err(|error: TrustError| InvalidRemote::Tls(error.into()))?;
        match client.missing_roots().filter(|_| base.scheme() == "https") {
            Some(error) => Err(InvalidRemote::Tls(error.clone().into())),
            None => Ok(Self { client, url, bearer, options }),
        }
    }

    /// Sends the request, and retries failed connection attempts.
    async fn send(&self, body: &Bytes) -> Result<Response<Bytes>, CallError> {
        let mut pause = self.options.pause;
        let mut retries = self.options.retries;
        loop {
            match self.client.exchange(self.request(body.clone()), ANSWER_BYTES).await {
                Err(error) if error.is_no_connection() && retries > 0 => {
                    tokio::time::sleep(pause).await;
                    pause = pause.saturating_mul(2);
                    retries -= 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn request(&self, body: Bytes) -> Request<Bytes> {
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        request.uri_mut().clone_from(&self.url);
        request.headers_mut().insert(AUTHORIZATION, self.bearer.clone());
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request
    }

    async fn ask(&self, body: &Bytes) -> Result<Result<VerifiedKey, Refusal>, VerifierError> {
        // The error contains the server's address, but neither a key nor a body.
        let response = self.send(body).await.map_err(VerifierError::unavailable)?;
        let status = response.status();
        if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
            return Err(VerifierError::unavailable(format!("Keymint answered {status}")));
        }
        if status != StatusCode::OK {
            return Err(VerifierError::failed(format!("Keymint answered {status}: see base URL and server key")));
        }
        let verdict = serde_json::from_slice::<VerdictWire>(response.body()).ok();
        let verdict = verdict.and_then(|verdict| verdict.parse(response.headers(), self.options.wildcards));
        verdict.ok_or_else(|| VerifierError::failed("Keymint's answer is no verdict"))
    }
}

#[async_trait]
impl Verifier for Remote {
    async fn verify(&self, request: VerifyKey) -> Result<Result<VerifiedKey, Refusal>, VerifierError> {
        let body = Bytes::from(body(&request).to_string());
        match tokio::time::timeout(self.options.deadline, self.ask(&body)).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(VerifierError::unavailable(elapsed)),
        }
    }
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote")
            .field("url", &format_args!("{}", self.url))
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
