use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{ACCEPT, ETAG, IF_NONE_MATCH};
use http::{Request, StatusCode};
use keymint_http_client::{Bytes, CallError, HttpClient, TrustError};
use keymint_ports::{FETCH_DEADLINE_MS, FetchFailure, FetchedKeys, GithubKey, GithubKeys};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

use crate::keys;

/// The largest answer that is read.
const ANSWER_BYTES: usize = 256 * 1024;

/// Fetches GitHub's public keys by HTTP.
pub struct HttpGithubKeys {
    client: HttpClient,
    url: Box<str>,
}

/// The error for an HTTP client that cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be made")]
pub struct ClientError(#[from] TrustError);

impl HttpGithubKeys {
    /// Makes a client of the endpoint at `url`. It trusts the operating system's root certificates, and goes through the
    /// proxy that the environment names.
    ///
    /// # Errors
    ///
    /// Returns [`ClientError`] if TLS cannot be set up.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        let client = HttpClient::builder(Duration::from_millis(FETCH_DEADLINE_MS)).through_environment_proxy();
        // Fetches are hours apart.
        let client = client.idle(0).build()?;
        if let Some(error) = client.missing_roots() {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error, "GitHub's keys cannot be fetched: the operating system has no roots");
        }
        Ok(Self { client, url: url.into() })
    }
}

#[async_trait]
impl GithubKeys for HttpGithubKeys {
    async fn fetch(&self, known: Option<Box<str>>) -> Result<FetchedKeys, FetchFailure> {
        let mut request = Request::get(&*self.url).header(ACCEPT, "application/json");
        if let Some(tag) = &known {
            request = request.header(IF_NONE_MATCH, &**tag);
        }
        let request = request.body(Bytes::new()).map_err(|_| FetchFailure::NoConnection)?;
        let answer = self.client.exchange(request, ANSWER_BYTES).await.map_err(|error| failure(&error))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if known.is_some() => return Ok(FetchedKeys::Unchanged),
            other => return Err(FetchFailure::Status(other.as_u16())),
        }
        let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(Box::from);
        let keys = keys::read(answer.body());
        if keys.is_empty() { Err(FetchFailure::Unusable) } else { Ok(FetchedKeys::All { keys, tag }) }
    }

    fn verify(&self, key: &GithubKey, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key.point).verify(message, signature).is_ok()
    }
}

fn failure(error: &CallError) -> FetchFailure {
    match error {
        CallError::TimedOut { .. } => FetchFailure::TimedOut,
        CallError::TooLong { .. } => FetchFailure::Unusable,
        CallError::NoConnection { .. } | CallError::Broken { .. } => FetchFailure::NoConnection,
    }
}

impl fmt::Debug for HttpGithubKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpGithubKeys").field("url", &self.url).finish_non_exhaustive()
    }
}
