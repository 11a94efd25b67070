use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::{Randomness, Timestamp};

/// The secret by which an endpoint recognizes deliveries: 24 to 64 bytes, written `whsec_` and base64.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(Box<[u8]>);

/// The error for a text that is not a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be whsec_ and the base64 of 24 to 64 bytes")]
pub struct InvalidSecret;

impl WebhookSecret {
    const PREFIX: &'static str = "whsec_";
    /// The number of bytes of a generated secret: the size of SHA-256, which more would not strengthen.
    const GENERATED: usize = 32;

    /// Reads a secret.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidSecret`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidSecret> {
        let bytes = text.strip_prefix(Self::PREFIX).and_then(|text| STANDARD.decode(text).ok());
        bytes.filter(|bytes| (24..=64).contains(&bytes.len())).map(|bytes| Self(bytes.into())).ok_or(InvalidSecret)
    }

    /// Generates a secret of 32 bytes.
    pub fn generate(fill: Randomness<'_>) -> Self {
        let mut bytes = [0; Self::GENERATED];
        fill(&mut bytes);
        Self(bytes.into())
    }

    /// Returns the text, for the store and for the one time that it is shown.
    pub fn expose(&self) -> String {
        format!("{}{}", Self::PREFIX, STANDARD.encode(&self.0))
    }

    /// Returns the signature of a delivery after Standard Webhooks: `v1,` and the base64 of an HMAC-SHA256 over
    /// `{id}.{seconds}.{body}`.
    fn sign(&self, id: &str, seconds: i64, body: &str) -> String {
        // An HMAC takes a key of any length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else {
            return String::new();
        };
        for part in [id, ".", &seconds.to_string(), ".", body] {
            mac.update(part.as_bytes());
        }
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret")
    }
}

/// The secrets of an endpoint: the one in use, and until its end the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSecrets {
    /// The secret that signs.
    pub current: WebhookSecret,
    /// The secret before, which also signs until this instant.
    pub previous: Option<(WebhookSecret, Timestamp)>,
}

impl WebhookSecrets {
    /// The longest time that an old secret signs beside a new one: 30 days in milliseconds.
    pub const MAX_OVERLAP_MS: u64 = 30 * 24 * 3_600_000;

    /// Returns the secrets of a new endpoint.
    pub fn new(current: WebhookSecret) -> Self {
        Self { current, previous: None }
    }

    /// Replaces the secret. The one in use until now also signs for `overlap_ms` longer, at most
    /// [`Self::MAX_OVERLAP_MS`]; an even older one ends at once.
    #[must_use]
    pub fn rotate(self, new: WebhookSecret, now: Timestamp, overlap_ms: u64) -> Self {
        let end = now.plus_millis(overlap_ms.min(Self::MAX_OVERLAP_MS));
        Self { current: new, previous: (overlap_ms > 0).then_some((self.current, end)) }
    }

    /// Returns the header `webhook-signature` of a delivery that is sent at `now`: a signature of each secret that is in
    /// use, with spaces between.
    pub fn signatures(&self, id: &str, now: Timestamp, body: &str) -> String {
        let seconds = now.as_millis().div_euclid(1000);
        let previous = self.previous.as_ref().filter(|(_, end)| now < *end).map(|(secret, _)| secret);
        let signatures = [Some(&self.current), previous].into_iter().flatten();
        signatures.map(|secret| secret.sign(id, seconds, body)).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_614_265_330_999);

    fn secret(byte: u8) -> WebhookSecret {
        WebhookSecret([byte; 32].into())
    }

    #[test]
    fn the_specifications_example_is_signed_as_there() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_has_its_prefix_and_24_to_64_bytes() {
        for bytes in [24, 32, 64] {
            let text = format!("whsec_{}", STANDARD.encode(vec![7; bytes]));
            assert_eq!(WebhookSecret::parse(&text).map(|secret| secret.expose()), Ok(text));
        }
        let (short, long) = (STANDARD.encode([7; 23]), STANDARD.encode([7; 65]));
        let (bare, right) = (STANDARD.encode([7; 32]), STANDARD.encode([7; 24]));
        for text in ["", "whsec_", "whsec_!", &bare, &format!("whsec_{short}"), &format!("whsec_{long}")] {
            assert_eq!(WebhookSecret::parse(text), Err(InvalidSecret), "{text}");
        }
        assert_eq!(WebhookSecret::parse(&format!("WHSEC_{right}")), Err(InvalidSecret));
        let made = WebhookSecret::generate(&mut |bytes: &mut [u8]| bytes.fill(1));
        assert_eq!(WebhookSecret::parse(&made.expose()), Ok(made));
    }

    #[test]
    fn no_debug_output_shows_a_secret() {
        let secrets = WebhookSecrets::new(secret(1)).rotate(secret(2), NOW, 1000);
        assert!(!format!("{secrets:?}").contains("AQEB"), "{secrets:?}");
        assert_eq!(format!("{:?}", secret(1)), "WebhookSecret");
    }

    #[test]
    fn two_secrets_sign_until_the_end_of_the_old_one() {
        let secrets = WebhookSecrets::new(secret(1)).rotate(secret(2), NOW, 1000);
        let both = secrets.signatures("id", NOW.plus_millis(999), "body");
        let one = secrets.signatures("id", NOW.plus_millis(1000), "body");
        assert_eq!((both.split(' ').count(), one.split(' ').count()), (2, 1));
        assert_eq!(WebhookSecrets::new(secret(1)).rotate(secret(2), NOW, 0).previous, None);
        let twice = secrets.rotate(secret(3), NOW, u64::MAX);
        let end = NOW.plus_millis(WebhookSecrets::MAX_OVERLAP_MS);
        assert_eq!(twice.previous, Some((secret(2), end)), "two are in use at most");
    }

    proptest! {
        #[test]
        #[expect(clippy::disallowed_methods, reason = "standardwebhooks asks the same clock")]
        fn standardwebhooks_verifies_every_signature(
            old in proptest::collection::vec(any::<u8>(), 24..=64),
            new in proptest::collection::vec(any::<u8>(), 24..=64),
            id in "[-a-zA-Z0-9_]{1,40}",
            body in ".{0,200}",
        ) {
            let [old, new] = [old, new].map(|bytes| WebhookSecret(bytes.into()));
            let now = Timestamp::from(std::time::SystemTime::now());
            let secrets = WebhookSecrets::new(old.clone()).rotate(new.clone(), now, 1000);
            let mut headers = http::HeaderMap::new();
            headers.insert("webhook-id", id.parse().unwrap());
            headers.insert("webhook-timestamp", (now.as_millis() / 1000).into());
            headers.insert("webhook-signature", secrets.signatures(&id, now, &body).parse().unwrap());
            for secret in [old, new] {
                let webhook = standardwebhooks::Webhook::new(&secret.expose()).unwrap();
                prop_assert!(webhook.verify(body.as_bytes(), &headers).is_ok());
                let altered = format!("{body} ");
                prop_assert!(webhook.verify(altered.as_bytes(), &headers).is_err());
            }
        }
    }
}
