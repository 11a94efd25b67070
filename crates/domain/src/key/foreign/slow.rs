use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::key::HashKind;
use crate::value::heap_block;

/// A hash that is made to take long, with its parameters, all of which are within bounds.
#[derive(Clone, PartialEq, Eq)]
pub enum SlowHash {
    /// bcrypt (`$2b$12$...`).
    Bcrypt {
        /// The binary logarithm of the number of rounds.
        cost: u32,
        /// The salt.
        salt: [u8; 16],
        /// The digest. Its last byte is never written.
        digest: [u8; 23],
    },
    /// Argon2id (`$argon2id$v=19$m=19456,t=2,p=1$...`).
    Argon2id {
        /// The version: 16 or 19.
        version: u32,
        /// The memory in KiB.
        memory_kib: u32,
        /// The passes over the memory.
        passes: u32,
        /// The lanes that the memory is divided into.
        lanes: u32,
        /// The salt.
        salt: Box<[u8]>,
        /// The digest.
        digest: Box<[u8]>,
    },
    /// scrypt (`$scrypt$ln=14,r=8,p=1$...`).
    Scrypt {
        /// The binary logarithm of the cost.
        log_n: u8,
        /// The size of a block.
        r: u32,
        /// The parallelization.
        p: u32,
        /// The salt.
        salt: Box<[u8]>,
        /// The digest.
        digest: Box<[u8]>,
    },
}

/// The reason why a text is no slow hash. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSlowHash {
    /// The text has another form.
    #[error("is not {} in the form {}", kind.as_str(), form_of(*kind))]
    Form {
        /// The kind.
        kind: HashKind,
    },
    /// A verification would take too much memory or too long.
    #[error("would take more than a server spends on one verification: {} at most", bound_of(*kind))]
    Costly {
        /// The kind.
        kind: HashKind,
    },
}

/// The largest cost of bcrypt: about a second.
const MAX_BCRYPT_COST: u32 = 14;
/// The largest memory of a verification, in KiB.
const MAX_MEMORY_KIB: u64 = 64 * 1024;
/// The largest product of memory in KiB and passes over it: about a second.
const MAX_WORK_KIB: u64 = 4 * MAX_MEMORY_KIB;
/// The lengths of salts in bytes.
const SALTS: std::ops::RangeInclusive<usize> = 8..=64;
/// The lengths of digests in bytes. Two keys may share a shorter one.
const DIGESTS: std::ops::RangeInclusive<usize> = 16..=64;

fn form_of(kind: HashKind) -> &'static str {
    match kind {
        HashKind::Argon2id => "$argon2id$v=19$m=KIB,t=PASSES,p=LANES$SALT$DIGEST",
        HashKind::Scrypt => "$scrypt$ln=LOG2,r=BLOCK,p=PARALLEL$SALT$DIGEST",
        _ => "$2b$COST$ with 53 characters",
    }
}

fn bound_of(kind: HashKind) -> &'static str {
    match kind {
        HashKind::Argon2id => "64 MiB of memory, and memory times passes of 256 MiB",
        HashKind::Scrypt => "64 MiB of memory, and memory times p of 256 MiB",
        _ => "cost 14",
    }
}

impl SlowHash {
    /// Returns true if `text` begins as a hash of this kind does.
    pub(super) fn is_of(kind: HashKind, text: &str) -> bool {
        match kind {
            HashKind::Bcrypt => ["$2a$", "$2b$", "$2y$"].iter().any(|begin| text.starts_with(begin)),
            HashKind::Argon2id => text.starts_with("$argon2id$"),
            HashKind::Scrypt => text.starts_with("$scrypt$"),
            HashKind::Sha256 | HashKind::Sha512 | HashKind::HmacSha256 | HashKind::Plain => false,
        }
    }

    /// Reads a hash in the form in which its kind is written: bcrypt's own, or that of the PHC.
    pub(super) fn parse(kind: HashKind, text: &str) -> Result<Self, InvalidSlowHash> {
        let read = match kind {
            _ if !Self::is_of(kind, text) => None,
            HashKind::Argon2id => argon2id(text),
            HashKind::Scrypt => scrypt(text),
            _ => bcrypt(text),
        };
        let hash = read.ok_or(InvalidSlowHash::Form { kind })?;
        if hash.is_affordable() { Ok(hash) } else { Err(InvalidSlowHash::Costly { kind }) }
    }

    /// Returns the kind.
    pub fn kind(&self) -> HashKind {
        match self {
            Self::Bcrypt { .. } => HashKind::Bcrypt,
            Self::Argon2id { .. } => HashKind::Argon2id,
            Self::Scrypt { .. } => HashKind::Scrypt,
        }
    }

