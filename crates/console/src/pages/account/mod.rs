//! A user's own account: their name, their password and their sessions.

use actix_web::ResponseError as _;
use actix_web::http::StatusCode;
use askama::Template;
use keymint_actix::ApiError;
use keymint_domain::identity::{EditUser, Password, Session};
use keymint_domain::{ErrorCode, Timestamp};
use keymint_service::{ServiceError, SignedIn};

use super::sign_up::{read_password, said_of_name, throttled};
use crate::answer::{Answer, Failure, page_as, see_other};
use crate::ask::Ask;
use crate::form::Problems;
use crate::layout::{Layout, Section};
use crate::show::{When, count};
use crate::visitor::Visitor;

#[derive(Template)]
#[template(path = "pages/account/page.html")]
struct AccountPage {
    layout: Layout,
    problems: Problems,
    name: String,
    email: String,
    takes_passwords: bool,
    end_others: bool,
    /// Their sessions; `None` = they must first enter their password again.
    sessions: Option<Vec<SessionLine>>,
    /// The number of sessions that are not listed; `None` = all are.
    more_sessions: Option<String>,
}

/// A session, as its user sees it.
struct SessionLine {
    id: String,
    device: String,
    address: String,
    since: When,
    seen: When,
    is_this: bool,
}

const PATH: &str = "/console/account";

/// The sessions that the page lists.
const MOST_SESSIONS: usize = 50;

pub(crate) async fn show(ask: Ask, visitor: Visitor) -> Answer {
    answer(&ask, &visitor, Problems::default(), StatusCode::OK).await
}

