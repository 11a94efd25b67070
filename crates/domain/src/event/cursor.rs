use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac as _;

use super::EventQuery;
use super::seal::{SealKey, feed, mac};
use crate::listing::Direction;
use crate::{ConfigId, ErrorCode, KeyId, OwnerId};

/// The bytes of a cursor's signature. Nobody can try offline, so half of a signature is enough.
const SIGNATURE: usize = 16;

/// Cursors are positions, signed together with the filters of their query.
impl EventQuery {
    /// Returns the cursor of the page behind `position`, for a client to come back with.
    pub fn cursor(&self, key: &SealKey, position: u64) -> String {
        let position = position.to_be_bytes();
        URL_SAFE_NO_PAD.encode([&position[..], &self.signature(key, position)].concat())
    }

    /// Begins the page where `cursor` says.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::InvalidCursor`] for a cursor that was not made by [`EventQuery::cursor`] with this key, for
    /// a query with the same filters.
    pub fn at_cursor(self, key: &SealKey, cursor: &str) -> Result<Self, ErrorCode> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| ErrorCode::InvalidCursor)?;
        let (position, signature) = bytes.split_first_chunk::<8>().ok_or(ErrorCode::InvalidCursor)?;
        if self.signature(key, *position) != *signature {
            return Err(ErrorCode::InvalidCursor);
        }
        Ok(Self { after: Some(u64::from_be_bytes(*position)), ..self })
    }

    fn signature(&self, key: &SealKey, position: [u8; 8]) -> [u8; SIGNATURE] {
        let Self { key_id, owners, config_id, kinds, actor, time, direction, after: _, limit: _ } = self;
        let whole = mac(key, |mac| {
            mac.update(b"cursor");
            mac.update(&position);
            mac.update(&[u8::from(*direction == Direction::Descending), u8::from(owners.is_some())]);
            feed(mac, key_id.as_ref().map(KeyId::as_str));
            feed(mac, config_id.as_ref().map(ConfigId::as_str));
            feed(mac, actor.as_deref());
            let time = time.as_ref().map(|time| format!("{} {}", time.start.as_millis(), time.end.as_millis()));
            feed(mac, time.as_deref());
            for owner in owners.iter().flatten() {
                feed(mac, Some(OwnerId::as_str(owner)));
            }
            feed(mac, None);
            for kind in kinds {
                feed(mac, Some(kind.as_str()));
            }
        });
        let mut signature = [0; SIGNATURE];
        signature.copy_from_slice(&whole[..SIGNATURE]);
        signature
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::event::KindPattern;

    #[test]
    fn a_cursor_goes_on_with_its_own_query_only() {
        let key = SealKey::new([1; 32]);
        let query = EventQuery::latest(10);
        let cursor = query.cursor(&key, 77);
        assert_eq!(query.clone().at_cursor(&key, &cursor).unwrap().after, Some(77));
        let larger = EventQuery { limit: 500, ..query.clone() };
        assert_eq!(larger.at_cursor(&key, &cursor).unwrap().after, Some(77), "pages may differ in size");

        let [at, later] = [5, 6].map(Timestamp::from_millis);
        let others = [
            EventQuery { key_id: KeyId::parse("k").ok(), ..query.clone() },
            EventQuery { owners: Some(Vec::new()), ..query.clone() },
            EventQuery { owners: Some(vec![OwnerId::parse("ada").unwrap()]), ..query.clone() },
            EventQuery { config_id: ConfigId::parse("k").ok(), ..query.clone() },
            EventQuery { actor: Some("k".to_owned()), ..query.clone() },
            EventQuery { kinds: vec![KindPattern::parse("k").unwrap()], ..query.clone() },
            EventQuery { time: Some(at..later), ..query.clone() },
            EventQuery { direction: Direction::Ascending, ..query.clone() },
        ];
        for (number, other) in others.iter().enumerate() {
            assert_eq!(other.clone().at_cursor(&key, &cursor), Err(ErrorCode::InvalidCursor), "{other:?}");
            let own = other.cursor(&key, 77);
            for (place, another) in others.iter().enumerate() {
                assert_eq!(another.clone().at_cursor(&key, &own).is_ok(), place == number, "{another:?}");
            }
        }
    }

    #[test]
    fn a_forged_cursor_is_refused() {
        let (key, query) = (SealKey::new([1; 32]), EventQuery::latest(10));
        let cursor = query.cursor(&key, 77);
        let mut forged: Vec<_> = (0..cursor.len())
            .map(|place| {
                let other = if &cursor[place..=place] == "B" { "C" } else { "B" };
                format!("{}{other}{}", &cursor[..place], &cursor[place + 1..])
            })
            .collect();
        forged.extend([
            String::new(),
            "AAAA".to_owned(),
            format!("{cursor}A"),
            cursor[..20].to_owned(),
            "?".repeat(32),
        ]);
        forged.push(query.cursor(&SealKey::new([2; 32]), 77));
        for text in forged {
            assert_eq!(query.clone().at_cursor(&key, &text), Err(ErrorCode::InvalidCursor), "{text}");
        }
    }
}
