//! Looking an owner up.

use actix_web::http::StatusCode;
use askama::Template;
use keymint_domain::OwnerId;
use keymint_domain::listing::{Direction, SortField};
use keymint_service::{ListKeys, Whose};

use crate::answer::{Answer, page_as, see_other};
use crate::ask::Ask;
use crate::form::Problems;
use crate::layout::{Layout, Section};
use crate::show::When;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/owners/find/page.html")]
struct FindPage {
    layout: Layout,
    problems: Problems,
    asked: String,
    rows: Vec<Row>,
}

/// An owner, with the instant of their latest key.
struct Row {
    path: String,
    id: String,
    latest: When,
}

/// The keys whose owners are offered.
const LATEST: u32 = 100;
/// The characters of a wrong id that are shown again.
const SHOWN: usize = 300;

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    let mut problems = Problems::default();
    let asked = ask.query.get("owner").unwrap_or_default();
    if !asked.is_empty() {
        match OwnerId::parse(asked) {
            Ok(owner) => return Ok(see_other(&super::path(&owner))),
            Err(error) => problems.add("owner", format!("The owner {error}.")),
        }
    }
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let template = FindPage {
        layout: Layout::of(&visitor, Section::Owners, "Owners"),
        problems,
        asked: asked.chars().take(SHOWN).collect(),
        rows: latest(&ask, &visitor).await?,
    };
    page_as(status, &template)
}

/// Returns the owners of the latest keys, each once.
async fn latest(ask: &Ask, visitor: &Visitor) -> Result<Vec<Row>, crate::answer::Failure> {
    let request = ListKeys {
        whose: Whose::Callers,
        config_id: None,
        filter: keymint_domain::listing::KeyFilter::default(),
        sort_by: Some(SortField::CreatedAt),
        direction: Direction::Descending,
        offset: None,
        limit: Some(LATEST),
    };
    let _turn = ask.request.turn_to_list().await?;
    let listed = ask.keys().list(&visitor.caller, request).await?;
    let (mut rows, mut seen) = (Vec::new(), std::collections::HashSet::new());
    for key in &listed.keys {
        let owner = &key.details.owner;
        if seen.insert(owner) {
            let latest = When::relative(key.details.created_at, ask.now());
            rows.push(Row { path: super::path(owner), id: owner.to_string(), latest });
        }
    }
    Ok(rows)
}
