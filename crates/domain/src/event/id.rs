use std::fmt;

use sha2::{Digest, Sha256};

use crate::Timestamp;

/// The id of an event: a UUID of version 7, which begins with a time in milliseconds.
///
/// It is derived: the same parts at the same time give the same id. An event that may exist only once, whatever the
/// number of processes that notice it, gets its id from what makes it unique.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Box<str>);

impl EventId {
    /// Derives an id from a time and parts.
    pub fn derive(time: Timestamp, parts: &[&[u8]]) -> Self {
        let mut digest = Sha256::new();
        for part in parts {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let digest = digest.finalize();
        let mut bytes = [0; 16];
        // An instant before 1970 has no place in the format.
        let millis = u64::try_from(time.as_millis()).unwrap_or(0);
        bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
        bytes[6..].copy_from_slice(&digest[..10]);
        bytes[6] = 0x70 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        let hex = format!("{:032x}", u128::from_be_bytes(bytes));
        let groups = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
        Self(groups.join("-").into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Converts it to its text.
    pub(super) fn into_string(self) -> String {
        self.0.into()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_of_version_7_with_its_time_in_front() {
        let id = EventId::derive(Timestamp::from_millis(0x0123_4567_89ab), &[b"a", b"b"]);
        assert_eq!(&id.as_str()[..15], "01234567-89ab-7");
        assert!(matches!(&id.as_str()[19..20], "8" | "9" | "a" | "b"), "{id}");
        assert_eq!(id.as_str().len(), 36);
        assert!(EventId::derive(Timestamp::MIN, &[]).as_str().starts_with("00000000-0000-7"));
    }

    #[test]
    fn ids_differ_where_any_part_differs() {
        let now = Timestamp::from_millis(5);
        let ids = [
            EventId::derive(now, &[b"ab", b"c"]),
            EventId::derive(now, &[b"a", b"bc"]),
            EventId::derive(now, &[b"abc"]),
            EventId::derive(now.plus_millis(1), &[b"abc"]),
        ];
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
        assert_eq!(ids[0], EventId::derive(now, &[b"ab", b"c"]));
    }
}
