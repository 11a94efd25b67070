use std::net::IpAddr;

use keymint_domain::identity::User;
use keymint_domain::key::PlainKey;
use keymint_domain::verify::{Attempt, Refusal, Verdict};
use keymint_domain::{ApiKey, ErrorCode, UserId};

use crate::{Keys, ServiceError};

/// A caller who presented a key, and acts as its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHolder {
    /// The key, with this use counted.
    pub key: ApiKey,
    /// The key's owner.
    pub user: User,
    /// True if the key's configuration allows its session to change keys.
    pub may_manage_keys: bool,
}

impl Keys {
    /// Opens the session of a key that a request presents in `header`, named in lower case, from the address `client`,
    /// if that is known.
    ///
    /// It counts as one use of the key, if the key's configuration opens sessions by that header
    /// (docs/better-auth-wire.md 9).
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::KeyRefused`] if the key may not be used. A key of an organization, of a banned user or
    /// of a deleted user is refused before anything is paid. Also [`ServiceError::ShortKey`],
    /// [`ServiceError::Overloaded`], and [`ServiceError::Store`] if the store fails.
    pub async fn open_session(
        &self,
        key: PlainKey,
        header: &str,
        client: Option<IpAddr>,
    ) -> Result<KeyHolder, ServiceError> {
        let mut attempt = Attempt::new(&key, &self.policy);
        attempt.opens_session_by = Some(header.to_owned());
        attempt.client = client.into();
        let accepted = match self.settle(&key, attempt).await? {
            Verdict::Accepted(key) => key,
            Verdict::Refused(Refusal { code: ErrorCode::InvalidApiKey, .. })
                if self.policy.is_too_short_for_session(&key, header) =>
            {
                return Err(ServiceError::ShortKey);
            }
            Verdict::Refused(refusal) => return Err(ServiceError::KeyRefused(refusal)),
        };
        let user = self.owner_of(&accepted).await?.ok_or_else(|| {
            // Deleted since the key was judged, or stored in a place that this service does not know.
            ServiceError::KeyRefused(Refusal::of_unknown(ErrorCode::InvalidReferenceIdFromApiKey))
        })?;
        let may_manage_keys = self.policy.resolve(&accepted.details.config_id)?.allow_key_management;
        Ok(KeyHolder { key: accepted, user, may_manage_keys })
    }

    /// Finds the user who owns a key; `None` = no row has that id, or this service knows no users.
    pub(super) async fn owner_of(&self, key: &ApiKey) -> Result<Option<User>, ServiceError> {
        match (&self.users, UserId::parse(key.details.owner.as_str())) {
            (Some(users), Ok(id)) => Ok(users.find_user(&id).await?),
            _ => Ok(None),
        }
    }
}
