use keymint_domain::event::Actor;
use keymint_domain::key::{ImportKey, ImportRefused, ImportedSecret};
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
        Ok(self.store.import(keys, &self.origin(&context, self.clock.now())).await?)
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
