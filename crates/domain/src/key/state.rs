use std::ops::AddAssign;

use crate::{ApiKey, Timestamp};

/// The state of a key at an instant: the first that applies of revoked, disabled, expired and exhausted, else active.
///
/// It is for counting keys. Only the validation chain decides whether a key may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// None of the states below. The owner may be banned, and the limits may be used up for now.
    Active,
    /// Refused until it is enabled again.
    Disabled,
    /// After its last valid instant.
    Expired,
    /// Its quota is used up, and nothing refills it.
    Exhausted,
    /// Refused for good.
    Revoked,
}

/// The facts that decide a key's state, as a store reads them from a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and a column of its own in a statement")]
pub struct StateFacts {
    /// The key has a revocation.
    pub is_revoked: bool,
    /// The key is enabled.
    pub is_enabled: bool,
    /// The key expired before the instant in question.
    pub is_expired: bool,
    /// The key has a quota, of which nothing is left.
    pub has_none_left: bool,
    /// The key has a refill amount.
    pub is_refilled: bool,
}

impl StateFacts {
    /// The numbers of the facts, which their sum tells apart: in the order of the members.
    pub const NUMBERS: [u8; 5] = [1, 2, 4, 8, 16];

    /// Returns the facts of a sum of [`NUMBERS`](Self::NUMBERS).
    pub fn from_sum(sum: u8) -> Self {
        let [is_revoked, is_enabled, is_expired, has_none_left, is_refilled] =
            Self::NUMBERS.map(|number| sum & number != 0);
        Self { is_revoked, is_enabled, is_expired, has_none_left, is_refilled }
    }
}

/// The number of keys in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyCounts([u64; KeyState::ALL.len()]);

impl KeyState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Active, Self::Disabled, Self::Expired, Self::Exhausted, Self::Revoked];

    /// Returns the state that follows from these facts.
    pub fn of(facts: StateFacts) -> Self {
        match facts {
            StateFacts { is_revoked: true, .. } => Self::Revoked,
            StateFacts { is_enabled: false, .. } => Self::Disabled,
            StateFacts { is_expired: true, .. } => Self::Expired,
            StateFacts { has_none_left: true, is_refilled: false, .. } => Self::Exhausted,
            _ => Self::Active,
        }
    }

    /// Returns the sums of all facts from which this state follows: a store that selects by a state repeats no rule.
    pub fn sums(self) -> impl Iterator<Item = u8> {
        let count: u8 = 1 << StateFacts::NUMBERS.len();
        (0..count).filter(move |sum| Self::of(StateFacts::from_sum(*sum)) == self)
    }

    /// Returns the name of the state, in lower case.
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
    /// Returns the number of keys in this state.
    pub fn of(&self, state: KeyState) -> u64 {
        self.0[state as usize]
    }

    /// Returns the number of keys in all states.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Adds `keys` keys in this state.
    pub fn add(&mut self, state: KeyState, keys: u64) {
        self.0[state as usize] += keys;
    }
}

impl AddAssign for KeyCounts {
    /// Adds the counts of another portion.
    fn add_assign(&mut self, other: Self) {
        for state in KeyState::ALL {
            self.add(state, other.of(state));
        }
    }
}

impl ApiKey {
    /// Returns the state of the key at `now`.
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
    fn every_sum_of_facts_is_of_one_state() {
        let mut sums: Vec<_> = KeyState::ALL.into_iter().flat_map(KeyState::sums).collect();
        sums.sort_unstable();
        assert_eq!(sums, (0..32).collect::<Vec<_>>());
        let enabled_and_used_up = StateFacts::from_sum(2 + 8);
        assert_eq!(KeyState::of(enabled_and_used_up), KeyState::Exhausted);
        assert!(KeyState::Exhausted.sums().eq([2 + 8]));
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
