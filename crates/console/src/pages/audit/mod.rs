//! The log of changes, for operators: filtered, page by page, and as a file.

mod events;
pub(crate) mod export;
mod filter;

use actix_web::http::StatusCode;
use askama::Template;
use keymint_actix::views::EventForm;
use keymint_domain::event::EventKind;

use crate::answer::{Answer, page, page_as};
use crate::ask::Ask;
use crate::form::Problems;
use crate::layout::{Layout, Section};
use crate::show::{count, plural};
use crate::visitor::Visitor;

use events::EventLine;
use filter::FilterView;

#[derive(Template)]
#[template(path = "pages/audit/page.html")]
struct AuditPage {
    layout: Layout,
    problems: Problems,
    filter: FilterView,
    kinds: Vec<&'static str>,
    events: Vec<EventLine>,
    /// The problems of the form of a file.
    of_file: Problems,
    /// The forms of a file: the word in the address, the text, and true for the one that is chosen.
    forms: Vec<(&'static str, &'static str, bool)>,
    after: String,
    most: String,
    shown: String,
    /// The first page, if this is not the first one.
    first: Option<String>,
    next: Option<String>,
}

/// The page of a server without a log.
#[derive(Template)]
#[template(path = "pages/audit/off.html")]
struct OffPage {
    layout: Layout,
}

/// Events on a page. Each has its details, and the page must stay small.
const PER_PAGE: u32 = 15;

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    answer(&ask, &visitor, Problems::default()).await
}

/// Answers the page, with what the form of a file got wrong.
async fn answer(ask: &Ask, visitor: &Visitor, of_file: Problems) -> Answer {
    let layout = Layout::of(visitor, Section::Audit, "Audit");
    let Some(audit) = &ask.api().audit else { return page(&OffPage { layout }) };
    let mut problems = Problems::default();
    let query = filter::read(&ask.query, PER_PAGE, &mut problems);
    let (mut events, mut next) = (Vec::new(), None);
    let cursor = ask.query.get("cursor");
    if problems.is_empty() {
        let _turn = ask.request.turn_to_list().await?;
        let listed = audit.read(ask.context(visitor), query, cursor).await?;
        events = listed.events.iter().map(|event| events::line(event, visitor, ask.now())).collect();
        next = listed.next.map(|cursor| filter::address("/console/audit", &ask.query, &[("cursor", &cursor)]));
    }
    let is_well = problems.is_empty() && of_file.is_empty();
    let status = if is_well { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let chosen = ask.query.raw("format");
    let template = AuditPage {
        layout,
        problems,
        filter: FilterView::of(&ask.query),
        kinds: EventKind::ALL.iter().map(|kind| kind.as_str()).collect(),
        forms: EventForm::ALL.iter().map(|(name, form)| (*name, text(*form), *name == chosen)).collect(),
        after: ask.query.get("after").unwrap_or("0").chars().take(filter::SHOWN).collect(),
        of_file,
        shown: plural(u64::try_from(events.len()).unwrap_or(0), "event", "events"),
        events,
        most: count(export::MOST),
        first: cursor.map(|_| filter::address("/console/audit", &ask.query, &[])),
        next,
    };
    page_as(status, &template)
}

fn text(form: EventForm) -> &'static str {
    match form {
        EventForm::Json => "JSON lines",
        EventForm::CloudEvents => "CloudEvents",
        EventForm::Ocsf => "OCSF",
    }
}
