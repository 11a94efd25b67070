use std::fmt;

use super::{ForeignHash, Form, HMAC_SHA256, PepperName, Peppers, SHA512, hmac_sha256, sha512};
use crate::key::PlainKey;

/// The smallest number of first characters by which a key with a slow hash is found.
pub(crate) const MIN_START: usize = 4;
/// The largest number of them.
pub(crate) const MAX_START: usize = 64;
/// The largest number of keys with a slow hash and the same first characters: whoever presents such characters makes a
/// server compute that many hashes.
pub const MAX_ALIKE: usize = 4;

const START: &str = "start:";
const REHASHED: &str = "rehashed:";

/// The text by which a store finds a key that has a foreign hash: the digest, or the key's first characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForeignLookup(Box<str>);

impl ForeignLookup {
    /// Takes the text of a row.
    pub fn from_stored(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the text for a row.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the lookup of a key that had a foreign hash until it was hashed anew. An import finds it by that.
    pub fn rehashed(hash: &ForeignHash) -> Self {
        Self(format!("{REHASHED}{}", hash.fingerprint()).into())
    }

    /// Returns the fingerprint of the foreign hash that a key had, if this is the lookup of one that was hashed anew.
    pub fn rehashed_fingerprint(&self) -> Option<&str> {
        self.0.strip_prefix(REHASHED)
    }

    /// Returns the number of first characters that the lookup has; `None` = it has a digest.
    pub fn start(&self) -> Option<u8> {
        match self.group()? {
            ForeignGroup::Start(length) => Some(length),
            ForeignGroup::Sha512 | ForeignGroup::HmacSha256(_) => None,
        }
    }

    /// Returns the group.
    pub fn group(&self) -> Option<ForeignGroup> {
        if self.0.starts_with(SHA512) {
            return Some(ForeignGroup::Sha512);
        }
        if let Some(text) = self.0.strip_prefix(HMAC_SHA256) {
            return PepperName::parse(text.split_once(':')?.0).ok().map(ForeignGroup::HmacSha256);
        }
        let (length, _) = self.0.strip_prefix(START)?.split_once(':')?;
        length.parse().ok().map(ForeignGroup::Start)
    }

    /// Returns a text behind those of all lookups of the same group, and behind this one.
    pub fn behind_group(&self) -> String {
        let group = self.group().map(|group| group.beginning());
        let group = group.or_else(|| Some(self.0.split_once(':')?.0.to_owned() + ":"));
        match group {
            // The character that follows the colon.
            Some(group) => group.trim_end_matches(':').to_owned() + ";",
            None => format!("{}\u{1}", self.0),
        }
    }
}

/// It may have a digest, or the first characters of a key.
impl fmt::Debug for ForeignLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeignLookup")
    }
}

/// The lookups of one kind, of which a presented key has one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ForeignGroup {
    /// The SHA-512.
    Sha512,
    /// The HMAC with the pepper of this name.
    HmacSha256(PepperName),
    /// So many first characters.
    Start(u8),
}

impl ForeignGroup {
    /// Returns the text that all lookups of the group begin with.
    fn beginning(&self) -> String {
        match self {
            Self::Sha512 => SHA512.to_owned(),
            Self::HmacSha256(pepper) => format!("{HMAC_SHA256}{pepper}:"),
            Self::Start(length) => format!("{START}{length:02}:"),
        }
    }

    /// Returns the lookup of a presented key; `None` = it is too short, or the pepper is not known.
    pub fn lookup(&self, key: &PlainKey, peppers: &Peppers) -> Option<ForeignLookup> {
        let text = match self {
            Self::Sha512 => ForeignHash::sha512(&sha512(key)).stored,
            Self::HmacSha256(name) => {
                ForeignHash::hmac_sha256(name.clone(), &hmac_sha256(peppers.find(name)?, key)).stored
            }
            Self::Start(length) => {
                let (end, _) = key.expose().char_indices().nth(usize::from(*length))?;
                return Self::of_start(key.expose().get(..end)?);
            }
        };
        Some(ForeignLookup(text))
    }

    /// Returns the lookup of a key's first characters; `None` = there are too few or too many.
    fn of_start(start: &str) -> Option<ForeignLookup> {
        let length = start.chars().count();
        let fits = (MIN_START..=MAX_START).contains(&length) && !start.contains('\0');
        fits.then(|| ForeignLookup(format!("{START}{length:02}:{start}").into()))
    }
}

impl ForeignHash {
    /// Returns the lookup of a key that has this hash and begins with `start`; `None` = it cannot be found.
    pub fn lookup(&self, start: Option<&str>) -> Option<ForeignLookup> {
        match &self.form {
            Form::Sha512 | Form::HmacSha256(_) => Some(ForeignLookup(self.stored.clone())),
            Form::Slow(_) => ForeignGroup::of_start(start?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Pepper;

    fn peppers() -> Peppers {
        Peppers::new(vec![Pepper::new(PepperName::parse("OLD").unwrap(), "pepper").unwrap()])
    }

    fn lookup(group: &ForeignGroup, text: &str) -> Option<ForeignLookup> {
        group.lookup(&PlainKey::new(text), &peppers())
    }

    #[test]
    fn a_presented_key_has_one_lookup_in_each_group_which_names_its_group() {
        let old = PepperName::parse("OLD").unwrap();
        for group in [ForeignGroup::Sha512, ForeignGroup::HmacSha256(old), ForeignGroup::Start(7)] {
            let found = lookup(&group, "sk_öld:key").unwrap();
            assert_eq!(found.group(), Some(group.clone()));
            assert!(found.as_str().starts_with(&group.beginning()));
            assert!(found.as_str() < &*found.behind_group() && group.beginning() < found.behind_group());
            assert_ne!(lookup(&group, "sk_ald:key"), Some(found));
        }
        assert_eq!(lookup(&ForeignGroup::Start(7), "sk_öld:key").unwrap().as_str(), "start:07:sk_öld:");
        assert_eq!(lookup(&ForeignGroup::Start(7), "sk_öld:"), None, "the first characters are not the whole key");
        assert_eq!(lookup(&ForeignGroup::Start(3), "sk_old"), None);
        assert_eq!(lookup(&ForeignGroup::HmacSha256(PepperName::parse("NEW").unwrap()), "sk_old"), None);
    }

    #[test]
    fn a_text_behind_a_group_is_behind_all_of_it_and_before_the_next_one() {
        let texts =
            ["a", "hmac-sha256:NEW:x", "hmac-sha256:OLD:x", "rehashed:x", "sha512:x", "start:04:sk:;", "start:64:x"];
        let behind: Vec<_> = texts.iter().map(|text| ForeignLookup::from_stored(*text).behind_group()).collect();
        for (text, next) in behind.iter().zip(&texts[1..]) {
            assert!(text.as_str() < *next, "{text}");
        }
        assert_eq!(behind[2], "hmac-sha256:OLD;");
        assert_eq!(behind[5], "start:04;");
        assert_eq!(ForeignLookup::from_stored("rehashed:x").group(), None);
    }

    #[test]
    fn a_key_that_was_hashed_anew_is_found_by_what_it_had() {
        let hash = ForeignHash::sha512(&[7; 64]);
        let lookup = ForeignLookup::rehashed(&hash);
        assert_eq!(lookup.rehashed_fingerprint(), Some(&*hash.fingerprint()));
        assert_eq!(hash.lookup(None).unwrap().rehashed_fingerprint(), None);
        assert_eq!(format!("{lookup:?}"), "ForeignLookup");
    }
}
