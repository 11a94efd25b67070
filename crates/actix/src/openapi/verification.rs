use keymint_domain::ErrorCode;
use keymint_service::ServiceError;
use serde_json::{Value, json};
use utoipa::ToSchema as _;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::AnyOfBuilder;

use super::failures::{REFUSALS, refusal};
use super::security::Callers;
use super::{Description, LIMITS, RETRY_AFTER, Served, VERIFICATION, examples};
use crate::ApiError;
use crate::wire::{DryRunView, ValidatedView, VerdictView, shape};

/// `POST /api-key/verify`.
pub(crate) fn verify(served: &Served<'_>) -> Description {
    let callers = Callers::Verifiers { is_public: served.verify_is_public };
    let answer = AnyOfBuilder::new()
        .item(Ref::from_schema_name(VerdictView::name()))
        .item(Ref::from_schema_name(DryRunView::name()));
    Description::new(VERIFICATION, "verifyApiKey", "Says whether a key may be used now, and counts the use.", callers)
        .text(VERDICTS)
        .reads(shape::verify(), json!({ "key": examples::KEY, "permissions": { "files": ["read"] } }))
        .refers_to::<DryRunView<'_>>()
        .answers_with("The verdict, whatever it is; of a dry run what every rule says besides.", answer, verdict())
        .with_headers(LIMITS)
        .with_headers([RETRY_AFTER])
        .fails(refused(served))
        .fails([ErrorCode::ServerOnlyProperty])
        .fails([ServiceError::Overloaded])
}

const VERDICTS: &str = "The status is 200 whatever the verdict. The first of these that holds is the reason of a refusal, \
    which costs nothing: `INVALID_API_KEY`, `IP_NOT_ALLOWED`, `KEY_DISABLED`, `KEY_EXPIRED`, `USER_BANNED`, \
    `INVALID_REFERENCE_ID_FROM_API_KEY`, `KEY_NOT_FOUND` (it does not grant the permissions that were asked for), \
    `USAGE_EXCEEDED`, `RATE_LIMITED`.";

fn verdict() -> Value {
    json!({ "valid": true, "error": null, "key": examples::key() })
}

/// `POST /api-key/validate`.
pub(crate) fn validate(served: &Served<'_>) -> Description {
    let callers = Callers::Verifiers { is_public: served.verify_is_public };
    let summary = "The same as a verification, with the owner; a refused key is an error.";
    Description::new(VERIFICATION, "validateApiKey", summary, callers)
        .reads(shape::validate(), json!({ "apiKey": examples::KEY }))
        .answers::<ValidatedView<'_>>(
            "The key and its owner.",
            json!({ "user": examples::user(), "apiKey": examples::key() }),
        )
        .with_headers(LIMITS)
        .fails(refused(served))
        .fails(
            REFUSALS
                .into_iter()
                .chain([ErrorCode::InsufficientPermissions])
                .map(|code| ApiError::Invalid(refusal(code))),
        )
        .fails([ErrorCode::ServerOnlyProperty])
        .fails([ServiceError::Overloaded])
}

fn refused(served: &Served<'_>) -> Option<ErrorCode> {
    (!served.verify_is_public).then_some(ErrorCode::Unauthorized)
}
