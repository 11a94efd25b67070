//! `POST /api-key/verify` (docs/better-auth-wire.md 7.6): 200 whatever the verdict. With `dryRun` it shows the finding of
//! every rule, and counts nothing.

use actix_web::{HttpRequest, HttpResponse};
use keymint_domain::ErrorCode;
use keymint_domain::verify::{Cost, Verdict};
use keymint_service::{ServiceError, VerifyKey};
use serde_json::{Value, json};

use super::{of_verifiers, read_use, refused};
use crate::callers::proven_address;
use crate::error::ApiError;
use crate::extract::{JsonBody, ServerOrAnyone};
use crate::live::CurrentApi;
use crate::members::written::{self, Body};
use crate::members::{Members, Shape};
use crate::observe::AccessNote;
use crate::openapi::{Description, DocumentContext, LIMITS, RETRY_AFTER, examples};
use crate::views::VerdictView;
use crate::views::limits::show_verdict;
use crate::views::secret::{SUNSET, show_sunset};

/// Reads the members: the verification, and true for a dry run.
fn read(body: &mut Members<'_>) -> Option<(VerifyKey, bool)> {
    let verification = read_use(body, "key");
    let settle = body
        .optional(
            "settle",
            "The use has happened: takes what quota and rate limit have left, down to 0, and is not refused for them. For \
             servers only.",
        )
        .boolean();
    let dry_run =
        body.optional("dryRun", "Returns the result of every rule and counts nothing. For servers only.").boolean();
    let verification = VerifyKey { settle: settle.unwrap_or_default(), ..verification? };
    Some((verification, dry_run.unwrap_or_default()))
}

/// Writes the body of a request to verify a key, or to do so without a charge.
pub fn write(request: VerifyKey, is_dry_run: bool) -> Value {
    // The server sees the caller's address itself.
    let VerifyKey { key, config_id, permissions, cost, settle, client_ip, caller_ip: _ } = request;
    let mut body = Body::default();
    body.put("key", Some(key.expose()));
    body.put_config_id(config_id.as_ref());
    body.put("permissions", permissions.as_ref().map(written::permissions));
    body.put("cost", Some(cost).filter(|cost| *cost != Cost::default()).map(|cost| cost.0));
    body.put("settle", settle.then_some(true));
    body.put("clientIp", client_ip.map(|address| address.to_string()));
    body.put("dryRun", is_dry_run.then_some(true));
    body.into()
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let verdict = json!({ "valid": true, "error": null, "key": examples::key() });
    of_verifiers(context, "verifyApiKey", "Verifies a key, and counts the use.")
        .text(
            "The status is 200 whatever the verdict. The first of these that holds is the reason of a refusal, which \
             costs nothing: `INVALID_API_KEY`, `IP_NOT_ALLOWED`, `KEY_DISABLED`, `KEY_EXPIRED`, `USER_BANNED`, \
             `INVALID_REFERENCE_ID_FROM_API_KEY`, `KEY_NOT_FOUND` (it does not grant the permissions that were asked \
             for), `USAGE_EXCEEDED`, `RATE_LIMITED`.",
        )
        .reads(
            Shape::of_body(context.policy, read),
            json!({ "key": examples::KEY, "permissions": { "files": ["read"] } }),
        )
        .answers::<VerdictView<'_>>("The verdict, valid or not; a dry run adds the result of every rule.", verdict)
        .with_headers(LIMITS)
        .with_headers([RETRY_AFTER, SUNSET])
        .fails(refused(context))
        .fails([ErrorCode::ServerOnlyProperty])
        .fails([ServiceError::Overloaded])
}

pub(super) async fn verify(
    http: HttpRequest,
    ServerOrAnyone(caller): ServerOrAnyone,
    JsonBody(body): JsonBody,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    let (mut verification, is_dry_run) = Members::read_body(body.as_ref(), read)?;
    verification.caller_ip = proven_address(&http, &api.options.trusted_proxies);
    let presented = verification.key.clone();
    let former_end = |verdict: &Verdict| verdict.accepted().and_then(|key| key.former_secret_ends_at(&presented));
    if is_dry_run {
        // In a box of its own, so that other verifications do not carry its room.
        let run = Box::pin(api.keys.dry_run(&caller, verification)).await?;
        return Ok(HttpResponse::Ok().json(VerdictView::of_dry_run(&run, former_end(&run.verdict))));
    }
    let verdict = api.keys.verify(&caller, verification).await?;
    api.note(&http, || AccessNote::verdict(&verdict));
    let former_ends_at = former_end(&verdict);
    let mut response = HttpResponse::Ok().json(VerdictView::new(&verdict, former_ends_at));
    show_sunset(response.headers_mut(), former_ends_at);
    show_verdict(response.headers_mut(), api.options.limit_fields, &verdict, &api.keys);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use keymint_domain::key::PlainKey;
    use keymint_domain::{ConfigId, Permissions};

    use super::*;

    #[test]
    fn a_written_request_is_read_back() {
        let use_of = || VerifyKey::of(PlainKey::new("sk_abc"));
        let full = VerifyKey {
            config_id: Some(ConfigId::parse("team").unwrap()),
            permissions: Some(Permissions::of(&[("files", &["read"])])),
            cost: Cost(3),
            settle: true,
            client_ip: Some([203, 0, 113, 7].into()),
            ..use_of()
        };
        for (request, is_dry_run) in [(use_of(), false), (use_of(), true), (full, false)] {
            let body = write(request.clone(), is_dry_run);
            let (found, dry_run) = Members::read_body(Some(&body), read).unwrap();
            assert_eq!((dry_run, found.key == request.key), (is_dry_run, true));
            assert_eq!(format!("{found:?}"), format!("{request:?}"), "{body}");
        }
    }
}
