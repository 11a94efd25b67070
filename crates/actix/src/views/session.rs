use keymint_domain::identity::Session;
use serde::Serialize;
use utoipa::ToSchema;

use super::Iso;

/// A session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub struct SessionMembers<'a> {
    expires_at: Iso,
    token: &'a str,
    created_at: Iso,
    updated_at: Iso,
    #[schema(required)]
    ip_address: Option<&'a str>,
    #[schema(required)]
    user_agent: Option<&'a str>,
    user_id: &'a str,
    /// Requires keys that belong to organizations.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    #[expect(clippy::option_option, reason = "null if no organization is active, absent if there are none at all")]
    active_organization_id: Option<Option<&'a str>>,
    id: &'a str,
}

impl<'a> SessionMembers<'a> {
    /// Shows the session, with its `activeOrganizationId` where organizations are there.
    pub(crate) fn new(session: &'a Session, shows_organization: bool) -> Self {
        let Session { id, token, user_id, expires_at, created_at, updated_at, client, active_organization_id } =
            session;
        Self {
            expires_at: Iso(*expires_at),
            token: token.expose(),
            created_at: Iso(*created_at),
            updated_at: Iso(*updated_at),
            ip_address: client.ip_address.as_deref(),
            user_agent: client.user_agent.as_deref(),
            user_id: user_id.as_str(),
            active_organization_id: shows_organization.then_some(active_organization_id.as_deref()),
            id: id.as_str(),
        }
    }
}
