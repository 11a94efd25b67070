//! Metering: the statistics of how keys are used, per key and hour.
//!
//! A verification is counted once, when it is settled ([`Tallies::count`]). What was counted is handed to a store in
//! portions ([`UsageFlush`]), which adds it to what others have counted, and answers questions about a [`Window`] of
//! hours, days or months in UTC. Quotas and rate limits are no part of this: they live in [`usage`](crate::usage), and
//! never lose anything.

mod counts;
mod flush;
mod gathering;
mod page;
mod period;
mod query;
mod roll_up;
mod tallies;
mod unknown;

pub use counts::Counts;
pub use flush::{JOURNAL_PORTION, JournalPart, KeyHour, LastUse, UsageFlush, UsedKey, process_of_journal};
pub use gathering::{KEYS_AN_INTERVAL, MANY_KEYS, gathering_ms};
pub use page::{Gathered, InvalidUsePage, UsePage};
pub use period::{Hour, InvalidWindow, Span, Step, Window};
pub use query::{Activity, KeySums, Point, Series, Sum, UsageSelection};
pub use roll_up::{StoredUsage, roll_up};
pub use tallies::{MAX_KEY_HOURS, Taken, Tallies};
pub use unknown::{MAX_SOURCES, UnknownHour, UnknownNetwork, UnknownSource};
