//! `POST /api-key/rotate`: a new secret for a key, beside which the one in use stays valid for a while. Better Auth has no
//! such endpoint.

use actix_web::HttpResponse;
use keymint_domain::ErrorCode;
use keymint_domain::policy::{Cut, RotateSecret, RotationRules};
use keymint_service::RotateKey;
use serde_json::{Value, json};

use super::{of_users, read_key};
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::written::Body;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::CreatedView;

fn read(body: &mut Members<'_>) -> Option<RotateKey> {
    let key = read_key(body, "keyId");
    let grace_seconds = body
        .optional(
            "graceSeconds",
            "The seconds after the first use of the new secret for which the former one stays valid; the configuration's \
             if absent.",
        )
        .integer(RotationRules::GRACE_SECONDS);
    let deadline_seconds = body
        .optional(
            "deadlineSeconds",
            "The seconds after which the secret in use ends, even if the new one was not used. Without it, a new secret \
             that is not used in time ends itself.",
        )
        .integer(RotationRules::DEADLINE_SECONDS);
    let now = body.optional("now", "True ends all other secrets at once, as for a leaked one.").boolean();
    let end_former = body
        .optional("endFormer", "True ends a former secret that is still valid; without it such a key is refused.")
        .boolean();
    let is_now = now.unwrap_or_default();
    for (name, is_given) in [("graceSeconds", grace_seconds.is_some()), ("deadlineSeconds", deadline_seconds.is_some())]
    {
        if is_now && is_given {
            body.refuse(name, "has no meaning beside now");
        }
    }
    let cut = match deadline_seconds {
        _ if is_now => Cut::Now,
        Some(seconds) => Cut::Deadline(seconds),
        None => Cut::AfterUse,
    };
    let rotation = RotateSecret { grace_seconds, cut, end_former: end_former.unwrap_or_default() };
    let (id, config_id) = key?;
    Some(RotateKey { id, config_id, rotation })
}

/// Writes the body of a request for a new secret.
pub fn write(request: RotateKey) -> Value {
    let RotateKey { id, config_id, rotation } = request;
    let RotateSecret { grace_seconds, cut, end_former } = rotation;
    let mut body = Body::default();
    body.put("keyId", Some(id.as_str()));
    body.put_config_id(config_id.as_ref());
    body.put("graceSeconds", grace_seconds);
    match cut {
        Cut::AfterUse => {}
        Cut::Deadline(seconds) => body.put("deadlineSeconds", Some(seconds)),
        Cut::Now => body.put("now", Some(true)),
    }
    body.put("endFormer", end_former.then_some(true));
    body.into()
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let rotation = json!({
        "stage": "pending", "start": "sk_hnS", "since": examples::NOW, "cancelledAt": "2023-11-21T22:13:20.000Z",
        "graceSeconds": 3600
    });
    let rotated = examples::key_with(&json!({ "start": "sk_old", "rotation": rotation, "key": examples::KEY }));
    of_users("rotateApiKey", "Gives a key a new secret. The one in use stays valid for a while.")
        .text(
            "The key keeps its id, owner, counters, limits and permissions. Both secrets are valid until the new one is used \
             for the first time, and the former one for `graceSeconds` more. A look or a dry run is no use. The new text is \
             only in this answer.",
        )
        .reads(Shape::of_body(context.policy, read), json!({ "keyId": examples::KEY_ID, "graceSeconds": 3600 }))
        .answers::<CreatedView<'_>>("The key, with the text of its new secret.", rotated)
        .fails([
            ErrorCode::UnauthorizedSession,
            ErrorCode::KeyNotFound,
            ErrorCode::KeyManagementNotAllowed,
            ErrorCode::KeyRevoked,
            ErrorCode::KeyExpired,
            ErrorCode::RotationOpen,
            ErrorCode::KeyUnused,
        ])
}

pub(super) async fn rotate(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let asked = request.read(read)?;
    let caller = request.caller().await?;
    let minted = request.api.keys.rotate(request.context(&caller), asked).await?;
    request.note_change(&caller, &minted.key.details.id, Some(&minted.key.details.owner));
    Ok(HttpResponse::Ok().json(CreatedView::new(&minted, request.api.keys.policy())))
}

#[cfg(test)]
mod tests {
    use keymint_domain::{ConfigId, KeyId};

    use super::*;

    #[test]
    fn a_written_request_is_read_back() {
        for (grace_seconds, cut, end_former) in
            [(Some(60), Cut::AfterUse, false), (Some(60), Cut::Deadline(3600), true), (None, Cut::Now, false)]
        {
            let request = RotateKey {
                id: KeyId::parse("k1").unwrap(),
                config_id: Some(ConfigId::parse("team").unwrap()),
                rotation: RotateSecret { grace_seconds, cut, end_former },
            };
            let body = write(request.clone());
            assert_eq!(Members::read_body(Some(&body), read).unwrap(), request, "{body}");
        }
    }
}
