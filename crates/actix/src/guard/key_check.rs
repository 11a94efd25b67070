use std::fmt;
use std::sync::Arc;

use actix_web::http::header::HeaderName;
use ipnet::IpNet;
use keymint_service::Keys;

use super::Verifier;
use super::presented_key::KeyHeaders;

/// The way in which an application verifies its callers' keys. Add it to the application's data:
/// `App::app_data(check)`.
#[derive(Clone)]
pub struct KeyCheck {
    pub(super) verifier: Arc<dyn Verifier>,
    pub(super) headers: KeyHeaders,
    /// The networks whose `X-Forwarded-For` is trusted.
    pub(super) trusted_proxies: Vec<IpNet>,
}

impl KeyCheck {
    /// Verifies keys with the service in this process. Requests carry their keys in the `api_key_headers` of its
    /// policy, or as `Authorization: Bearer`.
    pub fn embedded(keys: Arc<Keys>) -> Self {
        let configurations = keys.policy().configurations().iter();
        let names = configurations.flat_map(|configuration| &configuration.api_key_headers);
        let names: Vec<_> = names.filter_map(|name| name.parse().ok()).collect();
        Self::by(keys).headers(names)
    }

    /// Verifies keys with `verifier`. Requests carry their keys in `x-api-key`, or as `Authorization: Bearer`.
    pub fn by(verifier: Arc<dyn Verifier>) -> Self {
        let names = vec![HeaderName::from_static("x-api-key")];
        Self { verifier, headers: KeyHeaders { names, bearer: true }, trusted_proxies: Vec::new() }
    }

    /// Sets the headers that carry keys. `Authorization: Bearer` is read too.
    #[must_use]
    pub fn headers(mut self, names: impl IntoIterator<Item = HeaderName>) -> Self {
        self.headers.names = names.into_iter().collect();
        self
    }

    /// Sets the networks of the proxies in front of the application. For keys that are restricted to addresses, the
    /// client's address is then the last one of `X-Forwarded-For` outside of these networks. By default the peer is the
    /// client.
    #[must_use]
    pub fn trusted_proxies(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.trusted_proxies = networks.into_iter().collect();
        self
    }

    /// Ignores `Authorization: Bearer`, for applications with their own tokens there.
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
