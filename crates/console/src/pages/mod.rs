//! The pages, one folder each: handlers, form and template.
//!
//! A new page is a folder here, a line in [`all`], and a line in the navigation of `layout.rs` if it is a part of its own.

mod keys;
mod sign_in;
mod sign_out;
mod sign_up;

use std::sync::Arc;

use keymint_actix::pages::Page;

use crate::answer::{Answer, see_other};
use crate::ask::{Ask, at};
use crate::form::Fields;
use crate::visitor::Visitor;
use crate::{Console, assets};

/// Returns every page. Of two that match a path, the first one answers.
pub(crate) fn all(console: &Arc<Console>) -> Vec<Page> {
    let at = |pattern| at(console, pattern);
    vec![
        Page::at(assets::PATTERN).frequent().get(assets::answer),
        at("/console").get(home).end(),
        at("/console/").get(home).end(),
        at("/console/sign-in").open_get(sign_in::show).open_post(sign_in::enter).end(),
        at("/console/sign-up").open_get(sign_up::show).open_post(sign_up::enter).end(),
        at("/console/sign-out").open_get(sign_out::show).open_post(sign_out::leave).end(),
        at("/console/keys").get(keys::list::show).end(),
        at("/console/keys/new").get(keys::create::show).post(keys::create::create).end(),
        at("/console/keys/{id}").get(keys::key::show).end(),
        at("/console/keys/{id}/edit").get(keys::edit::show).post(keys::edit::save).end(),
        at("/console/keys/{id}/test").get(keys::try_out::show).end(),
        at("/console/keys/{id}/rotate").get(keys::rotate::show).post(keys::rotate::rotate).end(),
        at("/console/keys/{id}/rotate/cancel").get(keys::rotate::to_page).post(keys::rotate::cancel).end(),
        at("/console/keys/{id}/rotate/finish").get(keys::rotate::to_page).post(keys::rotate::finish).end(),
        at("/console/keys/{id}/revoke").get(keys::revoke::show).post(keys::revoke::revoke).end(),
        at("/console/keys/{id}/delete").get(keys::delete::show).post(keys::delete::delete).end(),
        at("/console/keys/{id}/restore").get(keys::delete::to_list).post(keys::delete::restore).end(),
        at("/console/{path:.*}").end(),
    ]
}

/// The first page of a visitor.
async fn home(_: Ask, _: Visitor) -> Answer {
    Ok(see_other("/console/keys"))
}

/// Returns the sentence that tells what the form before has done, by the parameter `did`; empty = nothing.
pub(crate) fn done(query: &Fields) -> &'static str {
    match query.raw("did") {
        "saved" => "The changes are saved. They hold from the next use of the key on.",
        "revoked" => "The key is revoked. It is refused from now on.",
        "deleted" => "The key is deleted.",
        "restored" => "The key is back, with all that it had.",
        "rotation-cancelled" => "The new secret has ended. The key goes on with the one that it had.",
        "rotation-finished" => "The former secret has ended. The key goes on with the new one.",
        _ => "",
    }
}
