use keymint_domain::identity::User;
use serde::Serialize;
use utoipa::ToSchema;

use super::Iso;

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
        let User { id, name, email, email_verified, image, created_at, updated_at, ban: _, role: _ } = user;
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
