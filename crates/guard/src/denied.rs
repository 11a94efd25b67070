use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use keymint_domain::verify::Refusal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{LimitFields, NotAdmitted, Schemes, retry_after};

/// A request that a guard does not let pass, and the form of the answer.
#[derive(Debug, Clone)]
pub struct DeniedRequest {
    /// The reason. Of [`NotAdmitted::Unchecked`] the application logs the cause: the answer does not tell it.
    pub reason: NotAdmitted,
    pub(crate) form: AnswerForm,
}

/// The parts of answers that an application chooses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerForm {
    pub(crate) schemes: Schemes,
    pub(crate) limit_fields: LimitFields,
}

impl Default for AnswerForm {
    fn default() -> Self {
        Self { schemes: Schemes::BEARER, limit_fields: LimitFields::default() }
    }
}

/// Details of a refusal, beside its code (docs/better-auth-wire.md 7.6).
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Details {
    /// Milliseconds until a retry may succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) try_again_in: Option<u64>,
    /// Required actions that are not granted, by resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<Value>,
}

impl Details {
    /// Returns the details of a refusal; `None` = there are none.
    fn of(refusal: &Refusal) -> Option<Self> {
        let missing = refusal.missing.as_ref().and_then(|missing| serde_json::from_str(missing.as_json()).ok());
        let details = Self { try_again_in: refusal.retry_in_ms, missing };
        (details.try_again_in.is_some() || details.missing.is_some()).then_some(details)
    }
}

impl DeniedRequest {
    /// Returns the answer: `{"code", "message"}` with the status, like Keymint's own endpoints, and `details` where there is more
    /// to say. A 401 has `WWW-Authenticate`, a wait that helps `Retry-After`, and a refusal by a limit the fields of the limits.
    pub fn response(&self) -> Response<String> {
        let Self { reason, form } = self;
        let mut body = json!({ "code": reason.code(), "message": reason.message() });
        if let Some(details) = reason.refusal().and_then(Details::of) {
            body["details"] = json!(details);
        }
        let mut response = Response::new(body.to_string());
        *response.status_mut() = reason.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if reason.status() == StatusCode::UNAUTHORIZED {
            let shows_key = !matches!(reason, NotAdmitted::MissingKey);
            for challenge in form.schemes.challenges(shows_key) {
                headers.append(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
        }
        if let Some(wait) = reason.retry() {
            headers.insert(RETRY_AFTER, HeaderValue::from(retry_after(wait)));
        }
        let standings = reason.refusal().map(|refusal| refusal.standings.iter().copied());
        form.limit_fields.write(standings.into_iter().flatten(), |name, value| {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        });
        response
    }
}
