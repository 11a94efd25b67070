use super::{EditKey, KeyPatch};
use crate::policy::Configuration;
use crate::{ErrorCode, Timestamp};

/// A requested change of many keys at once. It has the members that mean the same for every key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EditKeys {
    /// True if the keys may be used. It takes no revocation back: a revoked key stays refused.
    pub enabled: Option<bool>,
    /// True if the keys are rate limited.
    pub rate_limit_enabled: Option<bool>,
    /// The rate limit's window in milliseconds.
    pub rate_limit_window_ms: Option<u64>,
    /// The calls per window.
    pub rate_limit_max: Option<u64>,
    /// True if the rate limits forget the calls that they counted.
    pub reset_limit: bool,
}

impl EditKeys {
    /// Returns the change of each key.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::NoValuesToUpdate`] if the request has no member.
    pub fn check(self) -> Result<KeyPatch, ErrorCode> {
        let Self { enabled, rate_limit_enabled, rate_limit_window_ms, rate_limit_max, reset_limit } = self;
        let edit = EditKey {
            enabled,
            rate_limit_enabled,
            rate_limit_window_ms,
            rate_limit_max,
            reset_limit,
            ..EditKey::default()
        };
        // None of these members depends on the configuration of a key or on the time.
        edit.check(&Configuration::default(), Timestamp::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OwnerId;
    use crate::key::{Actor, NewKey, PlainKey, Revocation};

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn an_edit_without_members_is_refused() {
        assert_eq!(EditKeys::default().check(), Err(ErrorCode::NoValuesToUpdate));
    }

    #[test]
    fn a_limit_is_reset_where_it_has_counted() {
        let configuration = Configuration::default();
        let new = NewKey::default().check(&configuration).unwrap();
        let fill = &mut |bytes: &mut [u8]| bytes.fill(1);
        let mut key = new.mint(OwnerId::parse("ada").unwrap(), PlainKey::new("k"), fill, NOW).key;
        let reset = EditKeys { reset_limit: true, ..EditKeys::default() }.check().unwrap();
        assert_eq!(key.changed_by(&reset, NOW), None);
        key.usage.backlog_ns = Some(7);
        assert_eq!(key.changed_by(&reset, NOW).unwrap().usage.backlog_ns, None);
    }

    #[test]
    fn a_key_that_is_so_already_does_not_change_and_a_revoked_one_is_not_enabled() {
        let configuration = Configuration::default();
        let new = NewKey::default().check(&configuration).unwrap();
        let fill = &mut |bytes: &mut [u8]| bytes.fill(1);
        let key = new.mint(OwnerId::parse("ada").unwrap(), PlainKey::new("k"), fill, NOW).key;
        let edit = EditKeys { enabled: Some(false), rate_limit_max: Some(7), ..EditKeys::default() };
        let later = NOW.plus_millis(5);
        let changed = key.changed_by(&edit.check().unwrap(), later).unwrap();
        assert_eq!((changed.details.enabled, changed.details.rate_limit_max), (false, Some(7)));
        assert_eq!(changed.usage.updated_at, later);
        assert_eq!(changed.changed_by(&edit.check().unwrap(), later.plus_millis(1)), None);
        let revoking = KeyPatch::revoking(Revocation { at: later, by: Actor::Server });
        let revoked = key.changed_by(&revoking, later).unwrap();
        assert_eq!(revoking.revocation(), revoked.details.revocation.as_ref());
        let enabling = EditKeys { enabled: Some(true), ..EditKeys::default() }.check().unwrap();
        assert_eq!(revoked.changed_by(&enabling, later), None);
    }
}
