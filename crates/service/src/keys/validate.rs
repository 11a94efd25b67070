use keymint_domain::ApiKey;
use keymint_domain::identity::User;
use keymint_domain::policy::References;
use keymint_domain::verify::{Refusal, Verdict};

use crate::{Caller, Keys, ServiceError, VerifyKey};

/// A key that may be used, and its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validated {
    /// The key, with this use counted.
    pub key: ApiKey,
    /// The key's owner; `None` = an organization, or an id that only the caller knows.
    pub user: Option<User>,
}

impl Keys {
    /// Does the same as [`Keys::verify`], and returns the owner beside the key.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Keys::verify`].
    pub async fn validate(
        &self,
        caller: &Caller,
        request: VerifyKey,
    ) -> Result<Result<Validated, Refusal>, ServiceError> {
        let key = match self.verify(caller, request).await? {
            Verdict::Accepted(key) => key,
            Verdict::Refused(refusal) => return Ok(Err(refusal)),
        };
        let user = match self.policy.resolve(&key.details.config_id)?.references {
            References::User => self.owner_of(&key).await?,
            References::Organization => None,
        };
        Ok(Ok(Validated { key, user }))
    }
}
