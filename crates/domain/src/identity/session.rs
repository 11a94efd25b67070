use std::fmt;

use crate::value::{RowId, UserId, alphanumeric};
use crate::{Randomness, Timestamp};

/// A session, as it is in its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The row's id.
    pub id: RowId,
    /// The token that the session's holder presents.
    pub token: SessionToken,
    /// The user whose session it is.
    pub user_id: UserId,
    /// The last instant at which the session is valid.
    pub expires_at: Timestamp,
    /// The instant at which the session began.
    pub created_at: Timestamp,
    /// The instant at which the session was last refreshed.
    pub updated_at: Timestamp,
    /// The client that began the session.
    pub client: Client,
    /// The organization that the user works in, if Better Auth's plugin has set it.
    pub active_organization_id: Option<String>,
}

/// The client that began a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Client {
    /// The client's network address.
    pub ip_address: Option<String>,
    /// The browser's `User-Agent`.
    pub user_agent: Option<String>,
}

impl Client {
    /// The largest length of a `User-Agent` that is kept, in characters. A longer one is cut.
    pub const MAX_USER_AGENT: usize = 512;
}

/// The token that a session's holder presents. It is never printed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionToken(Box<str>);

impl SessionToken {
    /// Takes a text that a client presented, or that is in a row.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Generates 32 characters of `[a-zA-Z0-9]` (docs/better-auth-wire.md 4.6).
    pub fn random(fill: Randomness<'_>) -> Self {
        Self(alphanumeric::<32>(fill).into())
    }

    /// Returns the text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken")
    }
}

/// The lifetime of sessions (docs/better-auth-wire.md 4.7, 4.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLifetime {
    /// The lifetime from sign-in, or from the last refresh, in milliseconds.
    pub expires_in_ms: u64,
}

const DAY_MS: u64 = 86_400_000;

impl SessionLifetime {
    /// The age at which a session is refreshed, in milliseconds.
    const REFRESH_AFTER_MS: u64 = DAY_MS;
    /// The longest lifetime of a session that is not to be remembered, in milliseconds.
    const FORGOTTEN_AFTER_MS: u64 = DAY_MS;

    /// Returns true if a session that expires at `expires_at` is to be refreshed.
    pub fn is_refresh_due(self, expires_at: Timestamp, now: Timestamp) -> bool {
        expires_at.minus_millis(self.expires_in_ms).plus_millis(Self::REFRESH_AFTER_MS) <= now
    }

    /// Returns the end of a session that begins or is refreshed at `now`.
    pub fn end(self, now: Timestamp) -> Timestamp {
        now.plus_millis(self.expires_in_ms)
    }

    fn end_of(self, remember: bool, now: Timestamp) -> Timestamp {
        if remember { self.end(now) } else { now.plus_millis(self.expires_in_ms.min(Self::FORGOTTEN_AFTER_MS)) }
    }
}

impl Default for SessionLifetime {
    /// A week.
    fn default() -> Self {
        Self { expires_in_ms: 7 * DAY_MS }
    }
}

impl Session {
    /// Begins a new session. One that is not to be remembered lives for a day at most.
    pub fn begin(
        user_id: UserId,
        client: Client,
        lifetime: SessionLifetime,
        remember: bool,
        fill: Randomness<'_>,
        now: Timestamp,
    ) -> Self {
        Self {
            id: RowId::random(fill),
            token: SessionToken::random(fill),
            user_id,
            expires_at: lifetime.end_of(remember, now),
            created_at: now,
            updated_at: now,
            client,
            active_organization_id: None,
        }
    }

    /// Returns true if the session began less than a day ago, as some requests demand.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now < self.created_at.plus_millis(DAY_MS)
    }

    /// Returns true if the session has ended. It is still valid at the instant `expires_at` itself.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at < now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn begin(remember: bool) -> Session {
        let ada = UserId::parse("ada").unwrap();
        let fill = &mut |bytes: &mut [u8]| bytes.fill(1);
        Session::begin(ada, Client::default(), SessionLifetime::default(), remember, fill, NOW)
    }

    #[test]
    fn a_session_lives_for_a_week_or_a_day_and_its_last_instant_counts() {
        for (remember, days) in [(true, 7), (false, 1)] {
            let session = begin(remember);
            assert_eq!(session.expires_at, NOW.plus_millis(days * DAY_MS));
            assert!(!session.is_expired(session.expires_at));
            assert!(session.is_expired(session.expires_at.plus_millis(1)));
        }
    }

    #[test]
    fn no_session_outlives_what_is_configured() {
        let minute = SessionLifetime { expires_in_ms: 60_000 };
        assert_eq!(minute.end_of(false, NOW), NOW.plus_millis(60_000));
    }

    #[test]
    fn a_session_is_refreshed_when_it_is_a_day_old() {
        let (lifetime, session) = (SessionLifetime::default(), begin(true));
        assert!(!lifetime.is_refresh_due(session.expires_at, NOW.plus_millis(DAY_MS - 1)));
        assert!(lifetime.is_refresh_due(session.expires_at, NOW.plus_millis(DAY_MS)));
    }

    #[test]
    fn debug_hides_the_token() {
        assert_eq!(format!("{:?}", SessionToken::new("hush")), "SessionToken");
    }
}
