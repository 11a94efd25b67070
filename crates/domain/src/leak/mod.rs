//! Leaks: reports that a secret is public, and their consequences for the key.
//!
//! A report is no use of the key: it is neither judged by the validation chain nor counted. [`LeakReport::judge`] decides
//! what a report means for one key, and [`LeakedRows`] applies the reports of one call to the rows that a store read.

mod judge;
mod place;
mod report;
mod result;
mod rows;

pub use judge::{LeakEffect, LeakJudgement};
pub use place::{LeakPlace, Reporter};
pub use report::{LeakReport, MAX_LEAKS};
pub use result::LeakResult;
pub use rows::{LeakChange, LeakOutcome, LeakedKey, LeakedRows, Shelf};
