//! One webhook: its state, its deliveries, and what can be done with it.

use actix_web::http::StatusCode;
use askama::Template;
use keymint_domain::webhook::{Delivery, DeliveryStatus, Webhook, WebhookState};
use keymint_domain::{KeyId, Timestamp};
use keymint_service::TestedWebhook;
use keymint_service::ports::DeliveryQuery;

use super::act;
use crate::answer::{Answer, Failure, page_as};
use crate::ask::Ask;
use crate::form::Problems;
use crate::layout::{Layout, Section};
use crate::pages::keys;
use crate::show::{When, plural};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/webhooks/webhook.html")]
pub(super) struct WebhookPage {
    layout: Layout,
    problems: Problems,
    path: String,
    url: String,
    tone: &'static str,
    state: &'static str,
    since: When,
    is_active: bool,
    is_disabled: bool,
    was_made_before: bool,
    kinds: Vec<String>,
    owner: Option<String>,
    config: Option<String>,
    accepted: Option<When>,
    failures: Option<String>,
    rests_until: Option<When>,
    old_secret_ends: Option<When>,
    created: When,
    version: String,
    /// The id of the form that tests it.
    test_form: String,
    /// The id of the form that delivers events again.
    replay_form: String,
    tested: Option<Tested>,
    from: String,
    tabs: Vec<Tab>,
    deliveries: Vec<Line>,
    next: Option<String>,
}

/// The outcome of a test.
struct Tested {
    text: String,
    is_well: bool,
}

struct Tab {
    path: String,
    text: &'static str,
    is_chosen: bool,
}

/// A delivery.
struct Line {
    kind: String,
    event_at: When,
    key: Option<(String, String)>,
    tone: &'static str,
    status: &'static str,
    attempts: String,
    last_at: Option<When>,
    next_at: Option<When>,
    answer: Option<String>,
    event_id: String,
}

/// Deliveries on a page.
const PER_PAGE: u32 = 25;

const STATES: [(&str, &str, Option<DeliveryStatus>); 4] = [
    ("", "All", None),
    ("pending", "Pending", Some(DeliveryStatus::Pending)),
    ("failed", "Failed", Some(DeliveryStatus::Failed)),
    ("delivered", "Delivered", Some(DeliveryStatus::Delivered)),
];

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    if ask.api().webhooks.is_none() {
        return super::off(&visitor);
    }
    let webhook = super::find(&ask).await?;
    answer(&ask, &visitor, &webhook, Problems::default(), None).await
}

