//! `POST /portal/sessions`: makes a URL that opens one portal session.

use actix_web::{HttpRequest, HttpResponse};
use keymint_domain::link::NewLink;
use keymint_domain::portal::{PortalGrant, PortalRight, PortalRights, ReturnUrl};
use keymint_domain::{ErrorCode, OwnerId};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::extract::{JsonBody, ServerOrAnyone, context_of};
use crate::live::CurrentApi;
use crate::members::{Members, Shape};
use crate::openapi::{Callers, Description, DocumentContext, examples};
use crate::views::Iso;

/// A URL that opens one portal session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PortalLink)]
struct PortalLinkView {
    /// The URL. It can be used once, and is shown this once.
    url: String,
    /// The instant from which the URL opens nothing.
    expires_at: Iso,
    /// The lifetime of the session in seconds, from when it is opened.
    session_expires_in_seconds: u32,
}

impl PortalLinkView {
    fn new(made: &NewLink, base_url: &str, session_expires_in_seconds: u32) -> Self {
        Self { url: made.url(base_url), expires_at: Iso(made.link.expires_at), session_expires_in_seconds }
    }
}

fn read(body: &mut Members<'_>) -> Option<PortalGrant> {
    let owner = body.required("owner", "The user or organization whose keys the guest sees.").id(OwnerId::parse);
    let about = "The page that the guest returns to: an absolute http or https URL.";
    let return_url = body.optional("returnUrl", about).parsed_text(ReturnUrl::parse);
    let about = "The lifetime of the session in seconds, from when it is opened; 3600 if absent.";
    let seconds = body
        .optional("expiresInSeconds", about)
        .integer(PortalGrant::MIN_LIFETIME_SECONDS..=PortalGrant::MAX_LIFETIME_SECONDS);
    let about = "The guest's rights: `create`, `rotate`, `revoke`. Without any, keys are only shown.";
    let may = body.required("may", about).choices(&PortalRight::ALL.map(|right| (right.as_str(), right)));
    Some(PortalGrant {
        owner: owner?,
        may: PortalRights::new(may?),
        return_url,
        lifetime_seconds: seconds.unwrap_or(PortalGrant::DEFAULT_LIFETIME_SECONDS),
    })
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let body = json!({
        "owner": examples::USER_ID, "returnUrl": "https://app.example.com/settings", "may": ["create", "rotate", "revoke"]
    });
    let url = "https://keys.example.com/console/portal/3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let link = json!({ "url": url, "expiresAt": examples::NOW, "sessionExpiresInSeconds": 3600 });
    Description::new("createPortalSession", "Makes a URL that opens one portal session.", Callers::Servers)
        .text("Send the user's browser to the URL at once: whoever opens it first sees the owner's keys.")
        .reads(Shape::of_body(context.policy, read), body)
        .answers::<PortalLinkView>("The URL.", link)
        .fails([ErrorCode::Unauthorized])
        .fails([ApiError::NotFound])
}

pub(super) async fn create(
    http: HttpRequest,
    ServerOrAnyone(caller): ServerOrAnyone,
    JsonBody(body): JsonBody,
    api: CurrentApi,
) -> Result<HttpResponse, ApiError> {
    if !caller.manages_all() {
        return Err(ErrorCode::Unauthorized.into());
    }
    let links = api.portal.as_ref().ok_or(ApiError::NotFound)?;
    let grant = Members::read_body(body.as_ref(), read)?;
    let lifetime_seconds = grant.lifetime_seconds;
    let made = links.portal.create(context_of(&http, &api, &caller), grant).await?;
    Ok(HttpResponse::Ok().json(PortalLinkView::new(&made, &links.base_url, lifetime_seconds)))
}
