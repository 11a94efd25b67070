use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The secret that signs cookies and from which other keys are derived. It is never printed.
#[derive(Clone)]
pub struct CookieSecret {
    cookies: Hmac<Sha256>,
    keys: Hkdf<Sha256>,
}

/// Two secrets are equal if they sign alike.
impl PartialEq for CookieSecret {
    fn eq(&self, other: &Self) -> bool {
        let signature = |secret: &Self| secret.cookies.clone().finalize();
        signature(self) == signature(other)
    }
}

/// The error of a secret that everybody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be a secret: not empty, and not the one that Better Auth uses for development")]
pub struct InvalidSecret;

/// The default secret of Better Auth (docs/better-auth-wire.md 4.5).
const KNOWN_TO_EVERYBODY: &str = "better-auth-secret-12345678901234567890";

/// The length of a signature: 32 bytes in base64, with padding.
const SIGNATURE_LENGTH: usize = 44;

/// Separates derived keys from others that are derived from a secret which Better Auth has too.
const SALT: &[u8] = b"keymint";

impl CookieSecret {
    /// Parses any text but an empty one and Better Auth's default. It should have 32 or more random characters.
    ///
    /// # Errors
    ///
    /// The text is empty, or everybody knows it.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        if text.is_empty() || text == KNOWN_TO_EVERYBODY {
            return Err(InvalidSecret);
        }
        let cookies = Hmac::new_from_slice(text.as_bytes()).map_err(|_| InvalidSecret)?;
        Ok(Self { cookies, keys: Hkdf::new(Some(SALT), text.as_bytes()) })
    }

    /// Derives a key for `purpose` that reveals nothing of the secret or of other keys (HKDF-SHA-256, RFC 5869). `None` =
    /// never, for a key of this length.
    pub fn derive(&self, purpose: &str) -> Option<[u8; 32]> {
        let mut key = [0; 32];
        self.keys.expand(purpose.as_bytes(), &mut key).ok().map(|()| key)
    }

    /// Returns `<value>.<signature>`; the signature is HMAC-SHA-256 in padded base64 (docs/better-auth-wire.md 4.3).
    pub(super) fn sign(&self, value: &str) -> String {
        let signature = self.cookies.clone().chain_update(value).finalize().into_bytes();
        format!("{value}.{}", STANDARD.encode(signature))
    }

    /// Returns the value, if its signature is right.
    pub(super) fn verify<'a>(&self, signed: &'a str) -> Option<&'a str> {
        let (value, signature) = signed.rsplit_once('.').filter(|(value, _)| !value.is_empty())?;
        if signature.len() != SIGNATURE_LENGTH {
            return None;
        }
        let signature = STANDARD.decode(signature).ok()?;
        self.cookies.clone().chain_update(value).verify_slice(&signature).ok().map(|()| value)
    }
}

impl fmt::Debug for CookieSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CookieSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_verifies_and_nothing_else_does() {
        let secret = CookieSecret::parse(&"s".repeat(32)).unwrap();
        let signed = secret.sign("token");
        assert_eq!(secret.verify(&signed), Some("token"));
        assert!(signed.ends_with('='));
        let other = CookieSecret::parse(&"t".repeat(32)).unwrap().sign("token");
        let cut = &signed[..signed.len() - 1];
        let moved = signed.replace("token", "Token");
        let unnamed = secret.sign("");
        for forged in ["", ".", "token", "token.", other.as_str(), cut, moved.as_str(), unnamed.as_str()] {
            assert_eq!(secret.verify(forged), None, "{forged}");
        }
    }

    #[test]
    fn better_auths_signature_is_ours() {
        let secret = CookieSecret::parse(&"x".repeat(40)).unwrap();
        // Seen on a server of 1.7.7 with this secret.
        let signed = "EpXykRx7MeOJZWh0v5EorW30aFzNYZdC.RVsavAc4ebgyLWJ/HN4ysDGvoKn19H1gJLsPPi43YJY=";
        assert_eq!(secret.sign("EpXykRx7MeOJZWh0v5EorW30aFzNYZdC"), signed);
    }

    #[test]
    fn what_everybody_knows_is_no_secret_and_none_is_printed() {
        for text in ["", KNOWN_TO_EVERYBODY] {
            assert_eq!(CookieSecret::parse(text).unwrap_err(), InvalidSecret);
        }
        assert_eq!(format!("{:?}", CookieSecret::parse(&"s".repeat(32))), "Ok(CookieSecret)");
    }
}
