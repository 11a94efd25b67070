use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use keymint_domain::Timestamp;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::callers::session::CookieSecret;

/// The Ed25519 key that signs assertions in one period.
///
/// It is derived from the server's secret and the number of the period, and kept nowhere: processes with one secret have
/// the same keys, and change them at the same instant.
pub(super) struct SigningKey {
    pub(super) period: Period,
    key: ed25519_dalek::SigningKey,
    /// The JOSE header, encoded.
    header: String,
}

/// Thirty days, counted from 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period(i64);

/// A public key as a JWK (RFC 8037 2).
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PublicKey {
    kty: &'static str,
    crv: &'static str,
    x: String,
    kid: String,
    alg: &'static str,
    r#use: &'static str,
}

const ALGORITHM: &str = "EdDSA";

impl Period {
    const MILLIS: i64 = 30 * 24 * 60 * 60 * 1000;

    /// Returns the period that `now` is in.
    pub(super) fn at(now: Timestamp) -> Self {
        Self(now.as_millis().div_euclid(Self::MILLIS))
    }

    /// Returns the period before this one, this one, and the next.
    pub(super) fn around(self) -> [Self; 3] {
        [-1, 0, 1].map(|step| Self(self.0 + step))
    }
}

impl SigningKey {
    /// Derives the key of `period`. `None` = never, for a key of this length.
    pub(super) fn derive(secret: &CookieSecret, period: Period) -> Option<Self> {
        let seed = secret.derive(&format!("assertion {}", period.0))?;
        Some(Self::new(period, &seed))
    }

    fn new(period: Period, seed: &[u8; 32]) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let kid = PublicKey::of(&key).kid;
        let header = URL_SAFE_NO_PAD.encode(format!(r#"{{"alg":"{ALGORITHM}","typ":"JWT","kid":"{kid}"}}"#));
        Self { period, key, header }
    }

    /// Returns a JWS of `payload` in the compact form (RFC 7515 7.1).
    pub(super) fn sign(&self, payload: &[u8]) -> String {
        compact(&self.key, &self.header, payload)
    }

    pub(super) fn public(&self) -> PublicKey {
        PublicKey::of(&self.key)
    }
}

fn compact(key: &ed25519_dalek::SigningKey, header: &str, payload: &[u8]) -> String {
    let mut text = String::with_capacity(header.len() + payload.len().div_ceil(3) * 4 + 90);
    text.push_str(header);
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(payload, &mut text);
    let signature = key.sign(text.as_bytes()).to_bytes();
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    text
}

impl PublicKey {
    fn of(key: &ed25519_dalek::SigningKey) -> Self {
        let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
        // The thumbprint of RFC 7638: a digest of the required members, sorted.
        let kid = URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)));
        Self { kty: "OKP", crv: "Ed25519", x, kid, alg: ALGORITHM, r#use: "sig" }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("period", &self.period).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendix A.1.
    const SEED: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

    fn example() -> ed25519_dalek::SigningKey {
        let seed = URL_SAFE_NO_PAD.decode(SEED).unwrap();
        ed25519_dalek::SigningKey::from_bytes(&seed.try_into().unwrap())
    }

    #[test]
    fn the_examples_of_rfc_8037_are_ours() {
        let public = PublicKey::of(&example());
        assert_eq!(public.x, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "A.2");
        assert_eq!(public.kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k", "A.3");
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA"}"#);
        let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIb\
            QR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        assert_eq!(compact(&example(), &header, b"Example of Ed25519 signing"), signed, "A.4");
    }

    #[test]
    fn a_secret_has_one_key_a_period_and_another_secret_has_others() {
        let public = |secret: &str, period| {
            let secret = CookieSecret::parse(&secret.repeat(32)).unwrap();
            SigningKey::derive(&secret, Period(period)).unwrap().public()
        };
        assert_eq!(public("s", 655), public("s", 655));
        assert_ne!(public("s", 655), public("s", 656));
        assert_ne!(public("s", 655), public("t", 655));
        let by_another_library = "7FrZJj1Z54z4X9EbiBNohCstq8KbeaTZERbQb_PDlfM";
        assert_eq!(
            public("s", 655).x,
            by_another_library,
            "nothing but a new label may change the keys of a running server"
        );
    }

    #[test]
    fn a_period_has_thirty_days() {
        let at = |millis| Period::at(Timestamp::from_millis(millis)).0;
        assert_eq!([-1, 0, 2_591_999_999, 2_592_000_000].map(at), [-1, 0, 0, 1]);
        assert_eq!(Period(7).around(), [6, 7, 8].map(Period));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let seed = URL_SAFE_NO_PAD.decode(SEED).unwrap();
        let key = SigningKey::new(Period(7), &seed.try_into().unwrap());
        assert_eq!(format!("{key:?}"), "SigningKey { period: Period(7), .. }");
    }
}
