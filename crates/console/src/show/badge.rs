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
        let state = key.state(now);
        let tone = match state {
            KeyState::Active if is_soon(key.details.expires_at, now) => {
                return Self { tone: "warn", word: "Expires soon" };
            }
            KeyState::Active => "good",
            KeyState::Disabled | KeyState::Expired => "off",
            KeyState::Exhausted => "warn",
            KeyState::Revoked => "bad",
        };
        Self { tone, word: state_word(state) }
    }
}

/// Returns the word for a state of keys.
pub(crate) fn state_word(state: KeyState) -> &'static str {
    match state {
        KeyState::Active => "Active",
        KeyState::Disabled => "Disabled",
        KeyState::Expired => "Expired",
        KeyState::Exhausted => "Used up",
        KeyState::Revoked => "Revoked",
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
