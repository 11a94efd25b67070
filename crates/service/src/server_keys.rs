use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use keymint_domain::event::{Actor, Origin};
use keymint_domain::key::StoredKey;
use keymint_domain::server_key::{ServerKey, ServerKeyText};
use keymint_domain::value::KeyName;
use keymint_domain::{ErrorCode, KeyId, Timestamp};
use keymint_ports::{ServerKeyStore, StoreError};
use subtle::{Choice, ConstantTimeEq};

use crate::surroundings::{Surroundings, takes_surroundings};
use crate::{Context, ServiceError, Source};

/// Recognizes the server keys: those given at start, and those in the store.
///
/// The store's keys are read again once a second, so that a key that was revoked, here or by another process, is
/// refused at most a second later. A key that was made elsewhere is accepted within a tenth of a second.
pub struct ServerKeys {
    store: Arc<dyn ServerKeyStore>,
    surroundings: Surroundings,
    given: Vec<StoredKey>,
    known: RwLock<Option<Known>>,
    /// The uses of the store's keys that this process has noted in the store.
    noted: RwLock<HashMap<KeyId, Timestamp>>,
    reading: tokio::sync::Mutex<()>,
}

/// The store's valid server keys, as of an instant.
struct Known {
    hashes: Arc<[StoredKey]>,
    /// The ids of the same keys, in the same order.
    ids: Vec<KeyId>,
    read_at: Timestamp,
}

/// A server key that was just made. Its text is shown this once.
#[derive(Debug)]
pub struct MadeServerKey {
    /// The key to store.
    pub key: ServerKey,
    /// The text that the holder presents.
    pub text: ServerKeyText,
}

/// The largest age of the cached keys for one of them to be admitted, in milliseconds.
const FRESH_MS: u64 = 1000;
/// The largest age of the cached keys for a key to be refused, in milliseconds.
///
/// It is short, so that a key that was made elsewhere works at once, and not 0, so that guessing does not load the
/// store.
const FRESH_FOR_REFUSAL_MS: u64 = 100;
/// The time in which a key's further uses are not noted, in milliseconds: nearly all uses then write nothing.
const NOTED_EVERY_MS: u64 = 60_000;

takes_surroundings!(ServerKeys);

impl ServerKeys {
    /// Makes the service over the keys in `store`.
    pub fn new(store: Arc<dyn ServerKeyStore>) -> Self {
        Self {
            store,
            surroundings: Surroundings::default(),
            given: Vec::new(),
            known: RwLock::default(),
            noted: RwLock::default(),
            reading: tokio::sync::Mutex::default(),
        }
    }

    /// Also admits these keys, which are given at start.
    #[must_use]
    pub fn with_given(self, given: &[ServerKeyText]) -> Self {
        Self { given: given.iter().map(ServerKeyText::hash).collect(), ..self }
    }

    /// Returns true if `presented` is a valid server key. It takes the same time for any key that it is compared with.
    ///
    /// # Errors
    ///
    /// Returns the store's error if the keys must be read and cannot be.
    pub async fn admit(&self, presented: &str) -> Result<bool, StoreError> {
        let Ok(text) = ServerKeyText::parse(presented) else {
            return Ok(false);
        };
        let hash = text.hash();
        if contains(&self.given, &hash) {
            return Ok(true);
        }
        let is_known =
            contains(&self.known(FRESH_MS).await?, &hash) || contains(&self.known(FRESH_FOR_REFUSAL_MS).await?, &hash);
        if is_known {
            self.note_use(&hash);
        }
        Ok(is_known)
    }

