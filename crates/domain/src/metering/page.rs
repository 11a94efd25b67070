use std::cmp::Ordering;
use std::fmt::Write as _;

use super::{Hour, KeyHour, LastUse, UsedKey};
use crate::address::Network;
use crate::{ConfigId, ErrorCode, KeyId, OwnerId, Timestamp};

/// The uses of keys as one text, ordered by key and hour: the form in which many of them wait, in memory and in a store's
/// journal. It takes some hundred bytes for each key and hour.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsePage {
    text: String,
    entries: usize,
}

/// The error for a text that [`UsePage::as_str`] has not returned, or that of a newer version has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no page of uses")]
pub struct InvalidUsePage;

impl UsePage {
    /// Writes uses, which are ordered by key and hour, at most one entry for each.
    pub fn of(uses: &[KeyHour]) -> Self {
        let mut page = Self::default();
        for entry in uses {
            page.push(entry);
        }
        page
    }

    /// Reads the text of a page.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidUsePage`] for any other text.
    pub fn parse(text: String) -> Result<Self, InvalidUsePage> {
        let mut rest = Reader(&text);
        let mut entries = 0;
        while !rest.0.is_empty() {
            rest.entry().and_then(Entry::read).ok_or(InvalidUsePage)?;
            entries += 1;
        }
        Ok(Self { text, entries })
    }

    /// Returns the text, which has no U+0000.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the number of entries.
    pub const fn len(&self) -> usize {
        self.entries
    }

    /// Returns true if there are no entries.
    pub const fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Reads the entries from a place on, at most this many. Returns them with the place behind them. The first place is 0.
    pub fn read(&self, place: usize, limit: usize) -> (Vec<KeyHour>, usize) {
        let mut rest = Reader(self.text.get(place..).unwrap_or_default());
        let mut uses = Vec::new();
        while uses.len() < limit
            && let Some(entry) = rest.entry().and_then(Entry::read)
        {
            uses.push(entry);
        }
        (uses, self.text.len() - rest.0.len())
    }

    /// Adds the uses of two pages. Of two entries for one key and hour, that of `self` is the earlier one.
    #[must_use]
    pub fn merge(&self, later: &Self) -> Self {
        let mut merged = Self { text: String::with_capacity(self.text.len() + later.text.len()), entries: 0 };
        let (mut left, mut right) = (Reader(&self.text), Reader(&later.text));
        let (mut first, mut second) = (left.entry(), right.entry());
        loop {
            let order = match (&first, &second) {
                (Some(first), Some(second)) => first.place().cmp(&second.place()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return merged,
            };
            if order.is_eq() {
                let both = first.take().and_then(Entry::read).zip(second.take().and_then(Entry::read));
                if let Some((mut uses, more)) = both {
                    uses.add(more);
                    merged.push(&uses);
                }
            } else {
                let next = if order.is_lt() { first.take() } else { second.take() };
                if let Some(Entry { whole, .. }) = next {
                    merged.text.push_str(whole);
                    merged.entries += 1;
                }
            }
            first = first.or_else(|| left.entry());
            second = second.or_else(|| right.entry());
        }
    }

    /// Writes an entry behind all others.
    ///
    /// Texts have their lengths before them, as ids may have any character, and so has the entry, to be skipped.
    fn push(&mut self, KeyHour { key, hour, accepted, cost, refused, last_use }: &KeyHour) {
        let mut entry = String::with_capacity(128);
        let _ = write!(entry, "{}:{}{} ", key.id.as_str().len(), key.id.as_str(), hour.number());
        let _ = write!(entry, "{}:{}", key.owner.as_str().len(), key.owner.as_str());
        let _ = write!(entry, "{}:{}", key.config_id.as_str().len(), key.config_id.as_str());
        let _ = write!(entry, "{accepted} {cost} ");
        if let Some(LastUse { at, network }) = last_use {
            let _ = write!(entry, "{} ", at.as_millis());
            if let Some(network) = network {
                let _ = write!(entry, "{network}");
            }
        }
        entry.push(' ');
        for (code, calls) in refused {
            let _ = write!(entry, "{} {calls} ", code.as_str());
        }
        let _ = write!(self.text, "{}:{entry}", entry.len());
        self.entries += 1;
    }
}

/// The rest of a text.
#[derive(Clone, Copy)]
struct Reader<'t>(&'t str);

