//! Signing out.

use crate::answer::{Answer, see_other};
use crate::ask::Ask;

/// Sends a visitor who comes by a link to the console: a link signs nobody out.
pub(crate) async fn show(_: Ask) -> Answer {
    Ok(see_other("/console"))
}

pub(crate) async fn leave(ask: Ask) -> Answer {
    ask.request.sign_out().await?;
    Ok(see_other("/console/sign-in?did=signed-out"))
}
