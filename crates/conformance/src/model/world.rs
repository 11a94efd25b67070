//! The small world of the sequences: so few ids, owners and texts that operations collide.

use keymint_domain::key::{KeyDetails, PlainKey};
use keymint_domain::usage::{Algorithm, Usage};
use keymint_domain::{ApiKey, ConfigId, Configuration, KeyId, OwnerId, Policy, Timestamp};

use crate::sample::{self, NOW};

/// The number of ids, and of texts.
pub(super) const IDS: usize = 6;
/// The span of all instants, in milliseconds.
pub(super) const SPAN_MS: u64 = 4000;

const CONFIGURATIONS: [&str; 4] = ["default", "idle", "raw", "nobody configured it"];

pub(super) fn id(index: usize) -> KeyId {
    sample::id(["é", "a", "B", "b", "😀", "\u{fffd}"][index % IDS])
}

pub(super) fn owner(index: usize) -> OwnerId {
    sample::owner(["ada", "Ada"][index % 2])
}

pub(super) fn config(index: usize) -> ConfigId {
    sample::config(CONFIGURATIONS[index % CONFIGURATIONS.len()])
}

/// Returns the text of a key. There is one more text than ids, which belongs to no key.
pub(super) fn plain(index: usize) -> PlainKey {
    sample::plain(&index.to_string())
}

/// The number of new secrets that each key may get.
pub(super) const NEW_SECRETS: usize = 2;

/// Returns a new secret of the key with that id, which no other key has.
pub(super) fn new_secret(at: usize, number: usize) -> PlainKey {
    PlainKey::new(format!("sk_new_{at}_{number}"))
}

/// Returns an instant within the span.
pub(super) fn instant(ms: u64) -> Timestamp {
    NOW.plus_millis(ms)
}

/// Returns a policy with both algorithms, both stored forms of a key, and a retention.
pub(super) fn policy() -> Policy {
    let mut idle = Configuration { retention_ms: SPAN_MS / 4, ..Configuration::new(config(1)) };
    idle.rate_limit.algorithm = Algorithm::IdleWindow;
    let mut raw = Configuration { disable_key_hashing: true, ..Configuration::new(config(2)) };
    raw.rate_limit.enabled = false;
    Policy::new(vec![Configuration::default(), idle, raw]).unwrap()
}

/// Returns a key with that id, text and configuration, after `edit`.
pub(super) fn key(
    at: usize,
    text: usize,
    configuration: usize,
    edit: impl FnOnce(&mut KeyDetails, &mut Usage),
) -> ApiKey {
    sample::key_with(id(at).as_str(), |details, usage| {
        details.config_id = config(configuration);
        let is_raw = configuration % CONFIGURATIONS.len() == 2;
        details.stored = if is_raw { plain(text).unhashed() } else { plain(text).hash() };
        edit(details, usage);
    })
}
