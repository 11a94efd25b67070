use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::CONTENT_TYPE;
use http::{Method, Request};
use keymint_domain::webhook::{OutboundRules, WebhookUrl};
use keymint_http_client::pki_types::CertificateDer;
use keymint_http_client::{CallError, HttpClient, Trust, TrustError};
use keymint_ports::{SEND_DEADLINE_MS, SendFailure, SignedDelivery, WebhookSender};
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
    client: HttpClient,
    lookup: CheckedLookup,
}

/// The error for an HTTP client that cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be made")]
pub struct SenderError(#[from] TrustError);

impl HttpSender {
    /// Makes a sender that trusts the operating system's root certificates. If there are none, deliveries over https fail.
    ///
    /// # Errors
    ///
    /// Returns [`SenderError`] if TLS cannot be set up.
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
        Self::by(&Trust::System, rules, lookup)
    }

    /// Makes a sender that trusts only certificates that these ones issued.
    ///
    /// # Errors
    ///
    /// Returns [`SenderError`] if one of them is no certificate.
    pub fn trusting(
        roots: &[CertificateDer<'static>],
        rules: OutboundRules,
        lookup: &Arc<dyn Lookup>,
    ) -> Result<Self, SenderError> {
        Self::by(&Trust::Roots(roots.to_vec()), rules, lookup)
    }

    fn by(trust: &Trust, rules: OutboundRules, lookup: &Arc<dyn Lookup>) -> Result<Self, SenderError> {
        let rules = Arc::new(rules);
        let lookup = |with_tls| CheckedLookup { lookup: Arc::clone(lookup), rules: Arc::clone(&rules), with_tls };
        let client = |lookup: &CheckedLookup| {
            HttpClient::builder(DEADLINE).trusting(trust.clone()).resolving_by(Arc::new(lookup.clone()))
        };
        let (with_tls, without_tls) = (lookup(true), lookup(false));
        let https = Channel { client: client(&with_tls).https_only().build()?, lookup: with_tls };
        let http = Channel { client: client(&without_tls).build()?, lookup: without_tls };
        if let Some(error) = https.client.missing_roots() {
            let error = error as &dyn std::error::Error;
            tracing::warn!(error, "no webhook can be called over https: the operating system has no roots");
        }
        Ok(Self { https, http })
    }

    fn channel(&self, url: &WebhookUrl) -> &Channel {
        if url.has_tls() { &self.https } else { &self.http }
    }
}

impl Channel {
    /// Checks a host that is an address itself: the client looks up names alone.
    fn check_literal(&self, url: &WebhookUrl) -> Result<(), SendFailure> {
        let admit = |address| self.lookup.rules.admit(address, url.has_tls()).map_err(SendFailure::Forbidden);
        url.address().map_or(Ok(()), admit)
    }

    async fn send(&self, delivery: &SignedDelivery) -> Result<u16, SendFailure> {
        self.check_literal(&delivery.url)?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(delivery.url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &*delivery.id)
            .header("webhook-timestamp", delivery.seconds)
            .header("webhook-signature", &delivery.signatures)
            .body(delivery.body.clone().into_bytes().into())
            .map_err(|_| SendFailure::Broken)?;
        let answer = self.client.send(request).await.map_err(|error| failure(&error))?;
        let status = answer.status().as_u16();
        // It is read for the next delivery on its connection. Whatever becomes of it, the endpoint has answered.
        drop(answer.body(ANSWER_BYTES, BODY_TAKES).await);
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

/// Finds the reason of a failure in the chain of its causes.
fn failure(error: &CallError) -> SendFailure {
    if let Some(failure) = error.find::<SendFailure>() {
        return failure.clone();
    }
    match error {
        error if error.is_of_tls() => SendFailure::Certificate,
        CallError::TimedOut { .. } => SendFailure::TimedOut,
        CallError::NoConnection { .. } => SendFailure::NoConnection,
        CallError::TooLong { .. } | CallError::Broken { .. } => SendFailure::Broken,
    }
}
