use super::RoleName;
use crate::value::{KeyName, OrganizationId, RowId, UserId};
use crate::{Randomness, Timestamp};

/// An organization, as in its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// The organization's id, which is the owner of its keys.
    pub id: OrganizationId,
    /// A display name.
    pub name: String,
    /// A unique name for URLs.
    pub slug: Slug,
    /// The instant at which the organization was created.
    pub created_at: Timestamp,
}

/// A user's membership of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The row's id.
    pub id: RowId,
    /// The organization.
    pub organization_id: OrganizationId,
    /// The user.
    pub user_id: UserId,
    /// The user's role in the organization.
    pub role: RoleName,
    /// The instant at which the membership began.
    pub created_at: Timestamp,
}

/// An organization as one of its members sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organization.
    pub organization: OrganizationId,
    /// Its display name.
    pub name: String,
    /// The text of the member's roles, separated by commas, as it is in their oldest row.
    pub roles: String,
}

/// A name for URLs: lower-case letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(Box<str>);

/// The error for a text that is not a slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 lower-case letters, digits and hyphens")]
pub struct InvalidSlug;

impl Slug {
    /// Takes 1 to 64 lower-case letters, digits and hyphens.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidSlug`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidSlug> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(fits) { Ok(Self(text.into())) } else { Err(InvalidSlug) }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Organization {
    /// Makes a new organization.
    pub fn new(name: KeyName, slug: Slug, fill: Randomness<'_>, now: Timestamp) -> Self {
        Self { id: OrganizationId::random(fill), name: name.into_string(), slug, created_at: now }
    }
}

impl Member {
    /// Makes a new member.
    pub fn new(
        organization_id: OrganizationId,
        user_id: UserId,
        role: RoleName,
        fill: Randomness<'_>,
        now: Timestamp,
    ) -> Self {
        Self { id: RowId::random(fill), organization_id, user_id, role, created_at: now }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_fit_for_a_url() {
        assert!(Slug::parse("acme-2").is_ok());
        for text in ["", "Acme", "a b", "ä", "a/b", &"a".repeat(65)] {
            assert_eq!(Slug::parse(text), Err(InvalidSlug), "{text}");
        }
    }
}
