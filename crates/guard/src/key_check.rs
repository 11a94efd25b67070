use std::fmt;
use std::sync::Arc;

use ipnet::IpNet;
use keymint_service::Keys;

use crate::denied::AnswerForm;
use crate::{LimitFields, Schemes, Verifier};

/// The way in which an application verifies its callers' keys, and tells them of it. A clone is another handle on the same one.
#[derive(Clone)]
pub struct KeyCheck {
    pub(crate) verifier: Arc<dyn Verifier>,
    pub(crate) settings: Arc<Settings>,
}

/// The places where keys are shown, and the form of answers.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The headers that hold only a key.
    pub(crate) names: Vec<String>,
    /// The networks whose `X-Forwarded-For` is trusted.
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) form: AnswerForm,
}

impl KeyCheck {
    /// Verifies keys with the service in this process. Requests carry their keys in the `api_key_headers` of its
    /// policy, or as `Authorization: Bearer`.
    pub fn embedded(keys: Arc<Keys>) -> Self {
        let configurations = keys.policy().configurations().iter();
        let names: Vec<_> = configurations.flat_map(|configuration| configuration.api_key_headers.clone()).collect();
        Self::by(keys).headers(names)
    }

    /// Verifies keys with `verifier`. Requests carry their keys in `x-api-key`, or as `Authorization: Bearer`.
    pub fn by(verifier: Arc<dyn Verifier>) -> Self {
        let settings =
            Settings { names: vec!["x-api-key".to_owned()], trusted_proxies: Vec::new(), form: AnswerForm::default() };
        Self { verifier, settings: Arc::new(settings) }
    }

    fn with(mut self, edit: impl FnOnce(&mut Settings)) -> Self {
        edit(Arc::make_mut(&mut self.settings));
        self
    }

    /// Sets the headers that carry keys, in any case. `Authorization: Bearer` is read too. A text that is no header's name
    /// carries none.
    #[must_use]
    pub fn headers<N: AsRef<str>>(self, names: impl IntoIterator<Item = N>) -> Self {
        let names = names.into_iter().map(|name| name.as_ref().to_ascii_lowercase()).collect();
        self.with(|settings| settings.names = names)
    }

    /// Sets the networks of the proxies in front of the application. For keys that are restricted to addresses, the
    /// client's address is then the last one of `X-Forwarded-For` outside of these networks. By default the peer is the
    /// client.
    #[must_use]
    pub fn trusted_proxies(self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        let networks = networks.into_iter().collect();
        self.with(|settings| settings.trusted_proxies = networks)
    }

    /// Ignores `Authorization: Bearer`, for applications with their own tokens there.
    #[must_use]
    pub fn without_bearer(self) -> Self {
        self.with(|settings| settings.form.schemes.bearer = false)
    }

    /// Also reads the key from the user name of `Authorization: Basic`, as in `curl -u KEY:`. The password is ignored. A browser
    /// that meets the 401 of such an application asks its user for a password.
    #[must_use]
    pub fn with_basic(self) -> Self {
        self.with(|settings| settings.form.schemes.basic = true)
    }

    /// Sets the fields that tell clients how their keys stand against their limits; by default those of
    /// [`LimitFields::Draft11`].
    #[must_use]
    pub fn limit_fields(self, fields: LimitFields) -> Self {
        self.with(|settings| settings.form.limit_fields = fields)
    }

    /// Returns the schemes by which `Authorization` may show a key.
    pub fn schemes(&self) -> Schemes {
        self.settings.form.schemes
    }
}

impl fmt::Debug for KeyCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyCheck").field("settings", &self.settings).finish_non_exhaustive()
    }
}
