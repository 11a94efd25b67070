//! Inserts keys into a database in bulk, before the measured server opens it, and reads back their usage.
//!
//! Indexes are dropped before and made again after: sorting ten million hashes once takes a fraction of the time of as
//! many insertions at random places.

mod lot;
mod postgres;
mod sqlite;

use std::path::{Path, PathBuf};

use keymint_domain::key::PlainKey;

use crate::Failure;
use crate::keys::{Sort, Texts};

/// The keys that one statement inserts.
const AT_ONCE: usize = 10_000;

/// A database that has its tables.
#[derive(Debug, Clone)]
pub(crate) enum Stock {
    /// A file.
    Sqlite(PathBuf),
    /// A URL.
    Postgres(String),
}

impl Stock {
    pub(crate) fn sqlite(folder: &Path) -> Self {
        Self::Sqlite(folder.join("keymint.db"))
    }

    /// Returns the URL that both servers take.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("sqlite:{}", file.display()),
            Self::Postgres(url) => url.clone(),
        }
    }

    /// Adds that many keys of each of these sorts, in place of the existing ones.
    pub(crate) async fn fill(&self, lots: &[(Sort, usize)]) -> Result<(), Failure> {
        match self {
            Self::Sqlite(file) => sqlite::fill(file, lots).await,
            Self::Postgres(url) => postgres::fill(url, lots).await,
        }
    }

    /// Returns the sum of the quotas that all keys have spent so far.
    pub(crate) async fn spent(&self) -> Result<u64, Failure> {
        let spent = match self {
            Self::Sqlite(file) => sqlite::spent(file).await?,
            Self::Postgres(url) => postgres::spent(url).await?,
        };
        Ok(u64::try_from(spent)?)
    }

    /// Returns the calls of all keys with a rate limit and no quota so far, which only Keymint's rows tell.
    pub(crate) async fn called(&self) -> Result<u64, Failure> {
        let called = match self {
            Self::Sqlite(file) => sqlite::called(file).await?,
            Self::Postgres(url) => postgres::called(url).await?,
        };
        Ok(u64::try_from(called)?)
    }

    /// Returns the number of keys that have expired, and still exist.
    pub(crate) async fn expired(&self) -> Result<u64, Failure> {
        let expired = match self {
            Self::Sqlite(file) => sqlite::expired(file).await?,
            Self::Postgres(url) => postgres::expired(url).await?,
        };
        Ok(u64::try_from(expired)?)
    }
}

/// Returns the hashes of the keys, in batches for one statement, each with the number of its first key.
fn hashes(texts: &Texts) -> impl Iterator<Item = (i64, Vec<String>)> {
    let count = texts.count();
    (0..count).step_by(AT_ONCE).map(move |first| {
        let batch = first..count.min(first + AT_ONCE);
        let hash = |number| PlainKey::new(texts.text(number)).hash().as_str().to_owned();
        (i64::try_from(first).unwrap_or(i64::MAX), batch.map(hash).collect())
    })
}
