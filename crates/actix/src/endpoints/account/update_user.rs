//! `POST /update-user`: another name, another picture.

use actix_web::HttpResponse;
use keymint_domain::ErrorCode;
use keymint_domain::identity::EditUser;
use keymint_domain::key::Field;
use serde_json::{Value, json};

use super::{CHANGED, StatusView, enter, of_users};
use crate::callers::session::Outbox;
use crate::error::ApiError;
use crate::extract::UserRequest;
use crate::members::{Members, Shape};
use crate::openapi::{Description, DocumentContext};

fn read(body: &mut Members<'_>) -> Option<EditUser> {
    let name = body.optional("name", "For people.").new_name();
    let image = match body.optional("image", "A picture's URL; null removes it.").nullable_image() {
        Field::Absent => None,
        Field::Null => Some(None),
        Field::Given(image) => Some(Some(image)),
    };
    let edit = EditUser { name, image };
    match edit.check_texts() {
        Ok(()) => Some(edit),
        Err((member, error)) => {
            body.refuse(member, error);
            None
        }
    }
}

/// Reads the change. Better Auth's schema is a record, and it takes any texts that JavaScript finds true for an address.
fn read_body(body: Option<&Value>) -> Result<EditUser, ApiError> {
    let mut members = Members::body(body).map_err(|error| match error {
        ApiError::Validation(text) => ApiError::Validation(text.replace("object", "record")),
        other => other,
    })?;
    let edit = read(&mut members);
    members.finish(edit)
}

/// Returns true if the body names an address. It cannot be changed here.
fn names_email(body: Option<&Value>) -> bool {
    match body.and_then(|body| body.get("email")) {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Number(number)) => number.as_f64() != Some(0.0),
        Some(Value::Bool(true) | Value::Array(_) | Value::Object(_)) => true,
    }
}

pub(super) fn describe(context: &DocumentContext<'_>) -> Description {
    of_users("updateUser", "Changes the caller's name or picture.")
        .reads(Shape::of_body(context.policy, read), json!({ "name": "Ada L." }))
        .answers::<StatusView>("The user was changed.", json!({ "status": true }))
        .fails([ErrorCode::EmailCanNotBeUpdated, ErrorCode::NoFieldsToUpdate])
}

pub(super) async fn update_user(request: UserRequest) -> Result<HttpResponse, ApiError> {
    let edit = read_body(request.body())?;
    let (sessions, signed_in) = enter(&request).await?;
    if names_email(request.body()) {
        return Err(ErrorCode::EmailCanNotBeUpdated.into());
    }
    sessions.identity.update_user(&signed_in, &edit, &request.source()).await?;
    let token = &signed_in.session.token;
    Outbox::send(&request.http, sessions.renewed(&request.http, token));
    Ok(HttpResponse::Ok().insert_header(("set-auth-token", sessions.cookies.signed(token))).json(CHANGED))
}
