use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use keymint_domain::webhook::{OutboundRules, WebhookUrl};
use keymint_ports::{SEND_DEADLINE_MS, SendFailure, SignedDelivery, WebhookSender};
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Response, redirect};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::time::timeout;

use crate::lookup::{CheckedLookup, Lookup, SystemLookup};

const DEADLINE: Duration = Duration::from_millis(SEND_DEADLINE_MS);

/// The largest part of an answer that is read, so that its connection can be used again.
const ANSWER_BYTES: usize = 64 * 1024;

/// The time that the body of an answer may take. The status has decided by then.
const BODY_TAKES: Duration = Duration::from_secs(1);

/// Sends webhooks by HTTP.
#[derive(Debug)]
pub struct HttpSender {
    https: Channel,
    http: Channel,
}

/// A client of one scheme, and the look-up that it uses.
#[derive(Debug)]
struct Channel {
    client: Client,
    lookup: CheckedLookup,
}

/// The error for an HTTP client that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// TLS cannot be set up with these certificates.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The HTTP client fails to build.
    #[error("the HTTP client cannot be made")]
    Client(#[source] reqwest::Error),
}

impl HttpSender {
    /// Makes a sender that trusts the operating system's root certificates. If there are none, deliveries over https fail.
    ///
    /// # Errors
    ///
    /// Returns [`SenderError`] if the HTTP client fails to build.
    pub fn new(rules: OutboundRules) -> Result<Self, SenderError> {
        let lookup: Arc<dyn Lookup> = Arc::new(SystemLookup::default());
        Self::with_lookup(rules, &lookup)
    }

    /// Makes a sender as [`HttpSender::new`] does, with another look-up of addresses.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`HttpSender::new`].
    pub fn with_lookup(rules: OutboundRules, lookup: &Arc<dyn Lookup>) -> Result<Self, SenderError> {
        let tls = match tls()?.with_platform_verifier() {
            Ok(tls) => tls,
            Err(error) => {
                let error = &error as &dyn Error;
                tracing::warn!(error, "no webhook can be called over https: the operating system has no roots");
                tls()?.with_root_certificates(RootCertStore::empty())
            }
        };
        Self::by(&tls.with_no_client_auth(), rules, lookup)
    }

    /// Makes a sender that trusts only certificates that these ones issued.
    ///
    /// # Errors
    ///
    /// Returns [`SenderError`] if one of them is no certificate, and if the HTTP client fails to build.
    pub fn trusting(
        roots: &[CertificateDer<'static>],
        rules: OutboundRules,
        lookup: &Arc<dyn Lookup>,
    ) -> Result<Self, SenderError> {
        let mut store = RootCertStore::empty();
        roots.iter().try_for_each(|root| store.add(root.clone())).map_err(SenderError::Tls)?;
        Self::by(&tls()?.with_root_certificates(store).with_no_client_auth(), rules, lookup)
    }

    fn by(tls: &ClientConfig, rules: OutboundRules, lookup: &Arc<dyn Lookup>) -> Result<Self, SenderError> {
        let rules = Arc::new(rules);
        let channel = |with_tls| {
            let lookup = CheckedLookup { lookup: Arc::clone(lookup), rules: Arc::clone(&rules), with_tls };
            let client = Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(Arc::new(lookup.clone()))
                .redirect(redirect::Policy::none())
                .no_proxy()
                .https_only(with_tls)
                .http1_only()
                .referer(false)
                .user_agent(concat!("keymint/", env!("CARGO_PKG_VERSION")))
                .timeout(DEADLINE)
                .pool_max_idle_per_host(4)
                .pool_idle_timeout(Duration::from_secs(20))
                .build()
                .map_err(SenderError::Client)?;
            Ok(Channel { client, lookup })
        };
        Ok(Self { https: channel(true)?, http: channel(false)? })
    }

    fn channel(&self, url: &WebhookUrl) -> &Channel {
        if url.has_tls() { &self.https } else { &self.http }
    }
}

fn tls() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, SenderError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(SenderError::Tls)
}

impl Channel {
    /// Checks a host that is an address itself: the client looks up names alone.
    fn check_literal(&self, url: &WebhookUrl) -> Result<(), SendFailure> {
        let admit = |address| self.lookup.rules.admit(address, url.has_tls()).map_err(SendFailure::Forbidden);
        url.address().map_or(Ok(()), admit)
    }

    async fn send(&self, delivery: &SignedDelivery) -> Result<u16, SendFailure> {
        self.check_literal(&delivery.url)?;
        let request = self
            .client
            .post(delivery.url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &*delivery.id)
            .header("webhook-timestamp", delivery.seconds)
            .header("webhook-signature", &delivery.signatures)
            .body(delivery.body.clone());
        let answer = request.send().await.map_err(|error| failure(&error))?;
        let status = answer.status().as_u16();
        // Whatever becomes of the body, the endpoint has answered.
        drop(timeout(BODY_TAKES, skip_body(answer)).await);
        Ok(status)
    }
}

#[async_trait]
impl WebhookSender for HttpSender {
    async fn send(&self, delivery: &SignedDelivery) -> Result<u16, SendFailure> {
        let sent = timeout(DEADLINE, self.channel(&delivery.url).send(delivery)).await;
        sent.unwrap_or(Err(SendFailure::TimedOut))
    }

    async fn check(&self, url: &WebhookUrl) -> Result<(), SendFailure> {
        let channel = self.channel(url);
        if url.address().is_some() {
            return channel.check_literal(url);
        }
        let found = timeout(DEADLINE, channel.lookup.addresses(url.host())).await;
        found.unwrap_or(Err(SendFailure::NoAddress)).map(drop)
    }
}

/// Reads the body up to [`ANSWER_BYTES`]. A longer one ends its connection.
async fn skip_body(mut answer: Response) {
    let mut left = ANSWER_BYTES;
    while let Ok(Some(chunk)) = answer.chunk().await {
        match left.checked_sub(chunk.len()) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// Finds the reason of a failure in the chain of its causes.
fn failure(error: &reqwest::Error) -> SendFailure {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(source) = cause {
        if let Some(failure) = source.downcast_ref::<SendFailure>() {
            return failure.clone();
        }
        if source.is::<rustls::Error>() || is_of_tls(source) {
            return SendFailure::Certificate;
        }
        cause = source.source();
    }
    match error {
        error if error.is_timeout() => SendFailure::TimedOut,
        error if error.is_connect() => SendFailure::NoConnection,
        _ => SendFailure::Broken,
    }
}

/// Returns true for an error of TLS within errors of I/O, which do not name it as their source.
fn is_of_tls(source: &(dyn Error + 'static)) -> bool {
    let inner = source.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    inner.is_some_and(|inner| inner.is::<rustls::Error>() || is_of_tls(inner))
}
