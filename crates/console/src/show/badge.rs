use std::fmt;

use askama::filters::HtmlSafe;
use keymint_domain::key::KeyState;
use keymint_domain::{ApiKey, Timestamp};

/// A word about a state, with a colour that repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Badge {
    tone: &'static str,
    word: &'static str,
}

/// The days before its end from which a key is said to expire soon.
const SOON_MS: u64 = 7 * 86_400_000;

impl Badge {
    /// Returns the state of a key.
    pub(crate) fn of(key: &ApiKey, now: Timestamp) -> Self {
        match key.state(now) {
            KeyState::Active if is_soon(key.details.expires_at, now) => Self { tone: "warn", word: "Expires soon" },
            KeyState::Active => Self { tone: "good", word: "Active" },
            KeyState::Disabled => Self { tone: "off", word: "Disabled" },
            KeyState::Expired => Self { tone: "off", word: "Expired" },
            KeyState::Exhausted => Self { tone: "warn", word: "Used up" },
            KeyState::Revoked => Self { tone: "bad", word: "Revoked" },
        }
    }
}

/// Returns true if an instant comes within a week.
pub(crate) fn is_soon(at: Option<Timestamp>, now: Timestamp) -> bool {
    at.is_some_and(|at| at >= now && at.millis_since(now) <= SOON_MS)
}

impl fmt::Display for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<span class=\"badge {}\">{}</span>", self.tone, self.word)
    }
}

/// Both of its texts are its own.
impl HtmlSafe for Badge {}
