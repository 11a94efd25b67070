use std::net::IpAddr;

use keymint_domain::identity::User;
use keymint_domain::key::PlainKey;
use keymint_domain::verify::{Attempt, Refusal, Verdict};
use keymint_domain::{ApiKey, ErrorCode, UserId};

use crate::{Keys, ServiceError};

/// Somebody who showed a key, and counts as its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHolder {
    /// The key, with this use counted.
    pub key: ApiKey,
    /// Its owner.
    pub user: User,
    /// Whether the key's configuration lets its session change keys.
    pub may_manage_keys: bool,
}

impl Keys {
    /// Opens the session of a key that a request shows in `header`, named in lower case, and sends from `client`, where
    /// that is known. It counts as one use of the key, where the key's configuration opens sessions by that header (wire
    /// document 9).
    ///
    /// Errors: [`ServiceError::KeyRefused`], of a key of an organization, of a banned user or of one who is gone before
    /// anything is paid; [`ServiceError::ShortKey`]; [`ServiceError::Overloaded`]; a failed store.
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
            // Gone since the key was looked at, or kept where this service does not look.
            ServiceError::KeyRefused(Refusal::of_unknown(ErrorCode::InvalidReferenceIdFromApiKey))
        })?;
        let may_manage_keys = self.policy.resolve(&accepted.details.config_id)?.allow_key_management;
        Ok(KeyHolder { key: accepted, user, may_manage_keys })
    }

    /// The user to whom a key belongs; `None` where no row has that id, or this service knows no users.
    pub(super) async fn owner_of(&self, key: &ApiKey) -> Result<Option<User>, ServiceError> {
        match (&self.users, UserId::parse(key.details.owner.as_str())) {
            (Some(users), Ok(id)) => Ok(users.find_user(&id).await?),
            _ => Ok(None),
        }
    }
}
