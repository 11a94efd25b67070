//! Deleting a key, and taking that back.

use askama::Template;
use keymint_domain::{ErrorCode, KeyId};
use keymint_service::{Deed, ServiceError};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer::{Answer, page, see_other};
use crate::ask::Ask;
use crate::form::version;
use crate::layout::{Layout, Section};
use crate::show::{When, duration};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/keys/delete/page.html")]
struct DeletePage {
    layout: Layout,
    name: String,
    path: String,
    version: String,
    last_use: Option<When>,
    /// The time for which the key can be restored; `None` = it cannot.
    undo: Option<String>,
}

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    let key = ask.key_for(&visitor, Deed::Delete).await?;
    let name = super::name(&key);
    let configuration = ask.keys().policy().resolve(&key.details.config_id)?;
    page(&DeletePage {
        layout: Layout::of(&visitor, Section::Keys, format!("Delete {name}")),
        name,
        path: visitor.path(&key.details.id),
        version: version(&key),
        last_use: key.usage.last_request.map(|at| When::relative(at, ask.now())),
        undo: Some(configuration.undelete_ms).filter(|ms| *ms > 0).map(duration),
    })
}

pub(crate) async fn delete(ask: Ask, visitor: Visitor) -> Answer {
    let key = ask.key_for(&visitor, Deed::Delete).await?;
    super::check_version(&ask.form, &key, &visitor)?;
    let details = &key.details;
    let can_be_restored = ask.keys().policy().resolve(&details.config_id)?.undelete_ms > 0;
    ask.keys().delete(ask.context(&visitor), &details.id, Some(&details.config_id)).await?;
    ask.request.note_change(visitor.actor(), &details.id, Some(&details.owner));
    let id = utf8_percent_encode(details.id.as_str(), NON_ALPHANUMERIC);
    let undo = if can_be_restored { format!("&key={id}") } else { String::new() };
    Ok(see_other(&format!("{}?did=deleted{undo}", visitor.keys())))
}

/// Sends a visitor who comes by a link to the list: a link restores nothing.
pub(crate) async fn to_list(_: Ask, visitor: Visitor) -> Answer {
    Ok(see_other(&visitor.keys()))
}

pub(crate) async fn restore(ask: Ask, visitor: Visitor) -> Answer {
    let id = KeyId::parse(ask.request.parameter("id")?).map_err(|_| ErrorCode::KeyNotFound)?;
    let path = format!("{}?did=restored", visitor.path(&id));
    let mut last = ServiceError::from(ErrorCode::KeyNotFound);
    // A user must say which configuration they mean.
    let configurations = ask.keys().policy().configurations().iter().map(|entry| Some(&entry.id));
    for config_id in if visitor.is_operator { vec![None] } else { configurations.collect() } {
        match ask.keys().restore(ask.context(&visitor), &id, config_id).await {
            Ok(_) => {
                ask.request.note_change(visitor.actor(), &id, None);
                return Ok(see_other(&path));
            }
            Err(ServiceError::Refused(ErrorCode::KeyNotFound | ErrorCode::OrganizationPluginRequired)) => {}
            Err(error) => last = error,
        }
    }
    // A second submit finds the key back.
    if matches!(last, ServiceError::Refused(ErrorCode::KeyNotFound)) && ask.key(&visitor).await.is_ok() {
        return Ok(see_other(&path));
    }
    Err(last.into())
}
