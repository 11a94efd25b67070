//! Better Auth's password hash (docs/better-auth-wire.md 5.6): scrypt over the NFKC form of the password. Its salt is
//! the *text* of sixteen bytes in hexadecimal, not the bytes themselves.

use std::fmt::Write as _;

use keymint_domain::identity::{Password, PasswordHash};
use scrypt::{Params, scrypt};
use subtle::ConstantTimeEq as _;
use unicode_normalization::UnicodeNormalization as _;

const LOG_N: u8 = 14;
const R: u32 = 16;
const P: u32 = 1;
const KEY_BYTES: usize = 64;

/// Hashes a new password.
pub(super) fn hash(password: &Password, salt: [u8; 16]) -> Option<PasswordHash> {
    let salt = hexadecimal(&salt);
    let key = derive(password, &salt)?;
    Some(PasswordHash::from_stored(format!("{salt}:{}", hexadecimal(&key))))
}

/// Returns true if `password` is the one that was hashed.
///
/// It takes the same time for any stored text. A text that is not such a hash matches no password.
pub(super) fn matches(password: &Password, stored: &PasswordHash) -> bool {
    let (salt, key) = stored.as_str().split_once(':').unwrap_or_default();
    let derived = derive(password, salt).map(|derived| hexadecimal(&derived));
    derived.is_some_and(|derived| derived.as_bytes().ct_eq(key.as_bytes()).into())
}

/// Derives the key. `None` is for parameters that scrypt rejects, which these are not.
fn derive(password: &Password, salt: &str) -> Option<[u8; KEY_BYTES]> {
    let normal: String = password.expose().nfkc().collect();
    let mut key = [0; KEY_BYTES];
    let parameters = Params::new(LOG_N, R, P).ok()?;
    scrypt(normal.as_bytes(), salt.as_bytes(), &parameters, &mut key).ok()?;
    Some(key)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash by `@better-auth/utils` 0.4.2 of the password `pässwörd ﬁ`.
    const MADE_BY_BETTER_AUTH: &str = "20ccc623f3e7a5c133d30ac3badbc142:\
        70516331461f096a0d0e2dee344098ccda2be5272f6bde52ba88e5a573b69fde\
        e525ae20bdd6c8136edfa5c7c5e7ea1d2f863878c044536d041459213cf77e67";

    #[test]
    fn a_hash_that_better_auth_made_matches_its_password() {
        let stored = PasswordHash::from_stored(MADE_BY_BETTER_AUTH);
        assert!(matches(&Password::new("pässwörd ﬁ"), &stored));
        assert!(matches(&Password::new("pa\u{308}sswo\u{308}rd fi"), &stored), "the same text, decomposed");
        assert!(!matches(&Password::new("pässwörd fI"), &stored));
    }

    #[test]
    fn a_hash_has_better_auths_form_and_matches_nothing_else() {
        let hashed = hash(&Password::new("password"), [7; 16]).unwrap();
        let (salt, key) = hashed.as_str().split_once(':').unwrap();
        assert_eq!((salt, key.len()), ("07".repeat(16).as_str(), 128));
        assert!(matches(&Password::new("password"), &hashed));
        for stored in ["", ":", salt, "no:hash", &format!("{salt}:")] {
            assert!(!matches(&Password::new("password"), &PasswordHash::from_stored(stored)), "{stored}");
        }
    }
}
