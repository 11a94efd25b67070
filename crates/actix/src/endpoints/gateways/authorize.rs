//! `/authorize` and every path below it, by any method: whether the request that a gateway has before it may pass. The
//! body is not read.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{Error, HttpRequest, HttpResponse};
use keymint_domain::verify::Verdict;
use keymint_domain::{ApiKey, ErrorCode, Timestamp};
use keymint_guard::{LimitFields, NotAdmitted};
use keymint_service::{ServiceError, VerifyKey, stopwatch};
use utoipa::openapi::path::ParameterIn;

use super::identity;
use super::parameters::{Parameters, Place, properties};
use crate::api::Api;
use crate::assertions::Original;
use crate::callers::{Asker, presented_key, presenting_headers, proven_address};
use crate::error::{ApiError, Denial};
use crate::live::CurrentApi;
use crate::members::schema::{Property, optional, required, text};
use crate::observe::{AccessNote, own_id};
use crate::openapi::{Callers, Description, DocumentContext, Failures, LIMITS, REFUSALS, refusal};
use crate::views::limits::show_limits;
use crate::views::secret::{SUNSET, show_sunset};

pub(super) const PATH: &str = "/authorize";
/// The parameter of the paths below: the client's path.
pub(super) const REST: &str = "path";

const SUMMARY: &str = "Tells a gateway if a request may pass, and counts it.";
const TEXT: &str = "Any method is answered alike, and no body is read. The query of `/authorize` itself says what the \
    route asks of keys, or a header says what the query does not. Below `/authorize` the path and the query are those of \
    the client's request, and say nothing. Two different keys in one request are refused.";

pub(super) fn describe(_: &DocumentContext<'_>) -> Description {
    of_gateways("authorize").takes_from(&ParameterIn::Query, properties(Place::Query))
}

pub(super) fn describe_below(_: &DocumentContext<'_>) -> Description {
    let path = required(REST, text(), "The client's path, which may have more parts.");
    of_gateways("authorizePath").takes_from(&ParameterIn::Path, vec![path])
}

fn of_gateways(id: &'static str) -> Description {
    let description = Description::new(id, SUMMARY, Callers::Gateways)
        .text(TEXT)
        .takes_from(&ParameterIn::Header, properties(Place::Header))
        .takes_from(&ParameterIn::Header, of_the_request())
        .succeeds_silently("200", "The request may pass; the headers say whose it is.");
    let description = identity::HEADERS.iter().fold(description, |description, header| {
        description.with_header(header.name, text().min_length(Some(1)), header.about)
    });
    description.with_headers(LIMITS).with_headers([SUNSET]).fails_as(Failures::of_a_gateway(errors))
}

/// The other headers that are read. Nothing in them is an error.
fn of_the_request() -> Vec<Property> {
    let request_id = "Names the request. Of two questions with one id the first one pays, where \
        `authorize.idempotency_window_ms` is set and the asker is a gateway or a server.";
    let forwarded_for = "The client's address is the last one that is not in `server.trusted_proxies`.";
    vec![optional("X-Request-Id", text(), request_id), optional("X-Forwarded-For", text(), forwarded_for)]
}

fn errors() -> Vec<ApiError> {
    let asked = [ErrorCode::InsufficientPermissions, ErrorCode::WrongConfiguration];
    let denied = |code| ApiError::Denied(NotAdmitted::by_reason(refusal(code)));
    let problem = "[query.deny] Invalid input: expected 403".to_owned();
    let mut errors = vec![
        ApiError::Validation(problem),
        NotAdmitted::MissingKey.into(),
        NotAdmitted::DifferentKeys.into(),
        ApiError::NotAGateway,
        ApiError::Service(ServiceError::Overloaded),
    ];
    errors.extend(Failures::of_any().chain(Failures::of_the_store()));
    errors.extend(REFUSALS.into_iter().map(denied));
    errors.extend(asked.map(denied));
    errors
}

/// The form of errors before the parameters are read.
pub(super) fn denial(_: &HttpRequest, error: ApiError) -> Error {
    Denial { error, by_403: false, limit_fields: LimitFields::default() }.into()
}

