//! One owner: their keys, their usage, and what is done with all of their keys.

use askama::Template;
use keymint_domain::key::KeyState;
use keymint_service::{OwnedKeys, ReadUsage, Whose};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer::{Answer, page};
use crate::ask::Ask;
use crate::layout::{Layout, Section};
use crate::pages::keys::key::{UsageView, read_usage_of};
use crate::show::{count, state_word};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/owners/owner/page.html")]
struct OwnerPage {
    layout: Layout,
    id: String,
    path: String,
    keys_path: String,
    audit_path: Option<String>,
    has_more: bool,
    states: Vec<StateCount>,
    usage: Option<UsageView>,
}

/// The keys of an owner in a state.
struct StateCount {
    text: &'static str,
    path: String,
    number: String,
}

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    let owner = super::read(&ask)?;
    let path = super::path(&owner);
    let encoded = utf8_percent_encode(owner.as_str(), NON_ALPHANUMERIC);
    let keys_path = format!("/console/keys?owner={encoded}");
    let turn = ask.request.turn_to_list().await?;
    let OwnedKeys { counts, has_more } = ask.keys().count_of(&visitor.caller, owner.clone()).await?;
    drop(turn);
    let there_are = KeyState::ALL.into_iter().filter(|state| counts.of(*state) > 0);
    let states = there_are.map(|state| StateCount {
        text: state_word(state),
        path: format!("{keys_path}&status={}", state.as_str()),
        number: count(counts.of(state)),
    });
    let states = states.collect();
    let usage = read_usage_of(&ask, &visitor, &path, |window| ReadUsage {
        key: None,
        whose: Whose::Owners(owner.clone()),
        config_id: None,
        window,
    });
    let template = OwnerPage {
        layout: Layout::of(&visitor, Section::Owners, format!("Owner {owner}")),
        id: owner.to_string(),
        keys_path,
        audit_path: ask.api().audit.is_some().then(|| format!("/console/audit?owner={encoded}")),
        has_more,
        states,
        usage: usage.await?,
        path,
    };
    page(&template)
}
