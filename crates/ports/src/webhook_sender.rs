use async_trait::async_trait;
use keymint_domain::webhook::{ForbiddenAddress, WebhookUrl};

/// Sends deliveries to endpoints.
///
/// # Contract
///
/// * A call ends within [`SEND_DEADLINE_MS`], whatever the peer does, and takes a bounded amount of memory.
/// * Every address of a host is checked, and the connection goes to an address that was checked.
/// * Redirects and the environment's proxies are not followed.
/// * A call that is dropped ends its connection.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait WebhookSender: Send + Sync + 'static {
    /// Sends a delivery, and returns the status of the answer.
    ///
    /// # Errors
    ///
    /// Returns [`SendFailure`] if there was no answer. The endpoint may have read the delivery all the same.
    async fn send(&self, delivery: &SignedDelivery) -> Result<u16, SendFailure>;

    /// Looks up the addresses of a URL, and checks them as [`WebhookSender::send`] does.
    ///
    /// # Errors
    ///
    /// Returns [`SendFailure::Forbidden`] for an address that must not be called, and [`SendFailure::NoAddress`] for a
    /// host without one.
    async fn check(&self, url: &WebhookUrl) -> Result<(), SendFailure>;
}

/// The longest time that a delivery takes, with the look-up of its address, in milliseconds.
pub const SEND_DEADLINE_MS: u64 = 15_000;

/// A delivery as it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedDelivery {
    /// The URL.
    pub url: WebhookUrl,
    /// The header `webhook-id`.
    pub id: Box<str>,
    /// The header `webhook-timestamp`, in seconds.
    pub seconds: i64,
    /// The header `webhook-signature`.
    pub signatures: String,
    /// The body.
    pub body: String,
}

/// Leaves out the signatures and the body.
impl std::fmt::Debug for SignedDelivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedDelivery").field("url", &self.url).field("id", &self.id).finish_non_exhaustive()
    }
}

/// The reason why a delivery had no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendFailure {
    /// An address of the host must not be called.
    #[error("{0}")]
    Forbidden(ForbiddenAddress),
    /// The host has no address.
    #[error("the host has no address")]
    NoAddress,
    /// Nobody accepted a connection.
    #[error("no connection")]
    NoConnection,
    /// The peer has no certificate that this machine trusts.
    #[error("no valid certificate")]
    Certificate,
    /// There was no answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// The connection ended before the answer.
    #[error("the connection ended before an answer")]
    Broken,
}
