//! `POST /api-key/revoke`: stops a key, or all keys of an owner, at once, and keeps them visible. Better Auth has no such
//! endpoint.

use actix_web::HttpResponse;
use keymint_domain::{ConfigId, ErrorCode, KeyId, OwnerId};
use keymint_ports::BulkCursor;
use keymint_service::{ChangeKeys, ChangeOfKeys, Revoked};
use serde_json::{Value, json};
use utoipa::ToSchema as _;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::OneOfBuilder;

use super::{of_users, read_config_id};
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext, examples};
use crate::views::{KeyView, Reader, RevokedKeysView, UnreadableView};

/// The keys to revoke.
enum Which {
    One(KeyId),
    /// Those of an owner, behind a position.
    Of(OwnerId, Option<BulkCursor>),
}

fn read(body: &mut Members<'_>) -> Option<(Which, Option<ConfigId>)> {
    let config_id = read_config_id(body);
    let owner = body.optional("owner", "The owner whose keys are revoked, in the place of `id`. For servers only.");
    let owner = owner.id(OwnerId::parse);
    let after = body.optional("after", "The `next` of the answer before, with `owner`.").cursor();
    let about = "The key; exactly one of `id` and `owner` must be there.";
    // A body without either lacks the id, as it did before there was an owner.
    let id =
        if body.has("owner") || body.is_stating() { body.optional("id", about) } else { body.required("id", about) };
    match (id.id(KeyId::parse), owner) {
        (Some(_), Some(_)) => {
            body.refuse("owner", "Invalid input: cannot stand beside id");
            None
        }
        (Some(_), None) if after.is_some() => {
            body.refuse("after", "Invalid input: needs owner");
            None
        }
        (Some(id), None) => Some((Which::One(id), config_id)),
        (None, Some(owner)) => Some((Which::Of(owner, after), config_id)),
        (None, None) => None,
    }
}

/// Writes the body of a request to revoke a key.
pub fn write(id: &KeyId) -> Value {
    json!({ "id": id.as_str() })
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    let revoked = OneOfBuilder::new()
        .item(Ref::from_schema_name(KeyView::name()))
        .item(Ref::from_schema_name(UnreadableView::name()))
        .item(Ref::from_schema_name(RevokedKeysView::name()));
    of_users("revokeApiKey", "Stops a key, or all keys of an owner, at once, and keeps them visible.")
        .text(
            "The keys of an owner are revoked in portions for about half of the request's timeout. If `next` is not \
             null, the same request with it as `after` revokes the rest. A repeated request changes nothing.",
        )
        .reads(Shape::of_body(context.policy, read), json!({ "id": examples::KEY_ID }))
        .refers_to::<KeyView<'_>>()
        .refers_to::<UnreadableView<'_>>()
        .refers_to::<RevokedKeysView<'_>>()
        .answers_with(
            "The key after the change, the id of a key whose row is unreadable, or the number of an owner's keys.",
            revoked,
            examples::revoked_key(),
        )
        .fails([ErrorCode::Unauthorized, ErrorCode::KeyNotFound, ErrorCode::KeyManagementNotAllowed])
        .fails([ErrorCode::ServerOnlyProperty])
}

pub(super) async fn revoke(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let (which, config_id) = request.read(read)?;
    let caller = request.caller().await?;
    let id = match which {
        Which::One(id) => id,
        Which::Of(owner, after) => {
            // The answer is given in time, and says where to go on.
            let within = Some(request.api.options.request_timeout / 2);
            let of_owner = ChangeKeys {
                owner: Some(owner.clone()),
                config_id,
                change: ChangeOfKeys::Revoke,
                dry_run: false,
                after,
                within,
            };
            let outcome = request.api.keys.change_many(request.context(&caller), of_owner).await?;
            request.note_change_of_many(&caller, &owner);
            return Ok(HttpResponse::Ok().json(RevokedKeysView::new(&owner, &outcome)));
        }
    };
    let revoked = request.api.keys.revoke(request.context(&caller), &id, config_id.as_ref()).await?;
    Ok(match revoked {
        Revoked::Key(key) => {
            request.note_change(&caller, &id, Some(&key.details.owner));
            HttpResponse::Ok().json(KeyView::in_full(&key, Reader::from(&caller), request.api.keys.policy()))
        }
        Revoked::Unreadable(row) => {
            request.note_change(&caller, &id, None);
            HttpResponse::Ok().json(UnreadableView::from(&row))
        }
    })
}
