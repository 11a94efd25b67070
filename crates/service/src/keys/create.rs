use keymint_domain::key::{Minted, NewKey, PlainKey};
use keymint_domain::{ConfigId, Configuration, ErrorCode, OwnerId};

use crate::{Caller, KeyError, KeyRequest, Keys};

/// A request for a new key.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateKey {
    /// The configuration; an id that nobody configured means the default one.
    pub config_id: Option<ConfigId>,
    /// Whom it is for. A server must say so; nobody else may.
    pub owner: Option<OwnerId>,
    /// What it should be like.
    pub new: NewKey,
}

impl CreateKey {
    /// A server's request for a key of the default configuration.
    pub fn of(owner: OwnerId, new: NewKey) -> Self {
        Self { config_id: None, owner: Some(owner), new }
    }
}

impl Keys {
    /// Creates a key. Its text is in the answer, and nowhere else.
    ///
    /// Errors, in Better Auth's order (wire document 7.1): no such configuration and no default one; server-only
    /// members from anybody else; no owner; the checks of [`NewKey::check`]; `MAX_KEYS_REACHED`.
    pub async fn create(&self, caller: &Caller, request: CreateKey) -> Result<Minted, KeyError> {
        let CreateKey { config_id, owner, new } = request;
        let configuration = self.policy.resolve(&config_id.unwrap_or_else(ConfigId::default_id))?;
        let owner = owner_of(caller, owner, &new)?;
        new.check(configuration)?;
        let plain = self.key_text(&new, configuration)?;
        let now = self.clock.now();
        let minted = new.mint(configuration, owner, plain, &mut |bytes: &mut [u8]| self.entropy.fill(bytes), now);
        match self.store.insert(&minted.key, configuration.max_keys_per_user).await {
            Ok(()) => Ok(minted),
            Err(keymint_ports::StoreError::OwnerFull) => Err(ErrorCode::MaxKeysReached.into()),
            Err(error) => Err(error.into()),
        }
    }

    fn key_text(&self, new: &NewKey, configuration: &Configuration) -> Result<PlainKey, KeyError> {
        let prefix = new.prefix(configuration);
        let random_bytes = configuration.key_length;
        let Some(generator) = &self.generator else {
            let mut fill = |bytes: &mut [u8]| self.entropy.fill(bytes);
            return Ok(PlainKey::generate(prefix.unwrap_or_default(), random_bytes, &mut fill));
        };
        let text = generator(KeyRequest { prefix, random_bytes });
        if text.is_empty() || text.contains('\0') {
            return Err(KeyError::UnusableKey);
        }
        Ok(PlainKey::new(text))
    }
}

/// Whose key it will be. Server-only members are refused before authentication is looked at.
fn owner_of(caller: &Caller, owner: Option<OwnerId>, new: &NewKey) -> Result<OwnerId, ErrorCode> {
    if *caller == Caller::Server {
        return owner.ok_or(ErrorCode::UnauthorizedSession);
    }
    if new.has_server_only_members() {
        return Err(ErrorCode::ServerOnlyProperty);
    }
    match (caller, owner) {
        (Caller::User(user), None) => Ok(user.clone()),
        _ => Err(ErrorCode::UnauthorizedSession),
    }
}
