//! Verification of keys, by servers or by everybody.

mod validate;
pub(super) mod verify;

use keymint_domain::ErrorCode;
use keymint_domain::key::PlainKey;
use keymint_domain::verify::Cost;
use keymint_service::VerifyKey;

use super::endpoint::{Area, Endpoint};
use crate::members::Members;
use crate::openapi::{Callers, Description, DocumentContext};

pub(super) fn area() -> Area {
    let endpoints = vec![
        Endpoint::post("/api-key/verify", verify::verify, verify::describe).frequent(),
        Endpoint::post("/api-key/validate", validate::validate, validate::describe).frequent(),
    ];
    Area { name: "Verification", about: "Verification of keys, by servers.", endpoints }
}

/// Reads a use of the key in the member `key`.
fn read_use(body: &mut Members<'_>, key: &'static str) -> Option<VerifyKey> {
    let config_id =
        body.optional("configId", "The configuration that the key must belong to; `default` if empty.").config_id();
    let key = body.required(key, "The key's text.").text();
    let permissions = body
        .optional(
            "permissions",
            "The actions that the key must grant, by resource; a bare list means these actions on every resource.",
        )
        .permissions();
    let cost = body
        .optional(
            "cost",
            "The cost of the use, taken from quota and rate limit: 1 if absent; 0 checks without a charge.",
        )
        .integer(0..=u32::MAX)
        .map_or(Cost::default(), Cost);
    let client_ip = body
        .optional("clientIp", "The address that the key is used from, with or without a port. For servers only.")
        .address();
    Some(VerifyKey { config_id, permissions, cost, client_ip, ..VerifyKey::of(PlainKey::new(key?)) })
}

/// Begins the description of an endpoint for callers that may verify.
fn of_verifiers(context: &DocumentContext<'_>, id: &'static str, summary: &'static str) -> Description {
    let is_public = context.verify_is_public;
    Description::new(id, summary, Callers::Verifiers { is_public })
}

/// Returns the error of a caller that may not verify, if there can be one.
fn refused(context: &DocumentContext<'_>) -> Option<ErrorCode> {
    (!context.verify_is_public).then_some(ErrorCode::Unauthorized)
}
