//! `POST /oauth2/introspect` (RFC 7662): whether a key may be used. It counts one use, unless the query says `cost=0`.

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{Error, FromRequest as _, HttpRequest, HttpResponse, web};
use keymint_domain::ErrorCode;
use keymint_domain::key::PlainKey;
use keymint_domain::verify::Verdict;
use keymint_service::{Caller, ServiceError, VerifyKey};
use serde_json::json;
use utoipa::openapi::path::ParameterIn;

use crate::api::Api;
use crate::callers::is_client;
use crate::endpoints::gateways::Parameters;
use crate::error::{ApiError, OauthFailure};
use crate::extract::JsonBody;
use crate::live::CurrentApi;
use crate::members::{Members, Shape};
use crate::observe::AccessNote;
use crate::openapi::{Callers, Description, DocumentContext, Failures, examples};
use crate::views::IntrospectionView;

pub(super) const PATH: &str = "/oauth2/introspect";

/// The fields of a question. The hint on the token's type and the caller's name say nothing here.
struct Question {
    token: String,
    client_secret: Option<String>,
}

fn read(body: &mut Members<'_>) -> Option<Question> {
    let token = body.required("token", "The key's text.").text();
    body.optional("token_type_hint", "Ignored: there is one type of token.").text();
    body.optional("client_id", "Ignored: the server key is enough.").text();
    let secret = "A server key, instead of one in `Authorization`.";
    let client_secret = body.optional("client_secret", secret).text();
    Some(Question { token: token?, client_secret })
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let active = json!({
        "active": true, "scope": "files:read", "token_type": "Bearer", "sub": "ada", "iss": "https://keys.example.com",
        "jti": examples::KEY_ID, "iat": 1_700_000_000, "configId": "default",
    });
    Description::new("introspect", "Tells if a key may be used, and counts the use (RFC 7662).", Callers::Introspectors)
        .text(
            "A key that may not be used now is not active, whatever the reason. The query says what the key must grant \
             and what the use costs; `cost=0` counts nothing. The body may also be a form, as RFC 7662 has it.",
        )
        .takes_from(&ParameterIn::Query, Parameters::properties_of_key())
        .reads(Shape::of_body(context.policy, read), json!({ "token": examples::KEY }))
        .answers::<IntrospectionView<'_>>("The key, if it may be used.", active)
        .fails_as(Failures::of_oauth(errors()))
}

fn errors() -> Vec<ApiError> {
    let mut errors: Vec<_> = Failures::of_any().chain(Failures::of_the_store()).chain(Failures::of_a_body()).collect();
    errors.extend([ErrorCode::Unauthorized.into(), ServiceError::Overloaded.into()]);
    errors
}

/// The form of errors that the handler does not see.
pub(super) fn failure(_: &HttpRequest, error: ApiError) -> Error {
    OauthFailure(error).into()
}

pub(super) async fn introspect(
    http: HttpRequest,
    api: CurrentApi,
    body: web::Payload,
) -> Result<HttpResponse, OauthFailure> {
    let verdict = verify(&http, &api, body.into_inner()).await.map_err(OauthFailure)?;
    let (verdict, presented) = verdict;
    api.note(&http, || AccessNote::verdict(&verdict));
    let view = match &verdict {
        Verdict::Accepted(key) => {
            IntrospectionView::active(key, key.former_secret_ends_at(&presented), &api.options.base_url)
        }
        Verdict::Refused(_) => IntrospectionView::INACTIVE,
    };
    Ok(HttpResponse::Ok().insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store"))).json(view))
}

async fn verify(http: &HttpRequest, api: &Api, mut body: Payload) -> Result<(Verdict, PlainKey), ApiError> {
    let JsonBody(body) = JsonBody::from_request(http, &mut body).await?;
    let Question { token, client_secret } = Members::read_body(body.as_ref(), read)?;
    if !is_client(http, client_secret.as_deref(), &api.server_keys).await? {
        return Err(ErrorCode::Unauthorized.into());
    }
    let Parameters { config_id, permissions, cost, .. } = Parameters::of_key(http)?;
    let presented = PlainKey::new(token);
    let verification = VerifyKey { config_id, permissions, cost, ..VerifyKey::of(presented.clone()) };
    Ok((api.keys.verify(&Caller::Server, verification).await?, presented))
}
