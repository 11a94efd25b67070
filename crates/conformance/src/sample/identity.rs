use keymint_domain::identity::{Client, NewUser, PasswordHash, Session, SessionToken, User};
use keymint_domain::organization::{Member, Organization, RoleName, Slug};
use keymint_domain::value::RowId;
use keymint_domain::{OrganizationId, UserId};

use super::NOW;

/// Returns a user's id.
///
/// # Panics
///
/// Panics on an empty text.
pub fn user_id(text: &str) -> UserId {
    UserId::parse(text).unwrap()
}

/// Returns an organization's id.
///
/// # Panics
///
/// Panics on an empty text.
pub fn organization_id(text: &str) -> OrganizationId {
    OrganizationId::parse(text).unwrap()
}

/// Returns a row's id.
///
/// # Panics
///
/// Panics on an empty text.
pub fn row_id(text: &str) -> RowId {
    RowId::parse(text).unwrap()
}

/// Returns the sample user with that id, whose address is at `example.org`.
pub fn new_user(id: &str) -> NewUser {
    let user = User {
        id: user_id(id),
        name: format!("the one of {id}"),
        email: format!("{id}@example.org"),
        email_verified: false,
        image: None,
        created_at: NOW,
        updated_at: NOW,
        ban: None,
        role: None,
    };
    let password_hash = PasswordHash::from_stored(format!("the hash of {id}"));
    NewUser { user, account_id: row_id(&format!("the account of {id}")), password_hash }
}

/// Returns a session of a user, which lives for a week. Its id is its token.
pub fn session(token: &str, user: &str) -> Session {
    Session {
        id: row_id(token),
        token: SessionToken::new(token),
        user_id: user_id(user),
        expires_at: NOW.plus_millis(604_800_000),
        created_at: NOW,
        updated_at: NOW,
        client: Client::default(),
        active_organization_id: None,
    }
}

/// Returns an organization whose slug is its id.
///
/// # Panics
///
/// Panics on a text that is not a slug.
pub fn organization(id: &str) -> Organization {
    Organization {
        id: organization_id(id),
        name: format!("the one of {id}"),
        slug: Slug::parse(id).unwrap(),
        created_at: NOW,
    }
}

/// Returns a user's membership of an organization, as an owner.
pub fn member(organization: &str, user: &str) -> Member {
    Member {
        id: row_id(&format!("{user} in {organization}")),
        organization_id: organization_id(organization),
        user_id: user_id(user),
        role: RoleName::parse("owner").unwrap(),
        created_at: NOW,
    }
}
