//! The pages, one folder each: handlers, form and template.
//!
//! A new page is a folder here, a line in [`all`], and a line in the navigation of `layout.rs` if it is a part of its own.

mod account;
mod audit;
mod claim;
mod health;
mod keys;
mod once;
mod owners;
pub(crate) mod portal;
mod reset;
mod server_keys;
mod settings;
mod sign_in;
mod sign_out;
mod sign_up;
mod users;
mod webhooks;

use std::sync::Arc;

use keymint_actix::pages::Page;

use crate::answer::{Answer, see_other};
use crate::ask::{Ask, at, portal_at};
use crate::form::Fields;
use crate::visitor::Visitor;
use crate::{Console, assets};

/// The pages of keys, which are mounted below more than one path.
macro_rules! key_pages {
    ($at:expr, $keys:literal) => {
        [
            $at($keys).get(keys::list::show).end(),
            $at(concat!($keys, "/new")).get(keys::create::show).post(keys::create::create).end(),
            $at(concat!($keys, "/{id}")).get(keys::key::show).end(),
            $at(concat!($keys, "/{id}/edit")).get(keys::edit::show).post(keys::edit::save).end(),
            $at(concat!($keys, "/{id}/test")).get(keys::try_out::show).end(),
            $at(concat!($keys, "/{id}/rotate")).get(keys::rotate::show).post(keys::rotate::rotate).end(),
            $at(concat!($keys, "/{id}/rotate/cancel")).get(keys::rotate::to_page).post(keys::rotate::cancel).end(),
            $at(concat!($keys, "/{id}/rotate/finish")).get(keys::rotate::to_page).post(keys::rotate::finish).end(),
            $at(concat!($keys, "/{id}/revoke")).get(keys::revoke::show).post(keys::revoke::revoke).end(),
            $at(concat!($keys, "/{id}/delete")).get(keys::delete::show).post(keys::delete::delete).end(),
            $at(concat!($keys, "/{id}/restore")).get(keys::delete::to_list).post(keys::delete::restore).end(),
        ]
    };
}

