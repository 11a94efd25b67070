use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use keymint_actix::views::KeyView;
use keymint_domain::link::SecretToken;
use keymint_domain::{ApiKey, KeyId, OwnerId, Timestamp};
use keymint_service::OsEntropy;
use keymint_service::ports::Entropy as _;
use sha2::{Digest as _, Sha256};

/// Seals what a form carries, so that nobody else can make it up.
pub(crate) struct Seals(Option<Hmac<Sha256>>);

/// The time for which a form with a seal can be sent, in milliseconds: a day. A mark that it was sent is kept as long.
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
        self.form(&[NEW_KEY, owner.as_str()], now)
    }

    /// Returns the id that the key of a form gets; `None` = the form is not ours, too old, or another owner's.
    pub(crate) fn key_of(&self, form: &str, owner: &OwnerId, now: Timestamp) -> Option<KeyId> {
        let (id, _) = self.opened(form, &[NEW_KEY, owner.as_str()], now)?;
        KeyId::parse(id).ok()
    }

    /// Returns the token by which a form of a new thing is marked: it has made the thing.
    pub(crate) fn token_of_new(&self, form: &str, owner: &OwnerId, now: Timestamp) -> Option<SecretToken> {
        self.token_of(form, &[NEW_KEY, owner.as_str()], now)
    }

    /// Makes the id of a form that does something once: what, to what, and for whom.
    pub(crate) fn form(&self, about: &[&str], now: Timestamp) -> String {
        let id = KeyId::random(&mut |bytes: &mut [u8]| OsEntropy.fill(bytes));
        let until = now.plus_millis(LIFETIME_MS).as_millis();
        let seal =
            self.seal(about, id.as_str(), until).map(|seal| URL_SAFE_NO_PAD.encode(seal.finalize().into_bytes()));
        format!("{}.{until}.{}", id.as_str(), seal.unwrap_or_default())
    }

    /// Returns the token by which a form is marked as sent; `None` = the form is not ours, too old, or about something else.
    pub(crate) fn token_of(&self, form: &str, about: &[&str], now: Timestamp) -> Option<SecretToken> {
        let (_, seal) = self.opened(form, about, now)?;
        SecretToken::parse(seal)
    }

    /// Returns the id and the seal of a form, whose seal is right.
    fn opened<'f>(&self, form: &'f str, about: &[&str], now: Timestamp) -> Option<(&'f str, &'f str)> {
        let (id, rest) = form.split_once('.')?;
        let (until, seal) = rest.split_once('.')?;
        let until: i64 = until.parse().ok()?;
        let bytes = URL_SAFE_NO_PAD.decode(seal).ok()?;
        self.seal(about, id, until)?.verify_slice(&bytes).ok()?;
        (now.as_millis() <= until).then_some((id, seal))
    }

    /// Returns a text that changes with every change of these parts, and tells nothing of them. Forms carry it.
    pub(crate) fn version_of(&self, parts: &[&str]) -> String {
        let mac = self.mac("version", parts);
        mac.map(|mac| URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..12])).unwrap_or_default()
    }

    fn seal(&self, about: &[&str], id: &str, until: i64) -> Option<Hmac<Sha256>> {
        let until = until.to_string();
        self.mac("form", &[about, &[id, &until]].concat())
    }

    /// Begins a seal of these parts, which no other parts have.
    fn mac(&self, purpose: &str, parts: &[&str]) -> Option<Hmac<Sha256>> {
        let mac = self.0.clone()?.chain_update(purpose);
        Some(parts.iter().fold(mac, |mac, part| mac.chain_update(part.len().to_be_bytes()).chain_update(part)))
    }
}

/// The deed in the seal of the form of a new key, a new server key or a new webhook.
const NEW_KEY: &str = "new key";

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

    #[test]
    fn a_form_is_marked_by_a_token_of_its_own_and_does_nothing_else() {
        let (seals, now) = (Seals::new([7; 32]), Timestamp::from_millis(1_700_000_000_000));
        let form = seals.form(&["replay", "hook", "ada"], now);
        let token = seals.token_of(&form, &["replay", "hook", "ada"], now).unwrap();
        assert!(form.ends_with(token.expose()));
        let next = seals.form(&["replay", "hook", "ada"], now);
        assert_ne!(seals.token_of(&next, &["replay", "hook", "ada"], now), Some(token));
        for other in [&["test", "hook", "ada"][..], &["replay", "hook", "bob"], &["replay", "hookada"], &[]] {
            assert_eq!(seals.token_of(&form, other, now), None, "{other:?}");
        }
        let ada = OwnerId::parse("ada").unwrap();
        assert_eq!(seals.key_of(&form, &ada, now), None, "it makes no key");
        let late = now.plus_millis(LIFETIME_MS + 1);
        assert_eq!(seals.token_of(&form, &["replay", "hook", "ada"], late), None);
    }
}