pub(crate) async fn rename(ask: Ask, visitor: Visitor) -> Answer {
    let mut problems = Problems::default();
    let Some(name) = ask.form.get("name") else {
        problems.add("name", "Enter your name.");
        return answer(&ask, &visitor, problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let edit = EditUser { name: Some(name.to_owned()), image: None };
    if let Err((_, error)) = edit.check_texts() {
        problems.add("name", said_of_name(error));
        return answer(&ask, &visitor, problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    ask.request.update_user(signed_in(&visitor)?, &edit).await?;
    Ok(see_other(&format!("{PATH}?did=renamed")))
}

pub(crate) async fn change_password(ask: Ask, visitor: Visitor) -> Answer {
    let mut problems = Problems::default();
    if ask.form.raw("current").is_empty() {
        problems.add("current", "Enter the password that you have now.");
    }
    let new = read_password(&ask, "password", &mut problems);
    let Some(new) = new.filter(|_| problems.is_empty()) else {
        return answer(&ask, &visitor, problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    };
    let current = Password::new(ask.form.raw("current"));
    let end_others = ask.form.has("end-others");
    let Err(refused) = ask.request.change_password(signed_in(&visitor)?, current, new, end_others).await else {
        return Ok(see_other(&format!("{PATH}?did=password-changed")));
    };
    match &refused {
        ApiError::Throttled(wait) => problems.add("", throttled(*wait)),
        ApiError::Service(ServiceError::Refused(ErrorCode::InvalidPassword | ErrorCode::PasswordTooLong)) => {
            problems.add("current", "That is not your password. Check it, and try again.");
        }
        ApiError::Service(ServiceError::Refused(ErrorCode::CredentialAccountNotFound)) => {
            problems.add("current", "You sign in without a password. Ask an operator for a link to choose one.");
        }
        _ => return Err(refused.into()),
    }
    answer(&ask, &visitor, problems, refused.status_code()).await
}

/// Ends one session. The list may be older than its sessions: one that is gone is no failure.
pub(crate) async fn end_session(ask: Ask, visitor: Visitor) -> Answer {
    let ended = ask.request.end_session(signed_in(&visitor)?, ask.form.raw("session")).await;
    after_end(ended, "session-ended")
}

pub(crate) async fn end_others(ask: Ask, visitor: Visitor) -> Answer {
    let ended = ask.request.end_other_sessions(signed_in(&visitor)?).await;
    after_end(ended, "sessions-ended")
}

/// Ends all sessions, this one included.
pub(crate) async fn end_all(ask: Ask, visitor: Visitor) -> Answer {
    ask.request.end_all_sessions(signed_in(&visitor)?).await?;
    Ok(see_other("/console/sign-in?did=signed-out-everywhere"))
}

fn after_end(ended: Result<(), ApiError>, done: &str) -> Answer {
    match ended {
        Ok(()) => Ok(see_other(&format!("{PATH}?did={done}"))),
        // The page asks for the password then.
        Err(ApiError::Service(ServiceError::Refused(ErrorCode::SessionNotFresh))) => Ok(see_other(PATH)),
        Err(error) => Err(error.into()),
    }
}

/// Begins another session in place of one that is a day old, for the password.
pub(crate) async fn confirm(ask: Ask, visitor: Visitor) -> Answer {
    let mut problems = Problems::default();
    if ask.form.raw("again").is_empty() {
        problems.add("again", "Enter your password.");
        return answer(&ask, &visitor, problems, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let password = Password::new(ask.form.raw("again"));
    let Err(refused) = ask.request.sign_in_again(signed_in(&visitor)?, password).await else {
        return Ok(see_other(PATH));
    };
    match &refused {
        ApiError::Throttled(wait) => problems.add("", throttled(*wait)),
        ApiError::Service(ServiceError::Refused(
            ErrorCode::InvalidEmailOrPassword | ErrorCode::InvalidPassword | ErrorCode::PasswordTooLong,
        )) => problems.add("again", "That is not your password. Check it, and try again."),
        _ => return Err(refused.into()),
    }
    answer(&ask, &visitor, problems, refused.status_code()).await
}

/// Sends a visitor who comes by a link to the page: a link changes nothing.
pub(crate) async fn to_page(_: Ask, _: Visitor) -> Answer {
    Ok(see_other(PATH))
}

fn signed_in(visitor: &Visitor) -> Result<&SignedIn, Failure> {
    visitor.signed_in.as_ref().ok_or(Failure::SignIn)
}

async fn answer(ask: &Ask, visitor: &Visitor, problems: Problems, status: StatusCode) -> Answer {
    let signed_in = signed_in(visitor)?;
    let now = ask.now();
    let sessions = ask.request.sessions_of(signed_in).await?.map(|mut sessions| {
        sessions.sort_by_key(|session| std::cmp::Reverse((session.id == signed_in.session.id, session.updated_at)));
        let more = sessions.len().saturating_sub(MOST_SESSIONS);
        let latest = sessions.iter().take(MOST_SESSIONS);
        let shown: Vec<_> = latest.map(|session| line(session, &signed_in.session, now)).collect();
        (shown, (more > 0).then(|| count(u64::try_from(more).unwrap_or(u64::MAX))))
    });
    let is_alone = sessions.as_ref().is_none_or(|(shown, _)| shown.len() == 1);
    let known = [("renamed", true), ("password-changed", true), ("session-ended", true), ("sessions-ended", is_alone)];
    let done = super::done(&ask.query, &known);
    let (sessions, more_sessions) = sessions.unzip();
    let template = AccountPage {
        layout: Layout::of(visitor, Section::None, "Your account").with_done(done),
        problems,
        name: if ask.form.has("name") { ask.form.raw("name") } else { &signed_in.user.name }.to_owned(),
        email: signed_in.user.email.clone(),
        // The page has other forms, too.
        end_others: !ask.form.has("current") || ask.form.has("end-others"),
        takes_passwords: ask.request.identity().is_some_and(|options| options.email_and_password),
        sessions,
        more_sessions: more_sessions.flatten(),
    };
    page_as(status, &template)
}

fn line(session: &Session, own: &Session, now: Timestamp) -> SessionLine {
    SessionLine {
        id: session.id.as_str().to_owned(),
        device: device(session.client.user_agent.as_deref().unwrap_or_default()),
        address: session.client.ip_address.clone().unwrap_or_default(),
        since: When::relative(session.created_at, now),
        seen: When::relative(session.updated_at, now),
        is_this: session.id == own.id,
    }
}

/// Names of browsers, in the order in which they are looked for: most of them claim to be others, too.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

const SYSTEMS: [(&str, &str); 6] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
];

/// Returns the name of a device by the `User-Agent` of its browser.
fn device(agent: &str) -> String {
    let find =
        |names: &[(&str, &'static str)]| names.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) if agent.trim().is_empty() => "Unknown device".to_owned(),
        (None, None) => agent.chars().take(60).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_a_name_that_its_user_recognizes() {
        for (agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/129.0.0.0 \
                 Safari/537.36 Edg/129.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) \
                 Version/17.5 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.5.0", "curl"),
            ("", "Unknown device"),
            ("my own <program>", "my own <program>"),
        ] {
            assert_eq!(device(agent), name);
        }
        assert_eq!(device(&"é".repeat(500)).chars().count(), 60);
    }
}