    /// Notes a use in the store once a minute. No request waits for it, and one that fails is noted by a later use.
    fn note_use(&self, hash: &StoredKey) {
        let Some(id) = self.id_of_hash(hash) else { return };
        let now = self.surroundings.now();
        let is_noted = |noted: &Timestamp| *noted <= now && now.millis_since(*noted) < NOTED_EVERY_MS;
        let before = |noted: &HashMap<KeyId, Timestamp>| noted.get(&id).is_some_and(is_noted);
        if before(&self.noted.read().unwrap_or_else(PoisonError::into_inner)) {
            return;
        }
        {
            let mut noted = self.noted.write().unwrap_or_else(PoisonError::into_inner);
            if before(&noted) {
                return;
            }
            noted.insert(id.clone(), now);
        }
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            if let Err(error) = store.note_server_key_use(&id, now).await {
                let error = &error as &dyn std::error::Error;
                tracing::debug!(error, "the last use of a server key could not be noted");
            }
        });
    }

    /// Returns the id of a server key that was just admitted, for a log; `None` = it was given at start.
    pub fn id_of(&self, presented: &str) -> Option<KeyId> {
        self.id_of_hash(&ServerKeyText::parse(presented).ok()?.hash())
    }

    fn id_of_hash(&self, hash: &StoredKey) -> Option<KeyId> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref()?;
        let equal = |other: &StoredKey| contains(std::slice::from_ref(other), hash);
        known.hashes.iter().position(equal).map(|place| known.ids[place].clone())
    }

    /// Returns the store's valid keys, and reads them again if they are older than `max_age_ms`.
    async fn known(&self, max_age_ms: u64) -> Result<Arc<[StoredKey]>, StoreError> {
        if let Some(hashes) = self.recall(max_age_ms) {
            return Ok(hashes);
        }
        // One reader at a time. The others find the keys that it read.
        let _reading = self.reading.lock().await;
        if let Some(hashes) = self.recall(max_age_ms) {
            return Ok(hashes);
        }
        let read_at = self.surroundings.now();
        let living = self.store.list_server_keys().await?.into_iter().filter(|key| key.revoked_at.is_none());
        let (ids, hashes): (_, Vec<_>) = living.map(|key| (key.id, key.hash)).unzip();
        let hashes = Arc::<[StoredKey]>::from(hashes);
        let known = Known { hashes: Arc::clone(&hashes), ids, read_at };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(hashes)
    }

    fn recall(&self, max_age_ms: u64) -> Option<Arc<[StoredKey]>> {
        let now = self.surroundings.now();
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        // A clock that was set back must not keep old keys valid.
        let fresh = |known: &&Known| known.read_at <= now && now.millis_since(known.read_at) < max_age_ms;
        known.as_ref().filter(fresh).map(|known| Arc::clone(&known.hashes))
    }

    /// Makes a server key.
    ///
    /// # Errors
    ///
    /// Returns the store's error if it fails.
    pub async fn create(&self, name: Option<KeyName>) -> Result<MadeServerKey, StoreError> {
        let made = self.make(name);
        self.store.insert_server_key(&made.key, &self.origin(made.key.created_at)).await?;
        self.forget();
        Ok(made)
    }

    /// Makes a server key under this id, for an operator. A second call with the same id makes none.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` for any caller but a server and an operator, and [`ServiceError::Store`] with
    /// [`StoreError::Duplicate`] if there is a server key with the id, or with another error if the store fails.
    pub async fn create_once(
        &self,
        context: Context<'_>,
        name: Option<KeyName>,
        id: KeyId,
    ) -> Result<MadeServerKey, ServiceError> {
        check_manager(&context)?;
        let MadeServerKey { key, text } = self.make(name);
        let made = MadeServerKey { key: ServerKey { id, ..key }, text };
        self.store.insert_server_key(&made.key, &self.origin_of(&context, made.key.created_at)).await?;
        self.forget();
        Ok(made)
    }

    /// Makes the first server key, if none was given and the store has never held one.
    ///
    /// # Errors
    ///
    /// Returns the store's error if it fails.
    pub async fn create_first(&self) -> Result<Option<MadeServerKey>, StoreError> {
        if !self.given.is_empty() {
            return Ok(None);
        }
        let made = self.make(None);
        let origin = self.surroundings.origin(Actor::Keymint, &Source::default(), made.key.created_at);
        Ok(self.store.insert_first_server_key(&made.key, &origin).await?.then_some(made))
    }

    /// Lists the store's server keys in order of creation, revoked ones included.
    ///
    /// # Errors
    ///
    /// Returns the store's error if it fails.
    pub async fn list(&self) -> Result<Vec<ServerKey>, StoreError> {
        self.store.list_server_keys().await
    }

    /// Revokes a server key of the store. Returns false if there is none with that id, or it was revoked before.
    ///
    /// # Errors
    ///
    /// Returns the store's error if it fails.
    pub async fn revoke(&self, id: &KeyId) -> Result<bool, StoreError> {
        let now = self.surroundings.now();
        let revoked = self.store.revoke_server_key(id, now, &self.origin(now)).await?;
        self.forget();
        Ok(revoked)
    }

    /// Revokes a server key of the store, for an operator. Returns false if there is none with that id, or it was revoked
    /// before.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` for any caller but a server and an operator, and [`ServiceError::Store`] if the store fails.
    pub async fn revoke_for(&self, context: Context<'_>, id: &KeyId) -> Result<bool, ServiceError> {
        check_manager(&context)?;
        let now = self.surroundings.now();
        let revoked = self.store.revoke_server_key(id, now, &self.origin_of(&context, now)).await?;
        self.forget();
        Ok(revoked)
    }

    fn origin_of(&self, context: &Context<'_>, now: Timestamp) -> Origin {
        self.surroundings.origin(context.actor(), &context.source, now)
    }

    fn origin(&self, now: Timestamp) -> Origin {
        self.surroundings.origin(Actor::Server, &Source::default(), now)
    }

    /// Makes the next request read the store.
    fn forget(&self) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn make(&self, name: Option<KeyName>) -> MadeServerKey {
        let mut fill = |bytes: &mut [u8]| self.surroundings.fill(bytes);
        let text = ServerKeyText::generate(&mut fill);
        MadeServerKey { key: ServerKey::new(&text, name, &mut fill, self.surroundings.now()), text }
    }
}

/// Checks that the caller may manage server keys.
fn check_manager(context: &Context<'_>) -> Result<(), ErrorCode> {
    if context.caller.manages_all() { Ok(()) } else { Err(ErrorCode::Unauthorized) }
}

/// Compares with every hash, to the end, so that the time does not reveal which one matched.
fn contains(hashes: &[StoredKey], hash: &StoredKey) -> bool {
    let equal = |known: &StoredKey| known.as_str().as_bytes().ct_eq(hash.as_str().as_bytes());
    hashes.iter().map(equal).fold(Choice::from(0), |found, equal| found | equal).into()
}

impl fmt::Debug for ServerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerKeys").field("given", &self.given.len()).finish_non_exhaustive()
    }
}
