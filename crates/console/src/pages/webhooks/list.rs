//! The list of webhooks.

use askama::Template;
use keymint_domain::webhook::Webhook;

use crate::answer::{Answer, page};
use crate::ask::Ask;
use crate::layout::{Layout, Section};
use crate::show::When;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/webhooks/list.html")]
struct ListPage {
    layout: Layout,
    rows: Vec<Row>,
    records: bool,
}

struct Row {
    path: String,
    url: String,
    kinds: String,
    tone: &'static str,
    state: &'static str,
    accepted: Option<When>,
    created: When,
}

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    let Some(webhooks) = &ask.api().webhooks else { return super::off(&visitor) };
    let turn = ask.request.turn_to_list().await?;
    let found = webhooks.list().await?;
    drop(turn);
    let now = ask.now();
    let row = |webhook: &Webhook| {
        let (tone, state) = super::state(webhook);
        Row {
            path: super::path(&webhook.id),
            url: webhook.url.as_str().to_owned(),
            kinds: webhook.kinds.globs().collect::<Vec<_>>().join(", "),
            tone,
            state,
            accepted: webhook.health.accepted_at.map(|at| When::relative(at, now)),
            created: When::relative(webhook.created_at, now),
        }
    };
    let done = crate::pages::done(&ask.query, &[("webhook-deleted", true)]);
    page(&ListPage {
        layout: Layout::of(&visitor, Section::Webhooks, "Webhooks").with_done(done),
        rows: found.iter().map(row).collect(),
        records: ask.api().audit.is_some(),
    })
}
