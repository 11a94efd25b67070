use std::net::IpAddr;

use keymint_domain::Timestamp;
use keymint_domain::identity::{Session, SessionLifetime, User};
use keymint_domain::key::PlainKey;
use keymint_service::{KeyHolder, SignedIn};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::iso::Iso;

/// A user, without what the sign-in needs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub struct UserView<'a> {
    name: &'a str,
    email: &'a str,
    email_verified: bool,
    #[schema(required)]
    image: Option<&'a str>,
    created_at: Iso,
    updated_at: Iso,
    id: &'a str,
}

impl<'a> From<&'a User> for UserView<'a> {
    fn from(user: &'a User) -> Self {
        let User { id, name, email, email_verified, image, created_at, updated_at, ban: _ } = user;
        Self {
            name,
            email,
            email_verified: *email_verified,
            image: image.as_deref(),
            created_at: Iso(*created_at),
            updated_at: Iso(*updated_at),
            id: id.as_str(),
        }
    }
}

/// The answer to a sign-up.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignedUp)]
pub struct SignedUpView<'a> {
    token: &'a str,
    user: UserView<'a>,
}

impl<'a> From<&'a SignedIn> for SignedUpView<'a> {
    fn from(signed_in: &'a SignedIn) -> Self {
        Self { token: signed_in.session.token.expose(), user: UserView::from(&signed_in.user) }
    }
}

/// The answer to a sign-in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignedIn)]
pub struct SignedInView<'a> {
    /// Whether the request wants to be sent on; the status is 200 all the same.
    redirect: bool,
    token: &'a str,
    /// The `callbackURL` of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    url: Option<&'a str>,
    user: UserView<'a>,
}

impl<'a> SignedInView<'a> {
    /// Shows the session, and where the request wants to be sent on.
    pub fn new(signed_in: &'a SignedIn, callback_url: Option<&'a str>) -> Self {
        Self {
            redirect: callback_url.is_some_and(|url| !url.is_empty()),
            token: signed_in.session.token.expose(),
            url: callback_url,
            user: UserView::from(&signed_in.user),
        }
    }
}

/// A session and its user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SessionAndUser)]
pub struct SessionView<'a> {
    session: SessionMembers<'a>,
    user: UserView<'a>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
struct SessionMembers<'a> {
    expires_at: Iso,
    token: &'a str,
    created_at: Iso,
    updated_at: Iso,
    #[schema(required)]
    ip_address: Option<&'a str>,
    #[schema(required)]
    user_agent: Option<&'a str>,
    user_id: &'a str,
    #[serde(flatten)]
    organization: Option<ActiveOrganization<'a>>,
    id: &'a str,
}

/// The member that Better Auth's organization plugin adds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ActiveOrganization<'a> {
    /// Where a configuration's keys belong to organizations.
    active_organization_id: Option<&'a str>,
}

impl<'a> SessionView<'a> {
    /// Shows the session, with its `activeOrganizationId` where organizations are there.
    pub fn new(signed_in: &'a SignedIn, shows_organization: bool) -> Self {
        let Session { id, token, user_id, expires_at, created_at, updated_at, client, active_organization_id } =
            &signed_in.session;
        let session = SessionMembers {
            expires_at: Iso(*expires_at),
            token: token.expose(),
            created_at: Iso(*created_at),
            updated_at: Iso(*updated_at),
            ip_address: client.ip_address.as_deref(),
            user_agent: client.user_agent.as_deref(),
            user_id: user_id.as_str(),
            organization: shows_organization
                .then_some(ActiveOrganization { active_organization_id: active_organization_id.as_deref() }),
            id: id.as_str(),
        };
        Self { session, user: UserView::from(&signed_in.user) }
    }
}

/// The session of a key's holder, which exists in this answer alone (docs/better-auth-wire.md 9).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeySessionAndUser, description = "The session of a key's holder, which exists in this answer alone.")]
pub struct KeySessionView<'a> {
    user: UserView<'a>,
    session: KeySessionMembers<'a>,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = KeySession)]
struct KeySessionMembers<'a> {
    id: &'a str,
    token: &'a str,
    user_id: &'a str,
    #[schema(required)]
    user_agent: Option<&'a str>,
    #[schema(required, value_type = Option<String>)]
    ip_address: Option<IpAddr>,
    created_at: Iso,
    updated_at: Iso,
    expires_at: Iso,
}

impl<'a> KeySessionView<'a> {
    /// Shows the session of `holder`, whose key is `key`. It lives as long as the key, or as any session.
    pub fn new(
        holder: &'a KeyHolder,
        key: &'a PlainKey,
        lifetime: SessionLifetime,
        now: Timestamp,
        ip_address: Option<IpAddr>,
        user_agent: Option<&'a str>,
    ) -> Self {
        let details = &holder.key.details;
        let session = KeySessionMembers {
            id: details.id.as_str(),
            token: key.expose(),
            user_id: details.owner.as_str(),
            user_agent,
            ip_address,
            created_at: Iso(now),
            updated_at: Iso(now),
            expires_at: Iso(details.expires_at.unwrap_or_else(|| lifetime.end(now))),
        };
        Self { user: UserView::from(&holder.user), session }
    }
}
