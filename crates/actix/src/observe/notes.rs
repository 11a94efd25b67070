use actix_web::{HttpMessage as _, HttpRequest};
use keymint_domain::verify::{Refusal, Verdict};
use keymint_domain::{ApiKey, ConfigId, KeyId, OwnerId};

use crate::error::ApiError;

/// The outcome of the verification of a request's key, for the access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessNote {
    /// The key; `None` = there is none, or it is not the caller's to know.
    pub(super) key_id: Option<KeyId>,
    /// Its configuration; `None` = the key was refused.
    pub(super) config_id: Option<ConfigId>,
    /// `valid`, or the code of the refusal in lower case.
    pub(super) outcome: String,
}

/// The key that a request changed, and on whose behalf, for the access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChangeNote {
    /// `user:` or `server:` with an id; `server` alone if the server key has none, since it was given at start.
    pub(crate) actor: String,
    /// The key; `None` = several of one owner.
    pub(crate) key_id: Option<KeyId>,
    /// The owner; `None` = the row cannot be read.
    pub(crate) owner: Option<OwnerId>,
}

impl AccessNote {
    /// Notes an accepted key.
    pub(crate) fn accepted(key: &ApiKey) -> Self {
        let (key_id, config_id) = (key.details.id.clone(), key.details.config_id.clone());
        Self { key_id: Some(key_id), config_id: Some(config_id), outcome: "valid".to_owned() }
    }

    /// Notes a verdict.
    pub(crate) fn verdict(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Accepted(key) => Self::accepted(key),
            Verdict::Refused(refusal) => Self::refused(refusal),
        }
    }

    /// Returns the note at a request, else one of the refusal that is its error.
    pub(super) fn of(request: &HttpRequest, error: Option<&ApiError>) -> Option<Self> {
        let noted = request.extensions().get::<Self>().cloned();
        noted.or_else(|| error?.refusal().map(Self::refused))
    }

    fn refused(refusal: &Refusal) -> Self {
        let outcome = refusal.reason().as_str().to_ascii_lowercase();
        Self { key_id: refusal.key_id().cloned(), config_id: None, outcome }
    }
}

impl ChangeNote {
    /// Returns the note at a request.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }
}
