//! Suspending, resuming and revoking all keys of an owner.

use std::time::Duration;

use actix_web::http::StatusCode;
use askama::Template;
use keymint_domain::OwnerId;
use keymint_domain::key::EditKeys;
use keymint_service::ports::BulkCursor;
use keymint_service::{ChangeKeys, ChangeOfKeys, ChangedKeys};

use crate::answer::{Answer, Failure, page, page_as};
use crate::ask::Ask;
use crate::form::Problems;
use crate::layout::{Layout, Section};
use crate::show::{count, plural};
use crate::visitor::Visitor;

/// A change of all keys of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Suspend,
    Resume,
    Revoke,
}

#[derive(Template)]
#[template(path = "pages/owners/change/page.html")]
struct ChangePage {
    layout: Layout,
    problems: Problems,
    owner: String,
    path: String,
    action: &'static str,
    verb: &'static str,
    about: &'static str,
    is_grave: bool,
    affected: String,
    has_affected: bool,
}

#[derive(Template)]
#[template(path = "pages/owners/change/done.html")]
struct DonePage {
    layout: Layout,
    owner: String,
    path: String,
    action: &'static str,
    summary: String,
    unreadable: Vec<String>,
    more_unreadable: bool,
    /// The position to go on at.
    next: Option<String>,
}

impl Change {
    fn action(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Revoke => "revoke",
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Suspend => "Suspend",
            Self::Resume => "Resume",
            Self::Revoke => "Revoke",
        }
    }

    fn past(self) -> &'static str {
        match self {
            Self::Suspend => "suspended",
            Self::Resume => "resumed",
            Self::Revoke => "revoked",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Suspend => {
                "Every key of the owner is disabled, and refused from its next use on. Nothing is lost: you can resume them. Keys \
                 that are made afterwards work."
            }
            Self::Resume => {
                "Every disabled key of the owner works again, also one that was disabled before for another reason. Revoked keys \
                 stay revoked."
            }
            Self::Revoke => {
                "Every key of the owner is refused from its next use on, for good. Only the keys one by one can be taken back. To \
                 stop them for a while, suspend them."
            }
        }
    }

    fn of_keys(self) -> ChangeOfKeys {
        let enabled = |enabled| ChangeOfKeys::Edit(EditKeys { enabled: Some(enabled), ..EditKeys::default() });
        match self {
            Self::Suspend => enabled(false),
            Self::Resume => enabled(true),
            Self::Revoke => ChangeOfKeys::Revoke,
        }
    }

    fn request(self, ask: &Ask, owner: &OwnerId, dry_run: bool, after: Option<BulkCursor>) -> ChangeKeys {
        ChangeKeys {
            owner: Some(owner.clone()),
            config_id: None,
            change: self.of_keys(),
            dry_run,
            after,
            within: Some(if dry_run { PREVIEW } else { ask.time_for_portions() }),
        }
    }
}

/// The time for which the keys that a form would change are counted: the form must be there at once.
const PREVIEW: Duration = Duration::from_millis(20);

pub(crate) async fn suspend_form(ask: Ask, visitor: Visitor) -> Answer {
    form(&ask, &visitor, Change::Suspend, Problems::default()).await
}

pub(crate) async fn resume_form(ask: Ask, visitor: Visitor) -> Answer {
    form(&ask, &visitor, Change::Resume, Problems::default()).await
}

pub(crate) async fn revoke_form(ask: Ask, visitor: Visitor) -> Answer {
    form(&ask, &visitor, Change::Revoke, Problems::default()).await
}

pub(crate) async fn suspend(ask: Ask, visitor: Visitor) -> Answer {
    change(&ask, &visitor, Change::Suspend).await
}

pub(crate) async fn resume(ask: Ask, visitor: Visitor) -> Answer {
    change(&ask, &visitor, Change::Resume).await
}

pub(crate) async fn revoke(ask: Ask, visitor: Visitor) -> Answer {
    change(&ask, &visitor, Change::Revoke).await
}

async fn form(ask: &Ask, visitor: &Visitor, change: Change, problems: Problems) -> Answer {
    let owner = super::read(ask)?;
    let turn = ask.request.turn_to_list().await?;
    let preview = ask.keys().change_many(ask.context(visitor), change.request(ask, &owner, true, None)).await?;
    drop(turn);
    let number = plural(preview.changed, "key", "keys");
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let template = ChangePage {
        layout: Layout::of(visitor, Section::Owners, format!("{} all keys of {owner}", change.verb())),
        problems,
        owner: owner.to_string(),
        path: super::path(&owner),
        action: change.action(),
        verb: change.verb(),
        about: change.about(),
        is_grave: change == Change::Revoke,
        affected: if preview.next.is_some() { format!("more than {number}") } else { number },
        has_affected: preview.changed > 0 || preview.next.is_some(),
    };
    page_as(status, &template)
}

async fn change(ask: &Ask, visitor: &Visitor, change: Change) -> Answer {
    let owner = super::read(ask)?;
    let mut problems = Problems::default();
    problems.check_confirmation(&ask.form, owner.as_str());
    if !problems.is_empty() {
        return form(ask, visitor, change, problems).await;
    }
    // A position that is none is no form of ours.
    let stale = || Failure::Stale(super::path(&owner));
    let after = Some(ask.form.raw("after")).filter(|after| !after.is_empty());
    let after = after.map(BulkCursor::parse).transpose().map_err(|_| stale())?;
    let outcome = ask.keys().change_many(ask.context(visitor), change.request(ask, &owner, false, after)).await?;
    ask.request.note_change_of_many(visitor.actor(), &owner);
    tell(visitor, change, &owner, outcome)
}

fn tell(visitor: &Visitor, change: Change, owner: &OwnerId, outcome: ChangedKeys) -> Answer {
    let ChangedKeys { changed, unchanged, unreadable, first_unreadable, next } = outcome;
    let mut summary = vec![format!("{} {}.", plural(changed, "key was", "keys were"), change.past())];
    if unchanged > 0 {
        summary.push(format!("{} already so, or cannot be.", plural(unchanged, "key was", "keys were")));
    }
    if unreadable > 0 {
        summary.push(format!("{} cannot be read, and stayed as before.", count(unreadable)));
    }
    let named = u64::try_from(first_unreadable.len()).unwrap_or(u64::MAX);
    let title = if next.is_some() { "Not done yet" } else { "Done" };
    let template = DonePage {
        layout: Layout::of(visitor, Section::Owners, title),
        owner: owner.to_string(),
        path: super::path(owner),
        action: change.action(),
        summary: summary.join(" "),
        unreadable: first_unreadable.iter().filter_map(|row| row.id.as_ref()).map(ToString::to_string).collect(),
        more_unreadable: unreadable > named,
        next: next.map(|next| next.to_string()),
    };
    page(&template)
}
