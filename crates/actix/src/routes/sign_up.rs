use actix_web::HttpResponse;

use super::sign_in::{answer_signed_in, enter};
use crate::ApiError;
use crate::request::Call;
use crate::wire::{SignedUpView, read_sign_up};

/// `POST /sign-up/email` (docs/better-auth-wire.md 5.1).
pub(super) async fn sign_up(call: Call) -> Result<HttpResponse, ApiError> {
    let (sessions, client) = enter(&call)?;
    let (request, remember) = read_sign_up(call.body())?;
    call.check_form()?;
    let signed_in = sessions.identity.sign_up(request, client, remember).await?;
    let view = SignedUpView::from(&signed_in);
    Ok(answer_signed_in(&call, sessions, &signed_in, remember).json(view))
}
