use keymint_domain::{ApiKey, Permissions, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// The answer to an introspection (RFC 7662 2.2).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Introspection)]
pub struct IntrospectionView<'a> {
    /// True if the key may be used. Otherwise the answer says nothing else.
    active: bool,
    /// The granted actions, separated by spaces: `files:read files:write`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    scope: Option<String>,
    /// `Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    token_type: Option<&'static str>,
    /// The key's owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sub: Option<&'a str>,
    /// The server: `server.base_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    iss: Option<&'a str>,
    /// The key's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    jti: Option<&'a str>,
    /// The second at which the key was made, since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    iat: Option<i64>,
    /// The second at which the presented text ends, since 1970, if it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    exp: Option<i64>,
    /// The key's configuration.
    #[serde(rename = "configId", skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    config_id: Option<&'a str>,
}

impl<'a> IntrospectionView<'a> {
    /// The answer for every text that may not be used, whatever the reason.
    pub const INACTIVE: Self = Self {
        active: false,
        scope: None,
        token_type: None,
        sub: None,
        iss: None,
        jti: None,
        iat: None,
        exp: None,
        config_id: None,
    };

    /// Shows a key that may be used. `former_ends_at` is the end of the presented secret if it is the former one of a
    /// rotation, and `issuer` the server's URL.
    pub fn active(key: &'a ApiKey, former_ends_at: Option<Timestamp>, issuer: &'a str) -> Self {
        let details = &*key.details;
        let ends_at = [details.expires_at, former_ends_at].into_iter().flatten().min();
        Self {
            active: true,
            scope: details.permissions.as_ref().map(Permissions::to_scope).filter(|scope| !scope.is_empty()),
            token_type: Some("Bearer"),
            sub: Some(details.owner.as_str()),
            iss: Some(issuer),
            jti: Some(details.id.as_str()),
            iat: Some(seconds(details.created_at)),
            exp: ends_at.map(seconds),
            config_id: Some(details.config_id.as_str()),
        }
    }
}

/// Returns an instant in the whole seconds of RFC 7662, never later than it is.
fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}
