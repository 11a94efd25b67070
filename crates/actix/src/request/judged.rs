use actix_web::{HttpMessage as _, HttpRequest};
use keymint_domain::verify::{Refusal, Verdict};
use keymint_domain::{ApiKey, ConfigId, KeyId};
use keymint_service::ServiceError;

use crate::{Api, ApiError};

/// What the verification of a request's key found, for the access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judged {
    /// The key; `None` = there is none, or it is not the caller's to know.
    pub(super) key_id: Option<KeyId>,
    /// Its configuration; `None` = the key was refused.
    pub(super) config_id: Option<ConfigId>,
    /// `valid`, or the code of the refusal in lower case.
    pub(super) outcome: String,
}

impl Judged {
    /// Leaves a note of an accepted key at its request.
    pub(crate) fn accepted(request: &HttpRequest, api: &Api, key: &ApiKey) {
        if api.options.access_log {
            let (key_id, config_id) = (key.details.id.clone(), key.details.config_id.clone());
            let outcome = "valid".to_owned();
            request.extensions_mut().insert(Self { key_id: Some(key_id), config_id: Some(config_id), outcome });
        }
    }

    /// Leaves a note of a verdict at its request.
    pub(crate) fn verdict(request: &HttpRequest, api: &Api, verdict: &Verdict) {
        match verdict {
            Verdict::Accepted(key) => Self::accepted(request, api, key),
            Verdict::Refused(refusal) if api.options.access_log => {
                request.extensions_mut().insert(Self::refused(refusal));
            }
            Verdict::Refused(_) => {}
        }
    }

    /// The note at a request, or what its error says of a key.
    pub(super) fn of(request: &HttpRequest, error: Option<&ApiError>) -> Option<Self> {
        let noted = request.extensions().get::<Self>().cloned();
        noted.or_else(|| refusal_of(error?).map(Self::refused))
    }

    fn refused(refusal: &Refusal) -> Self {
        let outcome = refusal.reason().as_str().to_ascii_lowercase();
        Self { key_id: refusal.key_id.clone(), config_id: None, outcome }
    }
}

fn refusal_of(error: &ApiError) -> Option<&Refusal> {
    match error {
        ApiError::Service(ServiceError::KeyRefused(refusal))
        | ApiError::Invalid(refusal)
        | ApiError::Denied(refusal) => Some(refusal),
        _ => None,
    }
}
