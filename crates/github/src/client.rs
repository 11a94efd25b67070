use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keymint_ports::{FETCH_DEADLINE_MS, FetchFailure, FetchedKeys, GithubKey, GithubKeys};
use reqwest::header::{ACCEPT, ETAG, IF_NONE_MATCH};
use reqwest::{Client, Response, StatusCode, redirect};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::keys;

/// The largest answer that is read.
const ANSWER_BYTES: usize = 256 * 1024;

/// Fetches GitHub's public keys by HTTP.
pub struct HttpGithubKeys {
    client: Client,
    url: Box<str>,
}

/// The error for an HTTP client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The HTTP client fails to build.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

impl HttpGithubKeys {
    /// Makes a client of the endpoint at `url`. It trusts the operating system's root certificates.
    ///
    /// # Errors
    ///
    /// Returns [`ClientError`] if the HTTP client fails to build.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        let tls = match tls()?.with_platform_verifier() {
            Ok(tls) => tls,
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::warn!(error, "GitHub's keys cannot be fetched: the operating system has no roots");
                tls()?.with_root_certificates(RootCertStore::empty())
            }
        };
        let client = Client::builder()
            .tls_backend_preconfigured(tls.with_no_client_auth())
            .redirect(redirect::Policy::none())
            .referer(false)
            .user_agent(concat!("keymint/", env!("CARGO_PKG_VERSION")))
            .timeout(Duration::from_millis(FETCH_DEADLINE_MS))
            .pool_max_idle_per_host(0)
            .build()
            .map_err(ClientError::Client)?;
        Ok(Self { client, url: url.into() })
    }
}

fn tls() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, ClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(ClientError::Tls)
}

#[async_trait]
impl GithubKeys for HttpGithubKeys {
    async fn fetch(&self, known: Option<Box<str>>) -> Result<FetchedKeys, FetchFailure> {
        let mut request = self.client.get(&*self.url).header(ACCEPT, "application/json");
        if let Some(tag) = &known {
            request = request.header(IF_NONE_MATCH, &**tag);
        }
        let answer = request.send().await.map_err(|error| failure(&error))?;
        match answer.status() {
            StatusCode::OK => {}
            StatusCode::NOT_MODIFIED if known.is_some() => return Ok(FetchedKeys::Unchanged),
            other => return Err(FetchFailure::Status(other.as_u16())),
        }
        let tag = answer.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(Box::from);
        let keys = keys::read(&body(answer).await?);
        if keys.is_empty() { Err(FetchFailure::Unusable) } else { Ok(FetchedKeys::All { keys, tag }) }
    }

    fn verify(&self, key: &GithubKey, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &key.point).verify(message, signature).is_ok()
    }
}

async fn body(mut answer: Response) -> Result<Vec<u8>, FetchFailure> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failure(&error))? {
        if body.len() + chunk.len() > ANSWER_BYTES {
            return Err(FetchFailure::Unusable);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn failure(error: &reqwest::Error) -> FetchFailure {
    if error.is_timeout() { FetchFailure::TimedOut } else { FetchFailure::NoConnection }
}

impl fmt::Debug for HttpGithubKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpGithubKeys").field("url", &self.url).finish_non_exhaustive()
    }
}
