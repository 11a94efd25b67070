use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use keymint_domain::Timestamp;
use keymint_domain::leak::{LeakOutcome, Reporter};
use keymint_ports::{Clock, FetchFailure, FetchedKeys, GithubKey, GithubKeys};
use tokio::sync::Mutex;

use super::holders::log_unreadable;
use crate::{FoundText, Keys, ServiceError, Source};

/// Takes reports from GitHub's secret scanning, which signs them.
///
/// GitHub's public keys are kept. They are fetched when a report names an unknown one, and again when they are an hour
/// old: at most once a minute, whoever asks and whatever becomes of it. If a fetch fails, the keys stay.
///
/// Its clones share the keys.
#[derive(Clone)]
pub struct GithubReports(Arc<Keyring>);

struct Keyring {
    source: Arc<dyn GithubKeys>,
    clock: Arc<dyn Clock>,
    known: RwLock<Known>,
    /// Held by the one who fetches.
    fetching: Mutex<Fetches>,
}

/// The keys that count.
#[derive(Default)]
struct Known {
    by_id: HashMap<Box<str>, Arc<GithubKey>>,
    /// The instant at which GitHub confirmed them; `None` = never.
    confirmed_at: Option<Timestamp>,
}

#[derive(Default)]
struct Fetches {
    tag: Option<Box<str>>,
    last: Option<LastFetch>,
}

struct LastFetch {
    at: Timestamp,
    failure: Option<FetchFailure>,
}

/// The reason why a report is not taken as GitHub's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotFromGithub {
    /// GitHub lists no key of that identifier.
    #[error("GitHub lists no key with this identifier")]
    UnknownKey,
    /// The signature is not of this body by that key.
    #[error("the signature is not of this body")]
    WrongSignature,
    /// It is not known: GitHub's keys could not be fetched.
    #[error("GitHub's keys could not be fetched")]
    NoKeys(#[source] FetchFailure),
}

/// The least time between two fetches, in milliseconds.
const BETWEEN_FETCHES_MS: u64 = 60_000;

/// The age at which keys are fetched again, in milliseconds: a key that GitHub withdrew counts no longer than that.
const FRESH_MS: u64 = 3_600_000;

impl GithubReports {
    /// Starts without a key.
    pub fn new(source: Arc<dyn GithubKeys>, clock: Arc<dyn Clock>) -> Self {
        Self(Arc::new(Keyring { source, clock, known: RwLock::default(), fetching: Mutex::default() }))
    }

    /// Checks that GitHub signed `body` by the key with the identifier `key_id`.
    ///
    /// # Errors
    ///
    /// Returns [`NotFromGithub`] if it did not, and if that is not known.
    pub async fn check(&self, key_id: &str, signature: &[u8], body: &[u8]) -> Result<(), NotFromGithub> {
        let key = match self.0.fresh(key_id) {
            Some(key) => key,
            None => self.fetch(key_id).await?,
        };
        if self.0.source.verify(&key, body, signature) { Ok(()) } else { Err(NotFromGithub::WrongSignature) }
    }

    /// Applies a report that [`GithubReports::check`] has passed. Returns for each text whether it is a key's, in their
    /// order.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails. Then nothing of a report of at most
    /// [`MAX_LEAKS`](keymint_domain::leak::MAX_LEAKS) texts was applied.
    pub async fn apply(&self, keys: &Keys, found: &[FoundText], source: &Source) -> Result<Vec<bool>, ServiceError> {
        let outcomes = keys.report_leaks(Reporter::Github, found, source).await?;
        log_unreadable(&outcomes);
        // A row that cannot be read is a key's all the same.
        Ok(outcomes.iter().map(|outcome| !matches!(outcome, Ok(LeakOutcome::Unknown))).collect())
    }

    /// Fetches a key in a task of its own: a client that leaves does not use up the turn for all others.
    async fn fetch(&self, key_id: &str) -> Result<Arc<GithubKey>, NotFromGithub> {
        let (keyring, key_id) = (Arc::clone(&self.0), Box::<str>::from(key_id));
        let fetched = tokio::spawn(async move { keyring.fetch(&key_id).await }).await;
        fetched.unwrap_or(Err(NotFromGithub::NoKeys(FetchFailure::NoConnection)))
    }
}

impl Keyring {
    /// Returns a key that was confirmed within the last hour.
    fn fresh(&self, key_id: &str) -> Option<Arc<GithubKey>> {
        let now = self.clock.now();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.confirmed_at.filter(|at| now.millis_since(*at) < FRESH_MS)?;
        known.by_id.get(key_id).cloned()
    }

    fn kept(&self, key_id: &str) -> Option<Arc<GithubKey>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).by_id.get(key_id).cloned()
    }

    /// Fetches the keys, unless that was tried within the last minute, and returns one of them. Callers that come
    /// meanwhile wait for the same fetch.
    async fn fetch(&self, key_id: &str) -> Result<Arc<GithubKey>, NotFromGithub> {
        let mut fetches = self.fetching.lock().await;
        if let Some(key) = self.fresh(key_id) {
            return Ok(key);
        }
        let now = self.clock.now();
        // A clock that was set back does not end the fetches.
        let is_soon = |last: &LastFetch| last.at <= now && now.millis_since(last.at) < BETWEEN_FETCHES_MS;
        if !fetches.last.as_ref().is_some_and(is_soon) {
            let answer = self.source.fetch(fetches.tag.clone()).await;
            let failure = answer.as_ref().err().copied();
            fetches.last = Some(LastFetch { at: now, failure });
            match answer {
                Ok(FetchedKeys::All { keys, tag }) => {
                    fetches.tag = tag;
                    self.confirm(now, Some(keys));
                }
                Ok(FetchedKeys::Unchanged) => self.confirm(now, None),
                Err(failure) => {
                    let error = &failure as &dyn std::error::Error;
                    tracing::warn!(error, "GitHub's public keys could not be fetched");
                }
            }
        }
        let failure = fetches.last.as_ref().and_then(|last| last.failure);
        self.kept(key_id).ok_or(failure.map_or(NotFromGithub::UnknownKey, NotFromGithub::NoKeys))
    }

    fn confirm(&self, now: Timestamp, keys: Option<Vec<GithubKey>>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.confirmed_at = Some(now);
        if let Some(keys) = keys {
            known.by_id = keys.into_iter().map(|key| (key.id.clone(), Arc::new(key))).collect();
        }
    }
}

impl fmt::Debug for GithubReports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GithubReports")
    }
}
