use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use keymint_actix::views::KeyView;
use keymint_domain::{ApiKey, KeyId, OwnerId, Timestamp};
use keymint_service::OsEntropy;
use keymint_service::ports::Entropy as _;
use sha2::{Digest as _, Sha256};

/// Seals what a form carries, so that nobody else can make it up.
pub(crate) struct Seals(Option<Hmac<Sha256>>);

/// The time for which the form of a new key can be sent, in milliseconds: a day.
const LIFETIME_MS: u64 = 86_400_000;

impl std::fmt::Debug for Seals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seals")
    }
}

impl Seals {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(Hmac::new_from_slice(&key).ok())
    }

    /// Makes the id of a form that makes one key: the id that the key will have, sealed for this owner. A second submit finds
    /// the key by it.
    pub(crate) fn new_key(&self, owner: &OwnerId, now: Timestamp) -> String {
        let id = KeyId::random(&mut |bytes: &mut [u8]| OsEntropy.fill(bytes));
        let until = now.plus_millis(LIFETIME_MS).as_millis();
        let seal =
            self.seal(owner, id.as_str(), until).map(|seal| URL_SAFE_NO_PAD.encode(seal.finalize().into_bytes()));
        format!("{}.{until}.{}", id.as_str(), seal.unwrap_or_default())
    }

    /// Returns the id that the key of a form gets; `None` = the form is not ours, too old, or another owner's.
    pub(crate) fn key_of(&self, form: &str, owner: &OwnerId, now: Timestamp) -> Option<KeyId> {
        let (id, rest) = form.split_once('.')?;
        let (until, seal) = rest.split_once('.')?;
        let until: i64 = until.parse().ok()?;
        let seal = URL_SAFE_NO_PAD.decode(seal).ok()?;
        self.seal(owner, id, until)?.verify_slice(&seal).ok()?;
        (now.as_millis() <= until).then(|| KeyId::parse(id).ok())?
    }

    /// Returns a text that changes with every change of these parts, and tells nothing of them. Forms carry it.
    pub(crate) fn version_of(&self, parts: &[&str]) -> String {
        let Some(mac) = &self.0 else { return String::new() };
        let whole = parts.iter().fold(mac.clone().chain_update("version"), |mac, part| {
            mac.chain_update(part.len().to_be_bytes()).chain_update(part)
        });
        URL_SAFE_NO_PAD.encode(&whole.finalize().into_bytes()[..12])
    }

    fn seal(&self, owner: &OwnerId, id: &str, until: i64) -> Option<Hmac<Sha256>> {
        Some(self.0.clone()?.chain_update(format!("new key\0{}\0{id}\0{until}", owner.as_str())))
    }
}

/// The members of a key that its uses change. A form is not stale because of them.
const CHANGED_BY_USES: [&str; 5] = ["lastRefillAt", "requestCount", "remaining", "lastRequest", "updatedAt"];

/// Returns a text that changes with every change of a key's settings, and with no use of it. Forms carry it.
pub(crate) fn version(key: &ApiKey) -> String {
    let mut settings = serde_json::to_value(KeyView::from(key)).unwrap_or_default();
    if let Some(members) = settings.as_object_mut() {
        members.retain(|name, _| !CHANGED_BY_USES.contains(&name.as_str()));
        if let Some(rotation) = members.get_mut("rotation").and_then(|rotation| rotation.as_object_mut()) {
            rotation.remove("formerSecretUsedAt");
        }
    }
    URL_SAFE_NO_PAD.encode(&Sha256::digest(settings.to_string())[..12])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_changes_with_each_part_and_with_the_key() {
        let seals = Seals::new([7; 32]);
        let version = seals.version_of(&["a", "bc"]);
        assert_eq!(version, seals.version_of(&["a", "bc"]));
        for other in [&["ab", "c"][..], &["a", "bd"], &["a"], &[]] {
            assert_ne!(version, seals.version_of(other), "{other:?}");
        }
        assert_ne!(version, Seals::new([8; 32]).version_of(&["a", "bc"]));
    }

    #[test]
    fn a_form_is_taken_from_its_user_within_a_day_alone() {
        let (seals, now) = (Seals::new([7; 32]), Timestamp::from_millis(1_700_000_000_000));
        let [ada, bob] = ["ada", "bob"].map(|id| OwnerId::parse(id).unwrap());
        let form = seals.new_key(&ada, now);
        let id = seals.key_of(&form, &ada, now).unwrap();
        assert!(form.starts_with(id.as_str()));
        assert_eq!(seals.key_of(&form, &bob, now), None);
        assert_eq!(seals.key_of(&form, &ada, now.plus_millis(LIFETIME_MS)), Some(id));
        assert_eq!(seals.key_of(&form, &ada, now.plus_millis(LIFETIME_MS + 1)), None);
        assert_eq!(Seals::new([8; 32]).key_of(&form, &ada, now), None);
        assert_ne!(form, seals.new_key(&ada, now), "every form is another one");
        for forged in
            ["", ".", "a.b", "a.1.", &form.replacen('.', "x.", 1), &form[..form.len() - 2], &format!("{form}AA")]
        {
            assert_eq!(seals.key_of(forged, &ada, now), None, "{forged}");
        }
    }
}