impl<'t> Reader<'t> {
    fn until(&mut self, end: char) -> Option<&'t str> {
        let (word, rest) = self.0.split_once(end)?;
        self.0 = rest;
        Some(word)
    }

    fn number<N: std::str::FromStr>(&mut self) -> Option<N> {
        self.until(' ')?.parse().ok()
    }

    fn text(&mut self) -> Option<&'t str> {
        let length: usize = self.until(':')?.parse().ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(text)
    }

    /// Reads as much of the next entry as its place needs.
    fn entry(&mut self) -> Option<Entry<'t>> {
        let before = self.0;
        let mut rest = Self(self.text()?);
        let whole = before.get(..before.len() - self.0.len())?;
        Some(Entry { whole, key: rest.text()?, hour: rest.number()?, rest })
    }
}

/// An entry of a page, of which only the place was read.
struct Entry<'t> {
    /// The entry, with its length.
    whole: &'t str,
    key: &'t str,
    hour: i64,
    rest: Reader<'t>,
}

impl Entry<'_> {
    fn place(&self) -> (&str, i64) {
        (self.key, self.hour)
    }

    fn read(self) -> Option<KeyHour> {
        let Self { whole: _, key, hour, mut rest } = self;
        let id = KeyId::parse(key).ok()?;
        let owner = OwnerId::from_stored(rest.text()?).ok()?;
        let config_id = ConfigId::parse(rest.text()?).ok()?;
        let (accepted, cost) = (rest.number()?, rest.number()?);
        let last_use = match rest.until(' ')? {
            "" => None,
            at => {
                let at = Timestamp::from_millis(at.parse().ok()?);
                let network = Some(rest.until(' ')?).filter(|network| !network.is_empty());
                Some(LastUse { at, network: network.map(Network::parse).transpose().ok()? })
            }
        };
        let mut refused = Vec::new();
        while !rest.0.is_empty() {
            let code = rest.until(' ')?;
            refused.push((*ErrorCode::ALL.iter().find(|known| known.as_str() == code)?, rest.number()?));
        }
        let key = UsedKey { id, owner, config_id };
        Some(KeyHour { key, hour: Hour::from_number(hour), accepted, cost, refused, last_use })
    }
}

/// The uses of many keys, which grow page by page.
#[derive(Debug, Default)]
pub struct Gathered(Vec<UsePage>);

impl Gathered {
    /// Adds a page, which is not merged with the others yet.
    pub fn add(&mut self, page: UsePage) {
        self.0.push(page);
    }

    /// Merges pages as long as one is not twice as long as the next, so that each use is copied a few times, however many
    /// pages are added. With many keys, it may take a tenth of a second.
    pub fn settle(&mut self) {
        let pages = std::mem::take(&mut self.0);
        for page in pages {
            self.0.push(page);
            while let [.., before, last] = &*self.0
                && before.text.len() < 2 * last.text.len()
            {
                self.merge_last();
            }
        }
    }

    fn merge_last(&mut self) {
        if let (Some(last), Some(before)) = (self.0.pop(), self.0.pop()) {
            self.0.push(before.merge(&last));
        }
    }

    /// Merges all pages into one.
    pub fn unite(&mut self) {
        while self.0.len() > 1 {
            self.merge_last();
        }
    }

    /// Takes all uses as one page. It does not depend on how they were divided into pages.
    pub fn take(&mut self) -> UsePage {
        self.unite();
        self.0.pop().unwrap_or_default()
    }

    /// Returns the number of keys and hours. Some may be counted several times.
    pub fn keys(&self) -> usize {
        self.0.iter().map(UsePage::len).sum()
    }

    /// Returns true if there are no uses.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(UsePage::is_empty)
    }
}
