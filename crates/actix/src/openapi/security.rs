use utoipa::openapi::schema::Components;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};

use super::failures::Failures;
use super::{DocumentContext, LIMITS, REQUEST_ID};

const SERVER_KEY: &str = "serverKey";
const SESSION_TOKEN: &str = "sessionToken";
const SESSION_COOKIE: &str = "sessionCookie";
const SERVER_KEY_AS_PASSWORD: &str = "serverKeyAsPassword";
const API_KEY: &str = "apiKey";
const GATEWAYS_SERVER_KEY: &str = "gatewaysServerKey";

/// The callers of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callers {
    /// Anybody; no credential is read.
    Anyone,
    /// Anybody who signs up or in.
    Guests,
    /// Anybody, with or without a session.
    Visitors,
    /// Users and servers.
    Users,
    /// Servers.
    Servers,
    /// Callers that may verify keys: servers, or everybody.
    Verifiers {
        /// True if everybody may.
        is_public: bool,
    },
    /// Servers, as clients of OAuth 2.0.
    Introspectors,
    /// Gateways, on behalf of a client that shows a key.
    Gateways,
}

impl Callers {
    /// Returns the failures of all their endpoints.
    pub(super) fn failures(self) -> Failures {
        let mut failures = Failures::default();
        if !matches!(self, Self::Gateways | Self::Introspectors) {
            failures.add(Failures::of_any());
            failures.add(Failures::of_the_store());
        }
        if self.may_hold_keys() {
            failures.add(Failures::of_a_page());
            failures.add(Failures::of_a_key());
        }
        failures
    }

    /// Returns true if a key in a header opens a session for them, and pays for it whatever the answer.
    fn may_hold_keys(self) -> bool {
        matches!(self, Self::Guests | Self::Visitors | Self::Users)
    }

    /// Returns the headers of all their answers.
    pub(super) fn headers(self) -> &'static [&'static str] {
        if self.may_hold_keys() { &[REQUEST_ID, LIMITS[0], LIMITS[1]] } else { &[REQUEST_ID] }
    }

    /// Returns the alternative credentials.
    pub(super) fn requirements(self) -> Option<Vec<SecurityRequirement>> {
        let none = SecurityRequirement::default();
        let requirements: Vec<_> = match self {
            Self::Anyone | Self::Guests => return None,
            Self::Visitors => [SESSION_TOKEN, SESSION_COOKIE, API_KEY].map(one).into_iter().chain([none]).collect(),
            Self::Users => [SERVER_KEY, SESSION_TOKEN, SESSION_COOKIE, API_KEY].map(one).into(),
            Self::Servers | Self::Verifiers { is_public: false } => vec![one(SERVER_KEY)],
            Self::Introspectors => [SERVER_KEY, SERVER_KEY_AS_PASSWORD].map(one).into(),
            Self::Verifiers { is_public: true } => vec![one(SERVER_KEY), none],
            Self::Gateways => {
                vec![one(API_KEY).add(GATEWAYS_SERVER_KEY, [] as [&str; 0]), one(API_KEY)]
            }
        };
        Some(requirements)
    }
}

fn one(scheme: &str) -> SecurityRequirement {
    SecurityRequirement::new(scheme, [] as [&str; 0])
}

/// Adds the schemes by which credentials are shown.
pub(super) fn add_schemes(components: &mut Components, context: &DocumentContext<'_>) {
    let bearer = |text: &str| {
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(text)).build())
    };
    let password = "Any user name, and a server key as the password.";
    let password = HttpBuilder::new().scheme(HttpAuthScheme::Basic).description(Some(password)).build();
    let header =
        |name: &str, text: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, text)));
    let cookie =
        "The cookie that sign-up and sign-in set. Its name begins with `__Secure-` if `server.public_url` is https.";
    let cookie = ApiKeyValue::with_description("better-auth.session_token", cookie);
    let mut headers = context.policy.configurations().iter().flat_map(|entry| &entry.api_key_headers);
    let header_of_keys = headers.next().map_or("x-api-key", String::as_str);
    for (name, scheme) in [
        (SERVER_KEY, bearer("A server key.")),
        (SERVER_KEY_AS_PASSWORD, SecurityScheme::Http(password)),
        (SESSION_TOKEN, bearer("The token that sign-up and sign-in return.")),
        (SESSION_COOKIE, SecurityScheme::ApiKey(ApiKey::Cookie(cookie))),
        (API_KEY, header(header_of_keys, "An API key. It opens a session if `enable_session_for_api_keys` is on.")),
        (
            GATEWAYS_SERVER_KEY,
            header("X-Authz-Server-Key", "A server key. Gateways in `server.trusted_proxies` need none."),
        ),
    ] {
        components.add_security_scheme(name, scheme);
    }
}
