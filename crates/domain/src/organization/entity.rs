use super::RoleName;
use crate::value::{KeyName, OrganizationId, RowId, UserId};
use crate::{Randomness, Timestamp};

/// An organization, as the row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its id, which its keys have as their owner's.
    pub id: OrganizationId,
    /// A name for people.
    pub name: String,
    /// A name for URLs, which no other organization has.
    pub slug: Slug,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A user's membership of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The row's id.
    pub id: RowId,
    /// Of which organization.
    pub organization_id: OrganizationId,
    /// Who.
    pub user_id: UserId,
    /// In which role.
    pub role: RoleName,
    /// Since when.
    pub created_at: Timestamp,
}

/// A name for URLs: lower-case letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(Box<str>);

/// A text that is no slug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 lower-case letters, digits and hyphens")]
pub struct InvalidSlug;

impl Slug {
    /// Takes 1 to 64 lower-case letters, digits and hyphens.
    pub fn parse(text: &str) -> Result<Self, InvalidSlug> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(fits) { Ok(Self(text.into())) } else { Err(InvalidSlug) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Organization {
    /// A new organization.
    pub fn new(name: KeyName, slug: Slug, fill: Randomness<'_>, now: Timestamp) -> Self {
        Self { id: OrganizationId::random(fill), name: name.into_string(), slug, created_at: now }
    }
}

impl Member {
    /// A new member.
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
