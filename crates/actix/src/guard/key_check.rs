use std::fmt;
use std::sync::Arc;

use actix_web::http::header::HeaderName;
use ipnet::IpNet;
use keymint_service::Keys;

use super::Verifier;
use super::presented_key::KeyHeaders;

/// How an application checks its callers' keys. It belongs into the application's data: `App::app_data(check)`.
#[derive(Clone)]
pub struct KeyCheck {
    pub(super) verifier: Arc<dyn Verifier>,
    pub(super) headers: KeyHeaders,
    /// Networks whose `X-Forwarded-For` counts.
    pub(super) trusted_proxies: Vec<IpNet>,
}

impl KeyCheck {
    /// By the service in this process. Requests show their keys in the `api_key_headers` of its policy, or as
    /// `Authorization: Bearer`.
    pub fn embedded(keys: Arc<Keys>) -> Self {
        let configurations = keys.policy().configurations().iter();
        let names = configurations.flat_map(|configuration| &configuration.api_key_headers);
        let names: Vec<_> = names.filter_map(|name| name.parse().ok()).collect();
        Self::by(keys).headers(names)
    }

    /// By `verifier`. Requests show their keys in `x-api-key`, or as `Authorization: Bearer`.
    pub fn by(verifier: Arc<dyn Verifier>) -> Self {
        let names = vec![HeaderName::from_static("x-api-key")];
        Self { verifier, headers: KeyHeaders { names, bearer: true }, trusted_proxies: Vec::new() }
    }

    /// Requests show their keys in these headers. `Authorization: Bearer` goes on beside them.
    #[must_use]
    pub fn headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.headers.names = names.into_iter().collect();
        self
    }

    /// The application stands behind proxies in these networks: where a key may be used from some addresses only, the
    /// client's is the last of `X-Forwarded-For` that is none of theirs. By default the peer is the client.
    #[must_use]
    pub fn trusted_proxies(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.trusted_proxies = networks.into_iter().collect();
        self
    }

    /// `Authorization: Bearer` is not looked at: the application has other tokens there.
    #[must_use]
    pub fn without_bearer(mut self) -> Self {
        self.headers.bearer = false;
        self
    }
}

impl fmt::Debug for KeyCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCheck").field("headers", &self.headers).finish_non_exhaustive()
    }
}