    fn is_affordable(&self) -> bool {
        match *self {
            Self::Bcrypt { cost, .. } => cost <= MAX_BCRYPT_COST,
            Self::Argon2id { memory_kib, passes, .. } => {
                let (memory_kib, passes) = (u64::from(memory_kib), u64::from(passes));
                memory_kib <= MAX_MEMORY_KIB && memory_kib * passes <= MAX_WORK_KIB
            }
            Self::Scrypt { log_n, r, p, .. } => {
                // Two to the power of at most 16 blocks of 128 bytes times r: an eighth of a KiB times r.
                let memory_kib = u64::from(r).checked_shl(log_n.into()).map_or(u64::MAX, |blocks| blocks.div_ceil(8));
                let lanes_kib = (u64::from(r) * u64::from(p)).div_ceil(8);
                let is_small = log_n <= 16 && memory_kib <= MAX_MEMORY_KIB && lanes_kib <= MAX_MEMORY_KIB;
                is_small && memory_kib * u64::from(p) <= MAX_WORK_KIB
            }
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        heap_block(size_of::<Self>())
            + match self {
                Self::Bcrypt { .. } => 0,
                Self::Argon2id { salt, digest, .. } | Self::Scrypt { salt, digest, .. } => {
                    heap_block(salt.len()) + heap_block(digest.len())
                }
            }
    }
}

/// Prints the kind alone.
impl fmt::Debug for SlowHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SlowHash").field(&self.kind()).finish()
    }
}

fn bcrypt(text: &str) -> Option<SlowHash> {
    let (cost, rest) = text.get(4..)?.split_once('$')?;
    let cost = number(cost).filter(|cost| cost.lt(&32) && *cost >= 4)?;
    // Some programs fill the last bits of a salt, which bcrypt leaves out.
    let config = GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let config = config.with_decode_padding_mode(DecodePaddingMode::RequireNone);
    let base64 = GeneralPurpose::new(&alphabet::BCRYPT, config);
    let salt = base64.decode(rest.get(..22)?).ok()?;
    let digest = base64.decode(rest.get(22..)?).ok()?;
    // Whoever wrote a cost of one digit would write no other one.
    let is_whole = text.len() == 60;
    is_whole.then_some(SlowHash::Bcrypt { cost, salt: salt.try_into().ok()?, digest: digest.try_into().ok()? })
}

fn argon2id(text: &str) -> Option<SlowHash> {
    let mut parts = text.strip_prefix("$argon2id$")?.split('$');
    // Version 16 had no mark of its own.
    let (version, parameters) = match parts.next()? {
        "v=16" => (16, parts.next()?),
        "v=19" => (19, parts.next()?),
        parameters => (16, parameters),
    };
    let [memory_kib, passes, lanes] = numbers(parameters, ["m", "t", "p"])?;
    let (salt, digest) = salt_and_digest(parts)?;
    let fits = (1..=255).contains(&lanes) && passes >= 1 && memory_kib >= 8 * lanes;
    fits.then_some(SlowHash::Argon2id { version, memory_kib, passes, lanes, salt, digest })
}

fn scrypt(text: &str) -> Option<SlowHash> {
    let mut parts = text.strip_prefix("$scrypt$")?.split('$');
    let [log_n, r, p] = numbers(parts.next()?, ["ln", "r", "p"])?;
    let (salt, digest) = salt_and_digest(parts)?;
    let fits = log_n >= 1 && r >= 1 && p >= 1;
    fits.then_some(SlowHash::Scrypt { log_n: u8::try_from(log_n).ok().filter(|log| *log < 64)?, r, p, salt, digest })
}

/// Reads `a=1,b=2,c=3`.
fn numbers(text: &str, names: [&str; 3]) -> Option<[u32; 3]> {
    let mut pairs = text.split(',').map(|pair| pair.split_once('='));
    let mut read = [0; 3];
    for (name, place) in names.into_iter().zip(&mut read) {
        let (found, text) = pairs.next()??;
        *place = number(text).filter(|_| found == name)?;
    }
    pairs.next().is_none().then_some(read)
}

/// Reads a number of decimal digits alone.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A salt and a digest.
type SaltAndDigest = (Box<[u8]>, Box<[u8]>);

