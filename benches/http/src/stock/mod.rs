//! Puts keys into a database in bulk, before the server that is measured opens it, and reads back what was used.
//!
//! Indexes are dropped before and made again after: sorting ten million hashes once takes a fraction of the time that
//! as many insertions at random places do.

mod lot;
mod postgres;
mod sqlite;

use std::path::{Path, PathBuf};

use keymint_domain::key::PlainKey;

use crate::Failure;
use crate::keys::{Sort, Texts};

/// Keys that one statement inserts.
const AT_ONCE: usize = 10_000;

/// A database whose tables are there.
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

    /// The URL that both servers take.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(file) => format!("sqlite:{}", file.display()),
            Self::Postgres(url) => url.clone(),
        }
    }

    /// Adds so many keys of each of these sorts, in the place of those that are there.
    pub(crate) async fn fill(&self, lots: &[(Sort, usize)]) -> Result<(), Failure> {
        match self {
            Self::Sqlite(file) => sqlite::fill(file, lots).await,
            Self::Postgres(url) => postgres::fill(url, lots).await,
        }
    }

    /// What all keys have spent of their quotas so far.
    pub(crate) async fn spent(&self) -> Result<u64, Failure> {
        let spent = match self {
            Self::Sqlite(file) => sqlite::spent(file).await?,
            Self::Postgres(url) => postgres::spent(url).await?,
        };
        Ok(u64::try_from(spent)?)
    }

    /// How often all keys that have a rate limit and no quota were called so far, which only Keymint's rows tell.
    pub(crate) async fn called(&self) -> Result<u64, Failure> {
        let called = match self {
            Self::Sqlite(file) => sqlite::called(file).await?,
            Self::Postgres(url) => postgres::called(url).await?,
        };
        Ok(u64::try_from(called)?)
    }

    /// Keys that have expired, and are still there.
    pub(crate) async fn expired(&self) -> Result<u64, Failure> {
        let expired = match self {
            Self::Sqlite(file) => sqlite::expired(file).await?,
            Self::Postgres(url) => postgres::expired(url).await?,
        };
        Ok(u64::try_from(expired)?)
    }
}

/// The hashes of the keys, as many as one statement takes at a time, each batch with the number of its first key.
fn hashes(texts: &Texts) -> impl Iterator<Item = (i64, Vec<String>)> {
    let count = texts.count();
    (0..count).step_by(AT_ONCE).map(move |first| {
        let batch = first..count.min(first + AT_ONCE);
        let hash = |number| PlainKey::new(texts.text(number)).hash().as_str().to_owned();
        (i64::try_from(first).unwrap_or(i64::MAX), batch.map(hash).collect())
    })
}
