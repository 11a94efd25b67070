//! Portal sessions: guests of a backend who see and manage the keys of one owner, without an account.

use std::collections::BTreeSet;
use std::fmt;

use url::Url;

use crate::Timestamp;
use crate::link::TokenHash;
use crate::value::{OwnerId, RowId};

/// An action that a portal session may be allowed. Reading is allowed always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PortalRight {
    /// Create keys.
    Create,
    /// Give keys other secrets.
    Rotate,
    /// Revoke keys.
    Revoke,
}

impl PortalRight {
    /// Every right.
    pub const ALL: [Self; 3] = [Self::Create, Self::Rotate, Self::Revoke];

    /// Returns the name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Rotate => "rotate",
            Self::Revoke => "revoke",
        }
    }
}

/// The error for a text that names no right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be `create`, `rotate` or `revoke`")]
pub struct InvalidRight;

/// The rights of a portal session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PortalRights(BTreeSet<PortalRight>);

impl PortalRights {
    /// Takes rights. Without any, keys can only be seen.
    pub fn new(rights: impl IntoIterator<Item = PortalRight>) -> Self {
        Self(rights.into_iter().collect())
    }

    /// Reads names of rights.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRight`] if one of them is none.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidRight> {
        let right = |name: &str| PortalRight::ALL.into_iter().find(|right| right.as_str() == name);
        names.into_iter().map(|name| right(name).ok_or(InvalidRight)).collect::<Result<_, _>>().map(Self)
    }

    /// Reads the text of a stored row.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRight`] for a text that [`PortalRights`] does not print.
    pub fn from_stored(text: &str) -> Result<Self, InvalidRight> {
        if text.is_empty() { Ok(Self::default()) } else { Self::parse(text.split(',')) }
    }

    /// Returns true if the rights include this one.
    pub fn allow(&self, right: PortalRight) -> bool {
        self.0.contains(&right)
    }

    /// Returns the names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().map(|right| right.as_str())
    }
}

impl fmt::Display for PortalRights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(","))
    }
}

/// The page that a guest returns to: a URL with `http:` or `https:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnUrl(Box<str>);

/// The error for a text that is no page to return to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an absolute http or https URL of {} bytes or fewer, without user and password", ReturnUrl::MAX_LENGTH)]
pub struct InvalidReturnUrl;

impl ReturnUrl {
    /// The largest length of a URL in bytes.
    pub const MAX_LENGTH: usize = 2048;

    /// Takes an absolute URL with `http:` or `https:`: any other could run a script on a click.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidReturnUrl`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidReturnUrl> {
        let url = Url::parse(text).map_err(|_| InvalidReturnUrl)?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
        let is_bare = url.username().is_empty() && url.password().is_none();
        let text = String::from(url);
        if is_web && is_bare && text.len() <= Self::MAX_LENGTH { Ok(Self(text.into())) } else { Err(InvalidReturnUrl) }
    }

    /// Returns the URL, in its normal form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The portal session that a link opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalGrant {
    /// The owner whose keys the guest sees: a user or an organization, known to Keymint or only to the backend.
    pub owner: OwnerId,
    /// The rights of the guest.
    pub may: PortalRights,
    /// The page that the guest returns to; `None` = there is no way back.
    pub return_url: Option<ReturnUrl>,
    /// The lifetime of the session in seconds, from when it is opened.
    pub lifetime_seconds: u32,
}

impl PortalGrant {
    /// The shortest lifetime of a session in seconds.
    pub const MIN_LIFETIME_SECONDS: u32 = 60;
    /// The longest lifetime of a session in seconds.
    pub const MAX_LIFETIME_SECONDS: u32 = 86_400;
    /// The lifetime of a session in seconds where nobody asks for another.
    pub const DEFAULT_LIFETIME_SECONDS: u32 = 3600;

    /// Opens the session. `id` is no secret, `hash` is that of its token.
    pub fn open(self, id: RowId, hash: TokenHash, now: Timestamp) -> PortalSession {
        let Self { owner, may, return_url, lifetime_seconds } = self;
        let expires_at = now.plus_millis(u64::from(lifetime_seconds) * 1000);
        PortalSession { id, hash, owner, may, return_url, created_at: now, expires_at }
    }
}

/// A portal session, as it is in its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortalSession {
    /// The id, which is no secret: it may be part of a path.
    pub id: RowId,
    /// The hash of the token that its holder presents.
    pub hash: TokenHash,
    /// The owner whose keys the guest sees.
    pub owner: OwnerId,
    /// The rights of the guest.
    pub may: PortalRights,
    /// The page that the guest returns to.
    pub return_url: Option<ReturnUrl>,
    /// The instant at which it was opened.
    pub created_at: Timestamp,
    /// The first instant at which it is no longer valid.
    pub expires_at: Timestamp,
}

impl PortalSession {
    /// Returns true if the session is valid at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_to_return_to_is_on_the_web() {
        for text in ["https://app.example.com", "http://127.0.0.1:3000/a?b#c", "HTTPS://App.example.com/"] {
            assert!(ReturnUrl::parse(text).is_ok(), "{text}");
        }
        let long = format!("https://a.example/{}", "a".repeat(2048));
        for text in [
            "",
            "/keys",
            "app.example.com",
            "//app.example.com",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://a.example",
            "https://u@a.example",
            "https://u:p@a.example",
            "http://",
            &long,
        ] {
            assert_eq!(ReturnUrl::parse(text), Err(InvalidReturnUrl), "{text}");
        }
        assert_eq!(ReturnUrl::parse("https://a.example/\n<b>").unwrap().as_str(), "https://a.example/%3Cb%3E");
    }

    #[test]
    fn rights_are_read_as_they_are_printed() {
        for text in ["", "create", "create,rotate,revoke", "rotate,revoke"] {
            assert_eq!(PortalRights::from_stored(text).map(|rights| rights.to_string()), Ok(text.to_owned()));
        }
        assert_eq!(PortalRights::parse(["revoke", "create", "revoke"]).unwrap().to_string(), "create,revoke");
        for text in ["delete", "create,", "Create", ","] {
            assert_eq!(PortalRights::from_stored(text), Err(InvalidRight), "{text}");
        }
        let rights = PortalRights::new([PortalRight::Create]);
        assert!(rights.allow(PortalRight::Create) && !rights.allow(PortalRight::Revoke));
    }
}
