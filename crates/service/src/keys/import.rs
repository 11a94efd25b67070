use std::collections::HashMap;

use keymint_domain::event::Actor;
use keymint_domain::key::{ForeignLookup, ImportKey, ImportRefused, ImportedSecret, PepperName};
use keymint_domain::{ApiKey, ConfigId, ErrorCode, Timestamp};
use keymint_ports::ImportOutcome;

use crate::{Caller, Context, Keys, ServiceError};

/// The reason why a key cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotImport {
    /// There is no such configuration. An import, unlike a request, never takes the default one for it.
    #[error("there is no configuration {0}")]
    Configuration(ConfigId),
    /// The text of the key begins with the prefix of a configuration with `checked_only`, and has no checksum.
    #[error("every key with its prefix needs a checksum (checked_only), and this one would always be refused")]
    Malformed,
    /// The pepper of the key's hash is not known, so that it would always be refused.
    #[error("pepper: import.peppers does not name {0}, so that no server could verify the key")]
    Pepper(PepperName),
    /// The configuration refuses the key.
    #[error(transparent)]
    Refused(#[from] ImportRefused),
}

impl Keys {
    /// Makes the key of an import, and stores nothing. A key of which no maker is known is made by the importer.
    ///
    /// # Errors
    ///
    /// Returns [`CannotImport`] if its configuration does not exist or refuses the key.
    pub fn prepare_import(&self, config_id: &ConfigId, key: ImportKey, now: Timestamp) -> Result<ApiKey, CannotImport> {
        if let ImportedSecret::Plain(plain) = &key.secret
            && self.policy.is_malformed(plain)
        {
            return Err(CannotImport::Malformed);
        }
        if let ImportedSecret::Foreign(hash) = &key.secret
            && let Some(pepper) = hash.pepper().filter(|pepper| !self.foreign.knows(pepper))
        {
            return Err(CannotImport::Pepper(pepper.clone()));
        }
        let missing = || CannotImport::Configuration(config_id.clone());
        let configuration = self.policy.resolve(config_id).ok().filter(|found| found.id == *config_id);
        let configuration = configuration.ok_or_else(missing)?;
        let created_by = key.created_by.clone().or_else(|| Some(self.recorder.actor(Actor::Server)));
        let key = ImportKey { created_by, ..key };
        Ok(key.check(configuration, &mut |bytes: &mut [u8]| self.entropy.fill(bytes), now)?)
    }

    /// Adds a portion of keys that [`Keys::prepare_import`] made, all of those whose id and secret are free or none.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::UnauthorizedSession`] for any caller but a server, and [`ServiceError::Store`] if the store
    /// fails.
    pub async fn import<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        keys: &[ApiKey],
    ) -> Result<Vec<ImportOutcome>, ServiceError> {
        let context = context.into();
        if *context.caller != Caller::Server {
            return Err(ErrorCode::UnauthorizedSession.into());
        }
        let outcomes = self.store.import(keys, &self.origin(&context, self.clock.now())).await?;
        if keys.iter().any(|key| key.details.foreign.is_some()) {
            self.foreign.forget().await;
        }
        Ok(outcomes)
    }

    /// Counts the keys that have each of these lookups.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn count_foreign<'l>(
        &self,
        lookups: impl IntoIterator<Item = &'l ForeignLookup> + Send,
    ) -> Result<HashMap<ForeignLookup, usize>, ServiceError> {
        let lookups: Vec<_> = lookups.into_iter().cloned().collect();
        let mut counts = HashMap::new();
        if !lookups.is_empty() {
            for key in self.store.find_foreign(&lookups, &[]).await? {
                if let Some(lookup) = key.details.foreign_lookup() {
                    *counts.entry(lookup).or_default() += 1;
                }
            }
        }
        Ok(counts)
    }

    /// Returns true if the pepper of this name is known.
    pub fn knows_pepper(&self, name: &PepperName) -> bool {
        self.foreign.knows(name)
    }

    /// Returns the peppers that keys in the database need, and that are not known.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn missing_peppers(&self) -> Result<Vec<PepperName>, ServiceError> {
        self.foreign.missing_peppers().await
    }

    /// Returns the outcomes that [`Keys::import`] would have, and adds nothing.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn preview_import(&self, keys: &[ApiKey]) -> Result<Vec<ImportOutcome>, ServiceError> {
        Ok(self.store.preview_import(keys).await?)
    }
}