/// Answers the page, with what a form got wrong, and the outcome of a test.
pub(super) async fn answer(
    ask: &Ask,
    visitor: &Visitor,
    webhook: &Webhook,
    problems: Problems,
    tested: Option<TestedWebhook>,
) -> Answer {
    let now = ask.now();
    let path = super::path(&webhook.id);
    let word = ask.query.get("status").unwrap_or_default();
    let (word, _, status) = STATES.into_iter().find(|(known, ..)| *known == word).unwrap_or(STATES[0]);
    let deliveries = read(ask, webhook, status).await?;
    let limit = usize::try_from(PER_PAGE).unwrap_or(usize::MAX);
    let next = deliveries.last().filter(|_| deliveries.len() >= limit).map(|last| {
        let status = if word.is_empty() { String::new() } else { format!("&status={word}") };
        format!("{path}?before={}{status}#deliveries", last.position)
    });
    let tab = |(known, text, _): (&'static str, &'static str, _)| Tab {
        path: if known.is_empty() { format!("{path}#deliveries") } else { format!("{path}?status={known}#deliveries") },
        text,
        is_chosen: known == word,
    };
    let (tone, state) = super::state(webhook);
    let relative = |at: Timestamp| When::relative(at, now);
    let health = webhook.health;
    let code = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let known = [
        ("webhook-paused", webhook.state == WebhookState::Paused),
        ("webhook-resumed", webhook.state == WebhookState::Active),
        ("webhook-replayed", true),
    ];
    let done = crate::pages::done(&ask.query, &known);
    let template = WebhookPage {
        layout: Layout::of(visitor, Section::Webhooks, webhook.url.host()).with_done(done),
        problems,
        url: webhook.url.as_str().to_owned(),
        tone,
        state,
        since: relative(webhook.state_since),
        is_active: webhook.state == WebhookState::Active,
        is_disabled: webhook.state == WebhookState::Disabled,
        was_made_before: ask.query.raw("made") == "before",
        kinds: webhook.kinds.globs().map(str::to_owned).collect(),
        owner: webhook.owner.as_ref().map(ToString::to_string),
        config: webhook.config_id.as_ref().map(ToString::to_string),
        accepted: health.accepted_at.map(relative),
        failures: (health.failures > 0).then(|| plural(health.failures.into(), "attempt", "attempts")),
        rests_until: health.rests_until.filter(|until| *until > now).map(relative),
        old_secret_ends: webhook.secrets.previous.as_ref().map(|(_, end)| *end).filter(|end| *end > now).map(relative),
        created: When::date(webhook.created_at),
        version: super::version(&ask.console.seals, webhook),
        test_form: ask.form_id(visitor, &[act::TEST, webhook.id.as_str()]),
        replay_form: ask.form_id(visitor, &[act::REPLAY, webhook.id.as_str()]),
        tested: tested.map(|tested| told(&tested)),
        from: ask.form.raw("from").chars().take(100).collect(),
        tabs: STATES.into_iter().map(tab).collect(),
        deliveries: deliveries.iter().map(|delivery| line(delivery, now)).collect(),
        next,
        path,
    };
    page_as(code, &template)
}

async fn read(ask: &Ask, webhook: &Webhook, status: Option<DeliveryStatus>) -> Result<Vec<Delivery>, Failure> {
    let before = ask.query.get("before").map(str::parse::<u64>).transpose();
    let before = before.ok().filter(|before| before.is_none_or(|before| i64::try_from(before).is_ok()));
    let Some(before) = before else {
        return Err(keymint_domain::ErrorCode::InvalidCursor.into());
    };
    let query = DeliveryQuery { webhook_id: webhook.id.clone(), status, before, limit: PER_PAGE };
    let _turn = ask.request.turn_to_list().await?;
    Ok(super::webhooks(ask)?.deliveries(&query).await?)
}

fn told(tested: &TestedWebhook) -> Tested {
    let took = format!("{} ms", crate::show::count(tested.took_ms));
    let text = match &tested.answer {
        Ok(status @ 200..=299) => format!("The endpoint answered {status} in {took}."),
        Ok(status) => {
            format!("The endpoint answered {status} in {took}. A delivery counts only with a status of 200 to 299.")
        }
        Err(failure) => format!("There was no answer: {failure} (after {took})."),
    };
    Tested { text, is_well: matches!(tested.answer, Ok(200..=299)) }
}

fn line(delivery: &Delivery, now: Timestamp) -> Line {
    let Delivery { webhook_id: _, position: _, event_id, kind, event_at, key_id, attempts, answer } = delivery;
    let (tone, status) = match attempts.status {
        DeliveryStatus::Pending if attempts.count > 0 => ("warn", "Retrying"),
        DeliveryStatus::Pending => ("off", "Pending"),
        DeliveryStatus::Delivered => ("good", "Delivered"),
        DeliveryStatus::Failed => ("bad", "Failed"),
    };
    Line {
        kind: kind.to_string(),
        event_at: When::relative(*event_at, now),
        key: key_id.as_ref().map(|id: &KeyId| (keys::path(id), id.to_string())),
        tone,
        status,
        attempts: plural(attempts.count.into(), "attempt", "attempts"),
        last_at: attempts.last_at.map(|at| When::relative(at, now)),
        next_at: attempts.next_at.map(|at| When::relative(at, now)),
        answer: answer.as_deref().map(str::to_owned),
        event_id: event_id.to_string(),
    }
}
