use std::cmp::Reverse;

use keymint_domain::usage::Standing;
use sfv::{Integer, KeyRef, ListSerializer, StringRef, key_ref};

use super::{LimitFields, RATE_LIMIT, RATE_LIMIT_POLICY, X_LIMIT, X_REMAINING, X_RESET};

/// The usual size of two limits, in bytes.
const USUAL: usize = 64;

impl LimitFields {
    /// Writes the state of a key's limits, each field by one call of `put` with its name and its value, which is ASCII. Seconds
    /// are rounded up, so that no client retries too early.
    pub fn write(self, standings: impl IntoIterator<Item = Standing>, put: impl FnMut(&'static str, String)) {
        match self {
            Self::Draft11 | Self::Draft12 => self.write_lists(standings, put),
            Self::XRateLimit => write_numbers(standings, put),
            Self::None => {}
        }
    }

    fn write_lists(self, standings: impl IntoIterator<Item = Standing>, mut put: impl FnMut(&'static str, String)) {
        let (available, window) = self.parameters();
        let parameter = |name| KeyRef::from_str(name).unwrap_or(key_ref("r"));
        let (available, window) = (parameter(available), parameter(window));
        let (mut policies, mut left) = (String::with_capacity(USUAL), String::with_capacity(USUAL));
        let mut policy = ListSerializer::with_buffer(&mut policies);
        let mut rest = ListSerializer::with_buffer(&mut left);
        for Standing { limit, max, window_ms, remaining, more_in_ms } in standings {
            let Ok(limit) = StringRef::from_str(limit) else { continue };
            let item = policy.bare_item(limit).parameter(key_ref("q"), integer(max));
            // A remote Keymint may not tell it.
            if window_ms > 0 {
                let _ = item.parameter(key_ref("w"), integer(window_ms.div_ceil(1000)));
            }
            let item = rest.bare_item(limit).parameter(available, integer(remaining));
            if let Some(wait) = more_in_ms {
                let _ = item.parameter(window, integer(wait.div_ceil(1000)));
            }
        }
        for (name, list) in [(RATE_LIMIT_POLICY, policy.finish()), (RATE_LIMIT, rest.finish())] {
            if let Some(list) = list {
                put(name, std::mem::take(list));
            }
        }
    }
}

/// Writes the limit that is reached first; of two the one that keeps the client waiting for longer.
fn write_numbers(standings: impl IntoIterator<Item = Standing>, mut put: impl FnMut(&'static str, String)) {
    let first = standings.into_iter().min_by_key(|standing| {
        // Without an end of the wait it is the longest.
        (standing.remaining, Reverse(standing.more_in_ms.unwrap_or(u64::MAX)))
    });
    let Some(Standing { limit: _, max, window_ms: _, remaining, more_in_ms }) = first else { return };
    put(X_LIMIT, max.to_string());
    put(X_REMAINING, remaining.to_string());
    if let Some(wait) = more_in_ms {
        put(X_RESET, wait.div_ceil(1000).to_string());
    }
}

/// Returns a count as a structured field holds it (RFC 9651 3.3.1).
fn integer(count: u64) -> Integer {
    Integer::try_from(count).unwrap_or(Integer::MAX)
}
