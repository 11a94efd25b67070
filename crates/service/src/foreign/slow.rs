use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicU32, Ordering};

use argon2::{Algorithm, Argon2, Version};
use governor::{DefaultKeyedRateLimiter, Quota};
use keymint_domain::key::{PlainKey, SlowHash};
use keymint_domain::{ApiKey, KeyId};
use keymint_ports::StoreError;
use subtle::ConstantTimeEq as _;

use crate::{ServiceError, Turns};

/// Computes slow hashes on blocking threads: a few at the same time, which rest as long as they have worked.
pub(super) struct SlowHasher {
    turns: Turns,
    budget: DefaultKeyedRateLimiter<KeyId>,
    checks: AtomicU32,
}

/// The hashes that are computed for one key in a minute. Whoever knows the first characters of a key can make a server
/// compute its hash.
const A_MINUTE: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// The number of checks after which keys at rest are forgotten.
const FORGET_EVERY: u32 = 1024;

impl SlowHasher {
    pub(super) fn new(at_once: NonZeroUsize) -> Self {
        let budget = DefaultKeyedRateLimiter::keyed(Quota::per_minute(A_MINUTE));
        Self { turns: Turns::at_half_time(at_once), budget, checks: AtomicU32::new(0) }
    }

    /// Finds the key whose hash was made of this text.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Overloaded`] if too many callers wait, and if the text is of none of the keys that have
    /// something left of their budget, while others have nothing.
    pub(super) async fn find(
        &self,
        key: &PlainKey,
        candidates: Vec<(ApiKey, SlowHash)>,
    ) -> Result<Option<ApiKey>, ServiceError> {
        let all = candidates.len();
        let affordable: Vec<_> = candidates.into_iter().filter(|(found, _)| self.affords(&found.details.id)).collect();
        let is_short = affordable.len() < all;
        if !affordable.is_empty() {
            let (key, turn) = (key.clone(), self.turns.take().await?);
            let working = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                affordable.into_iter().find(|(_, hash)| matches(&key, hash))
            });
            let found = working.await.map_err(StoreError::unavailable)?;
            if let Some((found, _)) = found {
                return Ok(Some(found));
            }
        }
        if is_short { Err(ServiceError::Overloaded) } else { Ok(None) }
    }

    fn affords(&self, id: &KeyId) -> bool {
        if self.checks.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.budget.retain_recent();
        }
        self.budget.check_key(id).is_ok()
    }
}

/// Returns true if the hash was made of this text.
fn matches(key: &PlainKey, hash: &SlowHash) -> bool {
    let text = key.expose().as_bytes();
    match hash {
        SlowHash::Bcrypt { cost, salt, digest } => bcrypt(text, *cost, *salt, digest),
        SlowHash::Argon2id { version, memory_kib, passes, lanes, salt, digest } => {
            let version = if *version == 16 { Version::V0x10 } else { Version::V0x13 };
            let Ok(parameters) = argon2::Params::new(*memory_kib, *passes, *lanes, Some(digest.len())) else {
                return false;
            };
            let mut computed = vec![0; digest.len()];
            let argon2 = Argon2::new(Algorithm::Argon2id, version, parameters);
            argon2.hash_password_into(text, salt, &mut computed).is_ok() && computed.ct_eq(digest).into()
        }
        SlowHash::Scrypt { log_n, r, p, salt, digest } => {
            let Ok(parameters) = scrypt::Params::new(*log_n, *r, *p) else { return false };
            let mut computed = vec![0; digest.len()];
            scrypt::scrypt(text, salt, &parameters, &mut computed).is_ok() && computed.ct_eq(digest).into()
        }
    }
}

/// Computes bcrypt. It reads 72 bytes, so that it says nothing of the rest of a longer text. U+0000 ends a text, and what
/// follows could be a repetition of it, which has the same hash.
fn bcrypt(text: &[u8], cost: u32, salt: [u8; 16], digest: &[u8; 23]) -> bool {
    const MOST: usize = 72;
    if text.len() > MOST || text.contains(&0) {
        return false;
    }
    let mut ended = [0; MOST];
    ended[..text.len()].copy_from_slice(text);
    let computed = bcrypt::bcrypt(cost, salt, &ended[..(text.len() + 1).min(MOST)]);
    computed[..digest.len()].ct_eq(digest).into()
}
