use keymint_domain::key::{KeyFormat, Minted, NewKey, PlainKey};
use keymint_domain::policy::References;
use keymint_domain::{ConfigId, Configuration, ErrorCode, KeyId, OrganizationId, OwnerId};
use keymint_ports::StoreError;

use super::options::lets_grant;
use crate::builder::KeyRequest;
use crate::caller::{Deed, Reach};
use crate::{Caller, Context, Keys, ServiceError};

/// A request for a new key.
#[derive(Debug, Clone, PartialEq)]
pub struct CreateKey {
    /// The configuration that the key is made under; `None` = the default one.
    pub config_id: Option<ConfigId>,
    /// The user who will own the key, if the configuration's keys belong to users. A server must name one; no other
    /// caller may.
    pub owner: Option<OwnerId>,
    /// The organization that will own the key, if the configuration's keys belong to organizations.
    pub organization: Option<OrganizationId>,
    /// The requested properties of the key.
    pub new: NewKey,
}

impl CreateKey {
    /// Returns a server's request for a user's key of the default configuration.
    pub fn of(owner: OwnerId, new: NewKey) -> Self {
        Self { config_id: None, owner: Some(owner), organization: None, new }
    }
}

impl Keys {
    /// Creates a key. Its text is only in the answer.
    ///
    /// # Errors
    ///
    /// Returns, in Better Auth's order (docs/better-auth-wire.md 7.1): no such configuration and no default one;
    /// server-only members or a `userId` from any caller but a server; `ORGANIZATION_ID_REQUIRED`; no session, or one
    /// that may not create keys; a member's missing right; the errors of [`NewKey::check`]; `MAX_KEYS_REACHED`. Also
    /// [`ServiceError::Ungrantable`], [`ServiceError::UnusableKey`], and [`ServiceError::Store`] if the store fails.
    pub async fn create<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        request: CreateKey,
    ) -> Result<Minted, ServiceError> {
        let context = context.into();
        self.insert_new(&context, request, None).await
    }

    /// Does the same as [`Keys::create`], but gives the key the id `id`, so that a request that is sent twice makes one
    /// key. `id` must be random, and the caller's alone.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Keys::create`], and `KEY_EXISTS` if there is a key with that id, or a deleted one that can be
    /// restored.
    pub async fn create_once<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        request: CreateKey,
        id: KeyId,
    ) -> Result<Minted, ServiceError> {
        let context = context.into();
        let deleted = self.store.find_deleted(&id).await?;
        if deleted.is_some_and(|deleted| !deleted.deletion.is_final(self.clock.now())) {
            return Err(ErrorCode::KeyExists.into());
        }
        self.insert_new(&context, request, Some(id)).await
    }

    async fn insert_new(
        &self,
        context: &Context<'_>,
        request: CreateKey,
        id: Option<KeyId>,
    ) -> Result<Minted, ServiceError> {
        let configuration = self.policy.resolve(request.config_id.as_ref().unwrap_or(&ConfigId::default_id()))?;
        let owner = self.owner_of_new(context.caller, &request, configuration).await?;
        if let Some(asked) = &request.new.permissions {
            self.check_grant(context.caller, configuration, &owner, None, asked).await?;
        }
        let new = request.new.check(configuration)?;
        let plain = self.key_text(new.prefix(), configuration)?;
        let now = self.clock.now();
        let minted = new.mint(owner, plain, &mut |bytes: &mut [u8]| self.entropy.fill(bytes), now);
        let minted = minted.by(self.recorder.actor(context.actor()));
        let is_named = id.is_some();
        let minted = match id {
            Some(id) => minted.named(id),
            None => minted,
        };
        let origin = self.origin(context, now);
        match self.store.insert(&minted.key, configuration.max_keys_per_user, &origin).await {
            Ok(()) => Ok(minted),
            Err(StoreError::OwnerFull) => Err(ErrorCode::MaxKeysReached.into()),
            Err(StoreError::Duplicate) if is_named => Err(ErrorCode::KeyExists.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the owner of the new key. Server-only members are refused before authentication is checked.
    async fn owner_of_new(
        &self,
        caller: &Caller,
        request: &CreateKey,
        configuration: &Configuration,
    ) -> Result<OwnerId, ServiceError> {
        let CreateKey { config_id: _, owner, organization, new } = request;
        if !caller.manages_all() {
            if new.has_server_only_members(lets_grant(configuration, caller)) {
                return Err(ErrorCode::ServerOnlyProperty.into());
            }
            if owner.is_some() {
                return Err(ErrorCode::UnauthorizedSession.into());
            }
        }
        let reach = || caller.manages(Deed::Create, ErrorCode::UnauthorizedSession);
        match configuration.references {
            References::User => match reach()? {
                Reach::User(user) => Ok(user.into()),
                Reach::Owner(owner) => Ok(owner.clone()),
                Reach::Everyone => Ok(owner.clone().ok_or(ErrorCode::UserIdRequired)?),
            },
            References::Organization => {
                let organization = organization.as_ref().ok_or(ErrorCode::OrganizationIdRequired)?;
                self.authorize(reach()?, Deed::Create, organization).await?;
                Ok(organization.into())
            }
        }
    }

    /// Makes the text of a key's secret.
    pub(super) fn key_text(
        &self,
        prefix: Option<&str>,
        configuration: &Configuration,
    ) -> Result<PlainKey, ServiceError> {
        let random_bytes = configuration.key_length;
        let Some(generator) = &self.generator else {
            let mut fill = |bytes: &mut [u8]| self.entropy.fill(bytes);
            let mut generate = |format: KeyFormat| format.generate(prefix.unwrap_or_default(), random_bytes, &mut fill);
            let key = generate(configuration.key_format);
            // The text may begin with the prefix of another configuration, all of whose keys are checked.
            return Ok(if self.policy.is_malformed(&key) { generate(KeyFormat::Checked) } else { key });
        };
        let text = generator(KeyRequest { prefix, random_bytes });
        let key = PlainKey::new(text);
        if key.expose().is_empty() || key.expose().contains('\0') || self.policy.is_malformed(&key) {
            return Err(ServiceError::UnusableKey);
        }
        Ok(key)
    }
}
