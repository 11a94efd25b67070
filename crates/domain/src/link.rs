//! Links that are used once: to become the first operator, to choose another password, to open a portal session; and the marks
//! of forms that were sent.

use std::fmt;

use crate::key::PlainKey;
use crate::portal::PortalGrant;
use crate::value::UserId;
use crate::{Randomness, Timestamp};

/// A secret of 256 random bits, which its holder presents. It is never printed, and only its hash is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretToken(PlainKey);

/// The SHA-256 of a token, in base64url without padding.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenHash(Box<str>);

impl SecretToken {
    /// The length of a token in characters.
    pub const LENGTH: usize = 43;

    /// Generates a token.
    pub fn random(fill: Randomness<'_>) -> Self {
        Self(PlainKey::generate("", 32, fill))
    }

    /// Takes the text that somebody presented. `None` = no token looks like it, so that it need not be looked up.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (text.len() == Self::LENGTH && text.bytes().all(fits)).then(|| Self(PlainKey::new(text)))
    }

    /// Returns the text, for the one link or cookie that holds it.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// Returns the hash to store.
    pub fn hash(&self) -> TokenHash {
        TokenHash(self.0.hash().as_str().into())
    }
}

impl fmt::Debug for SecretToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretToken")
    }
}

impl TokenHash {
    /// Takes the text of a stored row.
    pub fn from_stored(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the text for a row.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash")
    }
}

/// The purpose of a link, with all that its use needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkPurpose {
    /// Makes the first operator.
    Claim,
    /// Lets this user choose another password. It ends when their password is set, by whatever way.
    Reset(UserId),
    /// Opens a portal session.
    Portal(PortalGrant),
    /// Marks a form of the console as sent. Nobody opens it.
    Form,
}

impl LinkPurpose {
    /// Returns the name: in the link's path, and in its row.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Claim => Self::CLAIM,
            Self::Reset(_) => Self::RESET,
            Self::Portal(_) => Self::PORTAL,
            Self::Form => Self::FORM,
        }
    }

    /// The name of [`LinkPurpose::Claim`].
    pub const CLAIM: &'static str = "claim";
    /// The name of [`LinkPurpose::Reset`].
    pub const RESET: &'static str = "reset";
    /// The name of [`LinkPurpose::Portal`].
    pub const PORTAL: &'static str = "portal";
    /// The name of [`LinkPurpose::Form`].
    pub const FORM: &'static str = "form";

    /// Returns the time for which a link is valid, in milliseconds.
    pub fn lifetime_ms(&self) -> u64 {
        match self {
            Self::Claim => 3_600_000,
            Self::Reset(_) | Self::Form => 86_400_000,
            Self::Portal(_) => 300_000,
        }
    }
}

/// A link, as it is in its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The hash of its token.
    pub hash: TokenHash,
    /// Its purpose.
    pub purpose: LinkPurpose,
    /// The instant at which it was made.
    pub created_at: Timestamp,
    /// The first instant at which it is no longer valid.
    pub expires_at: Timestamp,
}

/// A link that was just made, with the token that is never seen again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// The token.
    pub token: SecretToken,
    /// The link.
    pub link: Link,
}

impl Link {
    /// Makes a link.
    pub fn begin(purpose: LinkPurpose, fill: Randomness<'_>, now: Timestamp) -> NewLink {
        let token = SecretToken::random(fill);
        let expires_at = now.plus_millis(purpose.lifetime_ms());
        NewLink { link: Self { hash: token.hash(), purpose, created_at: now, expires_at }, token }
    }

    /// Makes the mark of a form that is sent at `now`. Its token is in the form.
    pub fn of_form(token: &SecretToken, now: Timestamp) -> Self {
        let purpose = LinkPurpose::Form;
        Self { hash: token.hash(), expires_at: now.plus_millis(purpose.lifetime_ms()), purpose, created_at: now }
    }

    /// Returns true if the link may be used at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

impl NewLink {
    /// Returns the URL on a server whose scheme, host and port are `base_url`.
    pub fn url(&self, base_url: &str) -> String {
        format!("{base_url}/console/{}/{}", self.link.purpose.name(), self.token.expose())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn a_link_is_valid_for_its_time_and_not_at_its_end() {
        for (purpose, lifetime) in
            [(LinkPurpose::Claim, 3_600_000), (LinkPurpose::Reset(UserId::parse("ada").unwrap()), 86_400_000)]
        {
            let made = Link::begin(purpose, &mut |bytes: &mut [u8]| bytes.fill(1), NOW);
            assert!(made.link.is_valid(NOW.plus_millis(lifetime - 1)));
            assert!(!made.link.is_valid(NOW.plus_millis(lifetime)));
        }
    }

    #[test]
    fn a_token_is_read_as_it_is_made_and_nothing_else_is_one() {
        let made = Link::begin(LinkPurpose::Claim, &mut |bytes: &mut [u8]| bytes.fill(0xff), NOW);
        assert_eq!(made.token.expose().len(), SecretToken::LENGTH);
        assert_eq!(SecretToken::parse(made.token.expose()), Some(made.token.clone()));
        assert_eq!(made.url("http://a.example"), format!("http://a.example/console/claim/{}", made.token.expose()));
        for text in ["", "a", &"a".repeat(42), &"a".repeat(44), &format!("{}=", "a".repeat(42)), &"ä".repeat(21)] {
            assert_eq!(SecretToken::parse(text), None, "{text}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let made = Link::begin(LinkPurpose::Claim, &mut |bytes: &mut [u8]| bytes.fill(7), NOW);
        let text = format!("{made:?}");
        assert!(!text.contains(made.token.expose()) && !text.contains(made.link.hash.as_str()), "{text}");
    }
}
