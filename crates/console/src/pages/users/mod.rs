//! The users who may sign in, for operators.

mod act;

use std::num::NonZeroU32;

use actix_web::http::StatusCode;
use askama::Template;
use keymint_actix::ApiError;
use keymint_domain::{Timestamp, UserId};
use keymint_service::ports::ListedUser;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::answer::{Answer, Failure, page, page_as, see_other};
use crate::ask::Ask;
use crate::form::Problems;
use crate::layout::{Layout, Section};
use crate::show::When;
use crate::visitor::Visitor;

pub(crate) use act::{act, ask_first, make_link};

#[derive(Template)]
#[template(path = "pages/users/list.html")]
struct ListPage {
    layout: Layout,
    problems: Problems,
    asked: String,
    rows: Vec<Row>,
    is_first: bool,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/users/user.html")]
struct UserPage {
    layout: Layout,
    user: Row,
    keys_path: String,
    /// True if the page is about the visitor.
    is_self: bool,
    takes_passwords: bool,
    /// The id of the form that makes a link to another password.
    link_form: String,
}

/// A user, as operators see them.
struct Row {
    id: String,
    path: String,
    name: String,
    email: String,
    is_proved: bool,
    is_operator: bool,
    is_banned: bool,
    /// The end of the ban.
    banned_until: Option<When>,
    created: When,
}

const PATH: &str = "/console/users";
/// The users of a page.
const PAGE: NonZeroU32 = NonZeroU32::new(50).unwrap();
/// The characters of a wrong text that are shown again.
const SHOWN: usize = 300;

/// Lists all users in the order of their ids, or leads to the one that is asked for.
pub(crate) async fn list(ask: Ask, visitor: Visitor) -> Answer {
    let mut problems = Problems::default();
    let asked = ask.query.get("user").unwrap_or_default();
    let _turn = ask.request.turn_to_list().await?;
    if !asked.is_empty() {
        match ask.request.users()?.find_user(&visitor.caller, asked).await? {
            Some(found) => return Ok(see_other(&path_of(&found.user.id))),
            None => problems.add("user", "There is no user of that id or address. Enter it whole."),
        }
    }
    let after = ask.query.get("after").map(UserId::parse).transpose().map_err(|_| ApiError::NotFound)?;
    let is_first = after.is_none();
    let mut found = ask.request.users()?.list_users(&visitor.caller, after, PAGE.saturating_add(1)).await?;
    let has_more = found.len() > PAGE.get() as usize;
    found.truncate(PAGE.get() as usize);
    let next = found.last().filter(|_| has_more).map(|last| format!("{PATH}?after={}", encoded(last.user.id.as_str())));
    let status = if problems.is_empty() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let template = ListPage {
        layout: Layout::of(&visitor, Section::Users, "Users"),
        problems,
        asked: asked.chars().take(SHOWN).collect(),
        rows: found.iter().map(|user| row(user, ask.now())).collect(),
        is_first,
        next,
    };
    page_as(status, &template)
}

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    let found = find(&ask, &visitor).await?;
    let owner = visitor.id.as_str();
    let is_banned = found.user.ban.is_some_and(|ban| ban.is_in_force(ask.now()));
    let known = [
        ("banned", is_banned),
        ("unbanned", !is_banned),
        ("operator-made", found.is_operator),
        ("operator-removed", !found.is_operator),
    ];
    let done = super::done(&ask.query, &known);
    let template = UserPage {
        layout: Layout::of(&visitor, Section::Users, title(&found)).with_done(done),
        keys_path: format!("/console/owners/{}", encoded(found.user.id.as_str())),
        is_self: found.user.id.as_str() == owner,
        takes_passwords: ask.request.identity().is_some_and(|options| options.email_and_password),
        link_form: ask.form_id(&visitor, &[act::LINK, found.user.id.as_str()]),
        user: row(&found, ask.now()),
    };
    page(&template)
}

/// Sends a visitor who comes by a link to the user: a link changes nothing.
pub(crate) async fn to_user(ask: Ask, _: Visitor) -> Answer {
    Ok(see_other(&format!("{PATH}/{}", encoded(&ask.request.parameter("id")?))))
}

/// Finds the user that the path names.
async fn find(ask: &Ask, visitor: &Visitor) -> Result<ListedUser, Failure> {
    let id = UserId::parse(ask.request.parameter("id")?).map_err(|_| ApiError::NotFound)?;
    let _turn = ask.request.turn_to_read().await?;
    let found = ask.request.users()?.find_user(&visitor.caller, id.as_str()).await?;
    Ok(found.ok_or(ApiError::NotFound)?)
}

/// Returns the name of a user, or else their address.
fn title(found: &ListedUser) -> String {
    let name = found.user.name.trim();
    if name.is_empty() { found.user.email.clone() } else { name.to_owned() }
}

fn row(found: &ListedUser, now: Timestamp) -> Row {
    let user = &found.user;
    let ban = user.ban.filter(|ban| ban.is_in_force(now));
    Row {
        id: user.id.as_str().to_owned(),
        path: path_of(&user.id),
        name: title(found),
        email: user.email.clone(),
        is_proved: user.email_verified,
        is_operator: found.is_operator,
        is_banned: ban.is_some(),
        banned_until: ban.and_then(|ban| ban.until).map(|until| When::relative(until, now)),
        created: When::relative(user.created_at, now),
    }
}

fn path_of(id: &UserId) -> String {
    format!("{PATH}/{}", encoded(id.as_str()))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
