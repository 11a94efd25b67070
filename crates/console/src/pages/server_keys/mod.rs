//! The keys of servers, for operators.

use actix_web::http::StatusCode;
use askama::Template;
use keymint_domain::server_key::ServerKey;
use keymint_domain::value::KeyName;
use keymint_domain::{KeyId, Timestamp};
use keymint_service::ServiceError;
use keymint_service::ports::StoreError;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::once::Once;
use crate::answer::{Answer, Failure, page, page_as, see_other};
use crate::ask::Ask;
use crate::form::Problems;
use crate::layout::{Layout, Section};
use crate::show::When;
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/server_keys/list.html")]
struct ListPage {
    layout: Layout,
    problems: Problems,
    form_id: String,
    name: String,
    was_made_before: bool,
    living: Portion,
    revoked: Portion,
}

/// Some keys of a list, the latest first.
struct Portion {
    rows: Vec<Row>,
    is_first: bool,
    /// The page with the next ones.
    next: Option<String>,
}

struct Row {
    id: String,
    path: String,
    name: String,
    has_name: bool,
    start: String,
    created: When,
    last_use: Option<When>,
    revoked: Option<When>,
}

#[derive(Template)]
#[template(path = "pages/server_keys/revoke.html")]
struct RevokePage {
    layout: Layout,
    problems: Problems,
    key: Row,
}

const PATH: &str = "/console/server-keys";
/// The keys of a page, and as many that are revoked.
const PER_PAGE: usize = 50;

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    list(&ask, &visitor, Problems::default()).await
}

async fn list(ask: &Ask, visitor: &Visitor, problems: Problems) -> Answer {
    let turn = ask.request.turn_to_read().await?;
    let found = ask.api().server_keys.list().await.map_err(ServiceError::from)?;
    drop(turn);
    let (living, revoked): (Vec<_>, Vec<_>) = found.iter().rev().partition(|key| key.revoked_at.is_none());
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    // A form that was wrong is still the same one.
    let form_id = match ask.form.get("form").filter(|_| !problems.is_empty()) {
        Some(form) => form.to_owned(),
        None => ask.console.seals.new_key(&visitor.id, ask.now()),
    };
    let done = super::done(&ask.query, &[("server-key-revoked", !revoked.is_empty())]);
    let template = ListPage {
        layout: Layout::of(visitor, Section::ServerKeys, "Server keys").with_done(done),
        form_id,
        name: ask.form.raw("name").chars().take(300).collect(),
        was_made_before: ask.query.raw("made") == "before",
        problems,
        living: portion(ask, &living, "after"),
        revoked: portion(ask, &revoked, "revoked"),
    };
    page_as(status, &template)
}

/// Returns the keys behind the one that a parameter of the address names; none of these keys = from the first one on.
fn portion(ask: &Ask, keys: &[&ServerKey], parameter: &str) -> Portion {
    let last = ask.query.get(parameter).unwrap_or_default();
    let start = keys.iter().position(|key| key.id.as_str() == last).map_or(0, |place| place + 1);
    let rest = keys.get(start..).unwrap_or_default();
    let shown = rest.get(..PER_PAGE).unwrap_or(rest);
    let next = shown.last().filter(|_| rest.len() > PER_PAGE);
    Portion {
        rows: shown.iter().map(|key| row(key, ask.now())).collect(),
        is_first: start == 0,
        next: next.map(|key| format!("{PATH}?{parameter}={}", utf8_percent_encode(key.id.as_str(), NON_ALPHANUMERIC))),
    }
}

fn row(key: &ServerKey, now: Timestamp) -> Row {
    let ServerKey { id, name, start, hash: _, created_at, revoked_at, last_used_at } = key;
    let name = name.clone().filter(|name| !name.trim().is_empty());
    Row {
        id: id.to_string(),
        path: format!("{PATH}/{}/revoke", utf8_percent_encode(id.as_str(), NON_ALPHANUMERIC)),
        has_name: name.is_some(),
        name: name.unwrap_or_else(|| format!("{start}…")),
        start: start.clone(),
        created: When::relative(*created_at, now),
        last_use: last_used_at.map(|at| When::relative(at, now)),
        revoked: revoked_at.map(|at| When::relative(at, now)),
    }
}

/// Answers the key itself, without a redirect: a secret is at no address.
pub(crate) async fn create(ask: Ask, visitor: Visitor) -> Answer {
    let Some(id) = ask.console.seals.key_of(ask.form.raw("form"), &visitor.id, ask.now()) else {
        return Err(Failure::Stale(PATH.to_owned()));
    };
    let mut problems = Problems::default();
    let name = ask.form.get("name").and_then(|name| match KeyName::parse(name) {
        Ok(name) => Some(name),
        Err(error) => {
            problems.add("name", format!("The name {error}."));
            None
        }
    });
    if ask.form.get("name").is_none() {
        problems.add("name", "Enter a name, by which you recognize the key later.");
    }
    if name.as_ref().is_some_and(|name| name.as_str().chars().count() > MAX_NAME) {
        problems.add("name", format!("Enter {MAX_NAME} characters or fewer."));
    }
    if !problems.is_empty() {
        return list(&ask, &visitor, problems).await;
    }
    match ask.api().server_keys.create_once(ask.context(&visitor), name, id).await {
        Ok(made) => {
            let once = Once {
                layout: Layout::of(&visitor, Section::ServerKeys, "Save the server key"),
                secret: made.text.expose().to_owned(),
                variable: "KEYMINT_SERVER_KEY",
                about: "Your backend sends it as Authorization: Bearer. It may do everything, on the keys of all owners: keep it out \
                        of browsers and of repositories.",
                lost: "If it is lost, make another one, and revoke this one.",
                path: PATH.to_owned(),
            };
            once.answer()
        }
        Err(ServiceError::Store(StoreError::Duplicate)) => Ok(see_other(&format!("{PATH}?made=before"))),
        Err(error) => Err(error.into()),
    }
}

/// The characters of a name that fits the list.
const MAX_NAME: usize = 100;

/// Finds the key that the path names.
async fn find(ask: &Ask) -> Result<ServerKey, Failure> {
    let missing = || Failure::from(keymint_actix::ApiError::NotFound);
    let id = KeyId::parse(ask.request.parameter("id")?).map_err(|_| missing())?;
    let _turn = ask.request.turn_to_read().await?;
    let found = ask.api().server_keys.list().await.map_err(ServiceError::from)?;
    found.into_iter().find(|key| key.id == id).ok_or_else(missing)
}

pub(crate) async fn revoke_form(ask: Ask, visitor: Visitor) -> Answer {
    let key = find(&ask).await?;
    page(&revoke_page(&ask, &visitor, &key, Problems::default()))
}

fn revoke_page(ask: &Ask, visitor: &Visitor, key: &ServerKey, problems: Problems) -> RevokePage {
    let key = row(key, ask.now());
    let layout = Layout::of(visitor, Section::ServerKeys, format!("Revoke {}", key.name));
    RevokePage { layout, problems, key }
}

pub(crate) async fn revoke(ask: Ask, visitor: Visitor) -> Answer {
    let key = find(&ask).await?;
    let mut problems = Problems::default();
    problems.check_confirmation(&ask.form, key.id.as_str());
    if !problems.is_empty() {
        return page_as(StatusCode::UNPROCESSABLE_ENTITY, &revoke_page(&ask, &visitor, &key, problems));
    }
    // A second submit finds what the first one has done.
    ask.api().server_keys.revoke_for(ask.context(&visitor), &key.id).await?;
    Ok(see_other(&format!("{PATH}?did=server-key-revoked")))
}
