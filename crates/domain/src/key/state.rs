use std::ops::AddAssign;

use crate::{ApiKey, Timestamp};

/// How a key stands at an instant, in one word: the first that applies of revoked, disabled, expired and exhausted, else
/// active. It is for those who count keys; whether one may be used is decided by the chain alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Nothing of the below. Its owner may be banned, and its limits may be used up for now.
    Active,
    /// Refused until it is enabled again.
    Disabled,
    /// Past its last instant.
    Expired,
    /// Its quota is used up, and nothing refills it.
    Exhausted,
    /// Stopped for good.
    Revoked,
}

/// What decides on a key's state, as a store reads it off a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and a column of its own in a statement")]
pub struct StateFacts {
    /// It has a revocation.
    pub is_revoked: bool,
    /// It is enabled.
    pub is_enabled: bool,
    /// It expires, and did so before the instant in question.
    pub is_expired: bool,
    /// It has a quota, of which nothing is left.
    pub has_none_left: bool,
    /// It has an amount to be refilled with.
    pub is_refilled: bool,
}

/// How many keys there are, by their state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyCounts([u64; KeyState::ALL.len()]);

impl KeyState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Active, Self::Disabled, Self::Expired, Self::Exhausted, Self::Revoked];

    /// The state that follows from these facts.
    pub fn of(facts: StateFacts) -> Self {
        match facts {
            StateFacts { is_revoked: true, .. } => Self::Revoked,
            StateFacts { is_enabled: false, .. } => Self::Disabled,
            StateFacts { is_expired: true, .. } => Self::Expired,
            StateFacts { has_none_left: true, is_refilled: false, .. } => Self::Exhausted,
            _ => Self::Active,
        }
    }

    /// Its name, in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::Exhausted => "exhausted",
            Self::Revoked => "revoked",
        }
    }
}

impl KeyCounts {
    /// Keys of this state.
    pub fn of(&self, state: KeyState) -> u64 {
        self.0[state as usize]
    }

    /// Keys of all states.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Counts so many keys more.
    pub fn add(&mut self, state: KeyState, keys: u64) {
        self.0[state as usize] += keys;
    }
}

impl AddAssign for KeyCounts {
    /// Counts the keys of another portion too.
    fn add_assign(&mut self, other: Self) {
        for state in KeyState::ALL {
            self.add(state, other.of(state));
        }
    }
}

impl ApiKey {
    /// How the key stands at `now`.
    pub fn state(&self, now: Timestamp) -> KeyState {
        KeyState::of(StateFacts {
            is_revoked: self.details.revocation.is_some(),
            is_enabled: self.details.enabled,
            is_expired: self.is_expired(now),
            has_none_left: self.usage.remaining == Some(0),
            is_refilled: self.details.refill_amount.is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_reason_names_the_state() {
        let all = StateFacts {
            is_revoked: true,
            is_enabled: false,
            is_expired: true,
            has_none_left: true,
            is_refilled: false,
        };
        let unrevoked = StateFacts { is_revoked: false, ..all };
        let enabled = StateFacts { is_enabled: true, ..unrevoked };
        let unexpired = StateFacts { is_expired: false, ..enabled };
        for (facts, state) in [
            (all, KeyState::Revoked),
            (unrevoked, KeyState::Disabled),
            (enabled, KeyState::Expired),
            (unexpired, KeyState::Exhausted),
            (StateFacts { is_refilled: true, ..unexpired }, KeyState::Active),
            (StateFacts { has_none_left: false, ..unexpired }, KeyState::Active),
        ] {
            assert_eq!(KeyState::of(facts), state, "{facts:?}");
        }
    }

    #[test]
    fn each_state_has_its_own_count_and_name() {
        let mut counts = KeyCounts::default();
        for (number, state) in (1..).zip(KeyState::ALL) {
            counts.add(state, number);
        }
        counts.add(KeyState::Active, 10);
        assert_eq!(KeyState::ALL.map(|state| counts.of(state)), [11, 2, 3, 4, 5]);
        counts += counts;
        assert_eq!(KeyState::ALL.map(|state| counts.of(state)), [22, 4, 6, 8, 10]);
        assert_eq!(counts.total(), 50);
        assert_eq!(KeyState::ALL.map(KeyState::as_str), ["active", "disabled", "expired", "exhausted", "revoked"]);
    }
}
