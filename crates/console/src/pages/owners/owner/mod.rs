//! One owner: their keys, their usage, and what is done with all of their keys.

use askama::Template;
use keymint_domain::OwnerId;
use keymint_domain::key::KeyState;
use keymint_domain::listing::{Direction, KeyFilter, Total};
use keymint_service::{ListKeys, ReadUsage, Whose};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer::{Answer, Failure, page};
use crate::ask::Ask;
use crate::layout::{Layout, Section};
use crate::pages::keys::key::{UsageView, read_usage_of};
use crate::show::count;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/owners/owner/page.html")]
struct OwnerPage {
    layout: Layout,
    id: String,
    path: String,
    keys_path: String,
    audit_path: Option<String>,
    total: u64,
    states: Vec<StateCount>,
    usage: Option<UsageView>,
}

/// The keys of an owner in a state.
struct StateCount {
    text: &'static str,
    path: String,
    number: String,
}

const STATES: [(KeyState, &str); 5] = [
    (KeyState::Active, "Active"),
    (KeyState::Disabled, "Disabled"),
    (KeyState::Expired, "Expired"),
    (KeyState::Exhausted, "Used up"),
    (KeyState::Revoked, "Revoked"),
];

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    let owner = super::read(&ask)?;
    let path = super::path(&owner);
    let encoded = utf8_percent_encode(owner.as_str(), NON_ALPHANUMERIC);
    let keys_path = format!("/console/keys?owner={encoded}");
    // One turn for all of its lists: each turn rests for as long as it took.
    let turn = ask.request.turn_to_list().await?;
    let total = number(&ask, &visitor, &owner, KeyFilter::default()).await?;
    let mut states = Vec::new();
    if total > 0 {
        for (state, text) in STATES {
            let filter = KeyFilter { state: Some((state, ask.now())), ..KeyFilter::default() };
            let number = number(&ask, &visitor, &owner, filter).await?;
            if number > 0 {
                let path = format!("{keys_path}&status={}", state.as_str());
                states.push(StateCount { text, path, number: count(number) });
            }
        }
    }
    drop(turn);
    let usage = read_usage_of(&ask, &visitor, &path, |window| ReadUsage {
        key: None,
        whose: Whose::Users(owner.clone()),
        config_id: None,
        window,
    });
    let template = OwnerPage {
        layout: ask.layout(&visitor, Section::Owners, format!("Owner {owner}")),
        id: owner.to_string(),
        keys_path,
        audit_path: ask.api().audit.is_some().then(|| format!("/console/audit?owner={encoded}")),
        total,
        states,
        usage: usage.await?,
        path,
    };
    page(&template)
}

/// Counts the keys of an owner.
async fn number(ask: &Ask, visitor: &Visitor, owner: &OwnerId, filter: KeyFilter) -> Result<u64, Failure> {
    let request = ListKeys {
        whose: Whose::Users(owner.clone()),
        config_id: None,
        filter,
        sort_by: None,
        direction: Direction::Ascending,
        offset: None,
        limit: Some(1),
    };
    Ok(match ask.keys().list(&visitor.caller, request).await?.total {
        Total::Exactly(total) | Total::MoreThan(total) => total,
    })
}