/// Reads the last two parts.
fn salt_and_digest<'p>(mut parts: impl Iterator<Item = &'p str>) -> Option<SaltAndDigest> {
    let salt = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    let digest = STANDARD_NO_PAD.decode(parts.next()?).ok()?;
    let fits = SALTS.contains(&salt.len()) && DIGESTS.contains(&digest.len()) && parts.next().is_none();
    fits.then_some((salt.into(), digest.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BCRYPT: &str = "$2b$12$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s.";
    const DIGEST: &str = "c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODw";

    #[test]
    fn the_forms_of_other_programs_are_read() {
        for begin in ["$2a$", "$2b$", "$2y$"] {
            let text = BCRYPT.replace("$2b$", begin);
            assert!(matches!(SlowHash::parse(HashKind::Bcrypt, &text), Ok(SlowHash::Bcrypt { cost: 12, .. })));
        }
        for (version, text) in [(19, "v=19$"), (16, "v=16$"), (16, "")] {
            let read = SlowHash::parse(HashKind::Argon2id, &format!("$argon2id${text}m=19456,t=2,p=1${DIGEST}"));
            let (salt, digest) = (b"somesalt"[..].into(), (0..16).collect());
            let expected = SlowHash::Argon2id { version, memory_kib: 19_456, passes: 2, lanes: 1, salt, digest };
            assert_eq!(read, Ok(expected));
        }
        let read = SlowHash::parse(HashKind::Scrypt, &format!("$scrypt$ln=14,r=8,p=1${DIGEST}"));
        assert!(matches!(read, Ok(SlowHash::Scrypt { log_n: 14, r: 8, p: 1, .. })), "{read:?}");
        assert_eq!(format!("{read:?}"), "Ok(SlowHash(Scrypt))");
    }

    #[test]
    fn other_texts_are_refused_and_not_repeated() {
        let long = format!("{BCRYPT}a");
        let texts =
            ["", "$2b$", "$2x$12$x", &BCRYPT[..59], &long, &BCRYPT.replace("12", "1a"), &BCRYPT.replace('5', "ä")];
        for text in texts {
            let error = SlowHash::parse(HashKind::Bcrypt, text).unwrap_err();
            assert_eq!(error.to_string(), "is not bcrypt in the form $2b$COST$ with 53 characters", "{text}");
        }
        for text in [
            "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODw",
            "$argon2id$v=20$m=19456,t=2,p=1$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODw",
            "$argon2id$v=19$m=19456,t=2$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODw",
            "$argon2id$v=19$m=19456,t=2,p=1,q=1$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODw",
            "$argon2id$v=19$m=19456,t=2,p=0$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODw",
            "$argon2id$v=19$m=7,t=2,p=1$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODw",
            "$argon2id$v=19$m=+9456,t=2,p=1$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODw",
            "$argon2id$v=19$m=19456,t=2,p=1$c2Fs$AAECAwQFBgcICQoLDA0ODw",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AAEC",
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODw$",
            "$argon2id$v=19$m=99999999999,t=2,p=1$c29tZXNhbHQ$AAECAwQFBgcICQoLDA0ODw",
        ] {
            let refused = SlowHash::parse(HashKind::Argon2id, text);
            assert_eq!(refused, Err(InvalidSlowHash::Form { kind: HashKind::Argon2id }), "{text}");
        }
        for text in ["ln=64,r=8,p=1", "ln=14,r=0,p=1", "ln=14,p=1,r=8", "ln=0,r=8,p=1"] {
            let refused = SlowHash::parse(HashKind::Scrypt, &format!("$scrypt${text}${DIGEST}"));
            assert_eq!(refused, Err(InvalidSlowHash::Form { kind: HashKind::Scrypt }), "{text}");
        }
    }

    #[test]
    fn a_hash_that_would_take_too_long_is_refused() {
        let is_costly = |kind, text: &str| match SlowHash::parse(kind, text) {
            Ok(_) => false,
            Err(error) => error == InvalidSlowHash::Costly { kind },
        };
        for (cost, expected) in [("04", false), ("14", false), ("15", true), ("31", true)] {
            assert_eq!(is_costly(HashKind::Bcrypt, &BCRYPT.replace("12", cost)), expected, "{cost}");
        }
        for (parameters, expected) in [
            ("m=65536,t=4,p=4", false),
            ("m=65537,t=1,p=1", true),
            ("m=65536,t=5,p=1", true),
            ("m=8,t=32768,p=1", false),
            ("m=8,t=32769,p=1", true),
            ("m=4294967295,t=4294967295,p=1", true),
        ] {
            let text = format!("$argon2id$v=19${parameters}${DIGEST}");
            assert_eq!(is_costly(HashKind::Argon2id, &text), expected, "{parameters}");
        }
        for (parameters, expected) in [
            ("ln=16,r=8,p=4", false),
            ("ln=16,r=8,p=5", true),
            ("ln=17,r=8,p=1", true),
            ("ln=16,r=9,p=1", true),
            ("ln=1,r=4294967295,p=1", true),
            ("ln=1,r=1,p=4294967295", true),
            ("ln=1,r=1024,p=1024", true),
            ("ln=63,r=4294967295,p=1", true),
        ] {
            assert_eq!(
                is_costly(HashKind::Scrypt, &format!("$scrypt${parameters}${DIGEST}")),
                expected,
                "{parameters}"
            );
        }
    }
}
