//! `POST /api-key/validate`: a verification as Better Auth UI's documentation has it. A refused key is an error, with a
//! status and a code of its own.

use actix_web::{HttpRequest, HttpResponse};
use keymint_domain::{ErrorCode, Timestamp};
use keymint_guard::LimitFields;
use keymint_service::{ServiceError, Validated, VerifyKey};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{of_verifiers, read_use, refused};
use crate::callers::proven_address;
use crate::error::ApiError;
use crate::extract::{JsonBody, ServerOrAnyone};
use crate::live::CurrentApi;
use crate::members::{Members, Shape};
use crate::observe::AccessNote;
use crate::openapi::{Description, DocumentContext, LIMITS, REFUSALS, examples, refusal};
use crate::views::limits::show_limits;
use crate::views::secret::{FORMER, SUNSET, show_sunset};
use crate::views::{Iso, KeyView, UserView};

/// A key that may be used, and its owner.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Validated)]
struct ValidatedView<'a> {
    /// The owner; null if the key belongs to an organization, or to an id that the table `user` does not have.
    #[schema(required)]
    user: Option<UserView<'a>>,
    api_key: KeyView<'a>,
    /// `former` if the key was presented by a secret that a rotation has replaced; absent else.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    secret: Option<&'static str>,
    /// The instant at which that secret ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    former_secret_ends_at: Option<Iso>,
}

impl<'a> ValidatedView<'a> {
    /// Shows a key with its owner, and the end of the presented secret if it is the former one of a rotation.
    fn new(validated: &'a Validated, former_ends_at: Option<Timestamp>) -> Self {
        Self {
            user: validated.user.as_ref().map(UserView::from),
            api_key: KeyView::from(&validated.key),
            secret: former_ends_at.map(|_| FORMER),
            former_secret_ends_at: former_ends_at.map(Iso),
        }
    }
}

fn read(body: &mut Members<'_>) -> Option<VerifyKey> {
    read_use(body, "apiKey")
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let summary = "Verifies a key and returns its owner; a refused key is an error.";
    let validated = json!({ "user": examples::user(), "apiKey": examples::key() });
    let reasons = REFUSALS.into_iter().chain([ErrorCode::InsufficientPermissions]);
    of_verifiers(context, "validateApiKey", summary)
        .reads(Shape::of_body(context.policy, read), json!({ "apiKey": examples::KEY }))
        .answers::<ValidatedView<'_>>("The key and its owner.", validated)
        .with_headers(LIMITS)
        .with_headers([SUNSET])
        .fails(refused(context))
        .fails(reasons.map(|code| ApiError::Invalid(refusal(code), LimitFields::default())))
        .fails([ErrorCode::ServerOnlyProperty])
        .fails([ServiceError::Overloaded])
}

pub(super) async fn validate(
    http: HttpRequest,
    ServerOrAnyone(caller): ServerOrAnyone,
    JsonBody(body): JsonBody,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    let mut verification = Members::read_body(body.as_ref(), read)?;
    verification.caller_ip = proven_address(&http, &api.options.trusted_proxies);
    let presented = verification.key.clone();
    let fields = api.options.limit_fields;
    let validated = api.keys.validate(&caller, verification).await?;
    let validated = validated.map_err(|refusal| ApiError::Invalid(refusal, fields))?;
    api.note(&http, || AccessNote::accepted(&validated.key));
    let former_ends_at = validated.key.former_secret_ends_at(&presented);
    let mut response = HttpResponse::Ok().json(ValidatedView::new(&validated, former_ends_at));
    show_sunset(response.headers_mut(), former_ends_at);
    show_limits(response.headers_mut(), fields, api.keys.standings(&validated.key));
    Ok(response)
}
