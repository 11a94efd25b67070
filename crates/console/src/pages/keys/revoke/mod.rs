//! Revoking a key: what it does, and the form that does it.

use askama::Template;
use keymint_service::{Deed, Revoked};

use crate::answer::{Answer, page, see_other};
use crate::ask::Ask;
use crate::form::version;
use crate::layout::{Layout, Section};
use crate::show::When;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/keys/revoke/page.html")]
struct RevokePage {
    layout: Layout,
    name: String,
    path: String,
    version: String,
    last_use: Option<When>,
    is_revoked: bool,
}

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    let key = ask.key_for(&visitor, Deed::Revoke).await?;
    let name = super::name(&key);
    page(&RevokePage {
        layout: Layout::of(&visitor, Section::Keys, format!("Revoke {name}")),
        name,
        path: visitor.path(&key.details.id),
        version: version(&key),
        last_use: key.usage.last_request.map(|at| When::relative(at, ask.now())),
        is_revoked: key.details.revocation.is_some(),
    })
}

pub(crate) async fn revoke(ask: Ask, visitor: Visitor) -> Answer {
    let key = ask.key_for(&visitor, Deed::Revoke).await?;
    let path = visitor.path(&key.details.id);
    if key.details.revocation.is_some() {
        // A second submit finds what the first one has done.
        return Ok(see_other(&format!("{path}?did=revoked")));
    }
    super::check_version(&ask.form, &key, &visitor)?;
    let details = &key.details;
    match ask.keys().revoke(ask.context(&visitor), &details.id, Some(&details.config_id)).await? {
        Revoked::Key(_) | Revoked::Unreadable(_) => {}
    }
    ask.request.note_change(visitor.actor(), &details.id, Some(&details.owner));
    Ok(see_other(&format!("{path}?did=revoked")))
}