/// Returns every page. Of two that match a path, the first one answers.
pub(crate) fn all(console: &Arc<Console>) -> Vec<Page> {
    let of_portal = |pattern| portal_at(console, pattern);
    let at = |pattern| at(console, pattern);
    let mut pages = vec![
        at(assets::PATTERN).frequent().open_get(assets::show).end(),
        at("/console").get(home).end(),
        at("/console/").get(home).end(),
        at("/console/sign-in").open_get(sign_in::show).open_post(sign_in::enter).end(),
        at("/console/sign-up").open_get(sign_up::show).open_post(sign_up::enter).end(),
        at("/console/sign-out").open_get(sign_out::show).open_post(sign_out::leave).end(),
        at("/console/claim/{token}").open_get(claim::show).open_post(claim::claim).end(),
        at("/console/reset/{token}").open_get(reset::show).open_post(reset::set).end(),
        of_portal("/console/portal/{token}").open_get(portal::show).open_post(portal::open).end(),
        of_portal("/console/portal/s/{session}").get(portal::home).end(),
        of_portal("/console/portal/s/{session}/end").get(portal::home).open_post(portal::close).end(),
        at("/console/account").get(account::show).end(),
        at("/console/account/name").get(account::to_page).post(account::rename).end(),
        at("/console/account/password").get(account::to_page).post(account::change_password).end(),
        at("/console/account/confirm").get(account::to_page).post(account::confirm).end(),
        at("/console/account/sessions/end").get(account::to_page).post(account::end_session).end(),
        at("/console/account/sessions/end-others").get(account::to_page).post(account::end_others).end(),
        at("/console/account/sessions/end-all").get(account::to_page).post(account::end_all).end(),
        at("/console/users").operators_get(users::list).end(),
        at("/console/users/{id}").operators_get(users::show).end(),
        at("/console/users/{id}/reset-link").operators_get(users::to_user).operators_post(users::make_link).end(),
        at("/console/users/{id}/{action}").operators_get(users::ask_first).operators_post(users::act).end(),
        at("/console/owners").operators_get(owners::find::show).end(),
        at("/console/owners/{owner}").operators_get(owners::owner::show).end(),
        at("/console/owners/{owner}/suspend")
            .operators_get(owners::change::suspend_form)
            .operators_post(owners::change::suspend)
            .end(),
        at("/console/owners/{owner}/resume")
            .operators_get(owners::change::resume_form)
            .operators_post(owners::change::resume)
            .end(),
        at("/console/owners/{owner}/revoke")
            .operators_get(owners::change::revoke_form)
            .operators_post(owners::change::revoke)
            .end(),
        at("/console/health").get(health::show).end(),
        at("/console/health/{finding}").get(health::finding::show).post(health::finding::act).end(),
        at("/console/audit").operators_get(audit::show).end(),
        at("/console/audit/export").operators_get(audit::export::download).end(),
        at("/console/webhooks").operators_get(webhooks::list::show).end(),
        at("/console/webhooks/new")
            .operators_get(webhooks::create::show)
            .operators_post(webhooks::create::create)
            .end(),
        at("/console/webhooks/{id}").operators_get(webhooks::webhook::show).end(),
        at("/console/webhooks/{id}/test")
            .operators_get(webhooks::act::to_page)
            .operators_post(webhooks::act::test)
            .end(),
        at("/console/webhooks/{id}/pause")
            .operators_get(webhooks::act::to_page)
            .operators_post(webhooks::act::pause)
            .end(),
        at("/console/webhooks/{id}/resume")
            .operators_get(webhooks::act::to_page)
            .operators_post(webhooks::act::resume)
            .end(),
        at("/console/webhooks/{id}/replay")
            .operators_get(webhooks::act::to_page)
            .operators_post(webhooks::act::replay)
            .end(),
        at("/console/webhooks/{id}/secret")
            .operators_get(webhooks::act::secret_form)
            .operators_post(webhooks::act::change_secret)
            .end(),
        at("/console/webhooks/{id}/delete")
            .operators_get(webhooks::act::delete_form)
            .operators_post(webhooks::act::delete)
            .end(),
        at("/console/server-keys").operators_get(server_keys::show).operators_post(server_keys::create).end(),
        at("/console/server-keys/{id}/revoke")
            .operators_get(server_keys::revoke_form)
            .operators_post(server_keys::revoke)
            .end(),
        at("/console/settings").operators_get(settings::show).end(),
    ];
    pages.extend(key_pages!(at, "/console/keys"));
    pages.extend(key_pages!(of_portal, "/console/portal/s/{session}/keys"));
    pages.push(of_portal("/console/portal/{path:.*}").end());
    pages.push(at("/console/{path:.*}").end());
    pages
}

/// The first page of a visitor.
async fn home(_: Ask, _: Visitor) -> Answer {
    Ok(see_other("/console/keys"))
}

/// Returns the sentence that tells what the form before has done, by the parameter `did`; empty = nothing.
///
/// `known` has the words of this page, each with whether it is so: anybody can write an address.
pub(crate) fn done(query: &Fields, known: &[(&str, bool)]) -> &'static str {
    let word = query.raw("did");
    if !known.contains(&(word, true)) {
        return "";
    }
    match word {
        "saved" => "The changes are saved. They hold from the next use of the key on.",
        "revoked" => "The key is revoked. It is refused from now on.",
        "deleted" => "The key is deleted.",
        "restored" => "The key is back, with all that it had.",
        "rotation-cancelled" => "The new secret has ended. The key goes on with the one that it had.",
        "rotation-finished" => "The former secret has ended. The key goes on with the new one.",
        "webhook-paused" => "The webhook is paused. Its events wait for it.",
        "webhook-resumed" => "The webhook is told of events again, first of those that waited.",
        "webhook-replayed" => "Its events will be delivered again.",
        "webhook-deleted" => "The webhook is deleted.",
        "server-key-revoked" => "The server key is revoked.",
        "renamed" => "Your name is changed.",
        "password-changed" => "The password is changed.",
        "session-ended" => "The session has ended.",
        "signed-out" => "You are signed out.",
        "signed-out-everywhere" => "You are signed out on every device.",
        "password-set" => "The new password is set, and all sessions of the account have ended. Sign in with it.",
        "sessions-ended" => "All your other sessions have ended.",
        "banned" => "The user is banned, and signed out everywhere.",
        "unbanned" => "The ban is over.",
        "operator-removed" => "The user is no operator any more.",
        "operator-made" => "The user is an operator now.",
        "claimed" => {
            "Welcome. You are an operator of this Keymint: you see all keys, and may do everything. Now make a key."
        }
        _ => "",
    }
}
