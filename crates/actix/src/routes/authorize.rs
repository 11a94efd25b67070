use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use keymint_domain::ApiKey;
use keymint_domain::verify::Verdict;
use keymint_service::VerifyKey;

use crate::authorize::{Asker, Denial, Original, Parameters, identify, name_of_request, showing_headers, shown_key};
use crate::live::CurrentApi;
use crate::request::{Judged, proven_address};
use crate::wire::show_limits;
use crate::{Api, ApiError};

/// `/authorize` and every path below it, by any method: whether the request that a gateway has before it may pass. The
/// body is not read.
pub(super) async fn authorize(request: HttpRequest, api: CurrentApi) -> Result<HttpResponse, Denial> {
    let asker = Asker::of(&request, &api).await.map_err(|error| Denial { error, by_403: false })?;
    let (parameters, read) = Parameters::read(&request, asker.is_trusted);
    let by_403 = parameters.deny_by_403;
    let decided = async {
        read?;
        decide(&request, &api, &asker, parameters).await
    };
    let (key, headers) = decided.await.map_err(|error| Denial { error, by_403 })?;
    // Where everybody may verify, others than gateways ask too: what they say of a request is none of Keymint's words.
    let assertions = api.assertions.as_ref().filter(|_| asker.is_trusted);
    let assertion = assertions.and_then(|assertions| assertions.sign(&key, Original::of(&request), api.keys.now()));
    let mut response = HttpResponse::Ok();
    // What Envoy takes from the request by itself.
    for name in ["X-Key-Header", "X-Envoy-Auth-Headers-To-Remove"] {
        response.insert_header((name, headers.as_str()));
    }
    response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
    identify(&mut response, &key, assertion);
    let mut response = response.finish();
    show_limits(response.headers_mut(), api.keys.standings(&key));
    Ok(response)
}

/// The key that the request shows, once it has paid, and the headers that show it.
async fn decide(
    request: &HttpRequest,
    api: &Api,
    asker: &Asker,
    parameters: Parameters,
) -> Result<(ApiKey, String), ApiError> {
    let Parameters { config_id, permissions, cost, bearer, .. } = parameters;
    let (policy, bearer) = (api.keys.policy(), bearer.unwrap_or(api.options.authorize_bearer));
    let key = shown_key(policy, bearer, request.headers())?;
    let caller_ip = proven_address(request, &api.options.trusted_proxies);
    let verification = VerifyKey { key, config_id, permissions, cost, client_ip: asker.client_ip, caller_ip };
    let name = if asker.is_trusted { name_of_request(request) } else { None };
    let verdict = match name {
        Some(name) => api.keys.verify_once(&asker.caller, verification, &name).await?,
        None => api.keys.verify(&asker.caller, verification).await?,
    };
    match verdict {
        Verdict::Accepted(key) => {
            Judged::accepted(request, api, &key);
            Ok((key, showing_headers(policy, bearer, request.headers())))
        }
        Verdict::Refused(refusal) => Err(ApiError::Denied(refusal)),
    }
}
