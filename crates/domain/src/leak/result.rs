use super::{LeakEffect, LeakOutcome};

/// The result of the report of one text, as it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeakResult {
    /// A key is revoked.
    Revoked,
    /// A key expires sooner.
    Expires,
    /// A secret ended, and its key goes on with the other one.
    SecretEnded,
    /// The key stays as it is.
    Unchanged,
    /// No key has such a secret.
    Unknown,
    /// The row of the key cannot be read.
    Unreadable,
}

impl LeakResult {
    /// All results.
    pub const ALL: [Self; 6] =
        [Self::Revoked, Self::Expires, Self::SecretEnded, Self::Unchanged, Self::Unknown, Self::Unreadable];

    /// Returns the result of a report with this outcome. If somebody has copied a row, it is the gravest one.
    pub fn of<E>(outcome: &Result<LeakOutcome, E>) -> Self {
        let Ok(outcome) = outcome else { return Self::Unreadable };
        let results = outcome.keys().iter().map(|key| match key.effect {
            LeakEffect::Revoked => Self::Revoked,
            LeakEffect::Ends(_) => Self::Expires,
            LeakEffect::SecretEnds => Self::SecretEnded,
            LeakEffect::Unchanged => Self::Unchanged,
        });
        results.min_by_key(|result| *result as u8).unwrap_or(Self::Unknown)
    }

    /// Returns the name, as in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Expires => "expires",
            Self::SecretEnded => "secret_ended",
            Self::Unchanged => "unchanged",
            Self::Unknown => "unknown",
            Self::Unreadable => "unreadable",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::leak::LeakedKey;
    use crate::policy::LeakAction;
    use crate::{KeyId, Timestamp};

    #[test]
    fn the_gravest_consequence_counts() {
        let of = |effects: &[LeakEffect]| {
            let key = |effect| LeakedKey {
                id: KeyId::parse("a").unwrap(),
                stored: Vec::new(),
                action: LeakAction::default(),
                effect,
            };
            LeakResult::of::<()>(&Ok(LeakOutcome::Known(effects.iter().copied().map(key).collect())))
        };
        assert_eq!(of(&[LeakEffect::Unchanged]), LeakResult::Unchanged);
        assert_eq!(of(&[LeakEffect::SecretEnds, LeakEffect::Ends(Timestamp::MIN)]), LeakResult::Expires);
        assert_eq!(of(&[LeakEffect::Unchanged, LeakEffect::Revoked]), LeakResult::Revoked);
        assert_eq!(LeakResult::of::<()>(&Ok(LeakOutcome::Unknown)), LeakResult::Unknown);
        assert_eq!(LeakResult::of(&Err(())), LeakResult::Unreadable);
        let mut names = LeakResult::ALL.map(LeakResult::as_str);
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