pub(super) async fn authorize(request: HttpRequest, api: CurrentApi) -> Result<HttpResponse, Denial> {
    let limit_fields = api.options.limit_fields;
    let denial = |by_403| move |error| Denial { error, by_403, limit_fields };
    let asker = ask(&request, &api).await.map_err(denial(false))?;
    let (parameters, read) = Parameters::read(&request, asker.is_trusted);
    let by_403 = parameters.deny_by_403;
    let decided = async {
        read?;
        decide(&request, &api, &asker, parameters).await
    };
    let (key, headers, former_ends_at) = decided.await.map_err(denial(by_403))?;
    // Where everybody may verify, others than gateways ask too: Keymint does not sign what they say of a request.
    let assertions = api.assertions.as_ref().filter(|_| asker.is_trusted);
    let assertion = assertions.and_then(|assertions| {
        let original = Original::of(&request, PATH);
        assertions.sign(&key, original, api.keys.now())
    });
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
    identity::show(&mut response, &key, &headers, former_ends_at.is_some(), assertion);
    let mut response = response.finish();
    show_limits(response.headers_mut(), limit_fields, api.keys.standings(&key));
    show_sunset(response.headers_mut(), former_ends_at);
    Ok(response)
}

/// Recognizes the asker, which must be allowed to verify. That is checked before anything else, so that whoever sets a
/// gateway up learns of it.
async fn ask(request: &HttpRequest, api: &Api) -> Result<Asker, ApiError> {
    let asker = Asker::of(request, &api.options.trusted_proxies, &api.server_keys).await?;
    if api.keys.may_verify(&asker.caller) {
        return Ok(asker);
    }
    if api.process.not_a_gateway.is_due(stopwatch()) {
        let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
        tracing::warn!(
            peer = peer.map(tracing::field::display),
            setting = "server.trusted_proxies",
            shows_server_key = asker.shows_server_key,
            "somebody asks /authorize who is no gateway: where it is yours, its address is missing in the setting"
        );
    }
    Err(ApiError::NotAGateway)
}

/// Verifies the key that the request shows. Returns it with the headers that show it, and the end of the presented secret
/// if it is a former one.
async fn decide(
    request: &HttpRequest,
    api: &Api,
    asker: &Asker,
    parameters: Parameters,
) -> Result<(ApiKey, String, Option<Timestamp>), ApiError> {
    let Parameters { config_id, permissions, cost, bearer, .. } = parameters;
    let (policy, bearer) = (api.keys.policy(), bearer.unwrap_or(api.options.authorize_bearer));
    let key = presented_key(policy, bearer, request.headers())?;
    let (presented, caller_ip) = (key.clone(), proven_address(request, &api.options.trusted_proxies));
    let verification =
        VerifyKey { key, config_id, permissions, cost, settle: false, client_ip: asker.client_ip, caller_ip };
    let name = if asker.is_trusted { name_of_request(request) } else { None };
    let verdict = match name {
        Some(name) => api.keys.verify_once(&asker.caller, verification, &name).await?,
        None => api.keys.verify(&asker.caller, verification).await?,
    };
    match verdict {
        Verdict::Accepted(key) => {
            api.note(request, || AccessNote::accepted(&key));
            let former_ends_at = key.former_secret_ends_at(&presented);
            Ok((key, presenting_headers(policy, bearer, request.headers()), former_ends_at))
        }
        Verdict::Refused(refusal) => Err(NotAdmitted::by_reason(refusal).into()),
    }
}

/// Headers in which gateways describe the request that they ask about.
const ORIGINAL: [&str; 5] =
    ["x-forwarded-method", "x-forwarded-uri", "x-forwarded-host", "x-original-method", "x-original-uri"];

/// Returns the name of a request that a gateway may ask about twice: the one id that the gateway gives it, and the
/// request's method and target. `None` = there is no id, or more than one.
///
/// Use it for gateways only: whoever chooses the id chooses which requests are charged once.
fn name_of_request(request: &HttpRequest) -> Option<Vec<&[u8]>> {
    let headers = request.headers();
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    let mut name = vec![own_id(headers)?.as_bytes(), request.method().as_str().as_bytes(), path.as_bytes()];
    for original in ORIGINAL {
        name.push(original.as_bytes());
        name.extend(headers.get_all(original).map(HeaderValue::as_bytes));
    }
    Some(name)
}
