//! Signing in.

use actix_web::ResponseError as _;
use actix_web::http::StatusCode;
use askama::Template;
use keymint_actix::ApiError;
use keymint_domain::ErrorCode;
use keymint_domain::identity::Password;
use keymint_service::{ServiceError, SignIn};

use crate::answer::{Answer, page_as, see_other};
use crate::ask::Ask;
use crate::form::Problems;
use crate::layout::Layout;
use crate::pages::sign_up::throttled;

#[derive(Template)]
#[template(path = "pages/sign_in/page.html")]
#[expect(clippy::struct_excessive_bools, reason = "each shows a part of the page")]
struct SignInPage {
    layout: Layout,
    problems: Problems,
    email: String,
    then: String,
    remember: bool,
    /// False if nobody signs in by a password here.
    takes_passwords: bool,
    may_sign_up: bool,
    /// True if a form came after its session had ended.
    was_too_late: bool,
}

pub(crate) async fn show(ask: Ask) -> Answer {
    if ask.request.signed_in().await?.is_some() {
        return Ok(see_other(&target(ask.query.raw("then"))));
    }
    let known = ["signed-out", "signed-out-everywhere", "password-set"].map(|word| (word, true));
    let done = super::done(&ask.query, &known);
    answer(&ask, ask.query.raw("then"), "", Problems::default(), StatusCode::OK, done)
}

pub(crate) async fn enter(ask: Ask) -> Answer {
    let then = ask.form.raw("then").to_owned();
    let email = ask.form.raw("email").trim().to_owned();
    let mut problems = Problems::default();
    if email.is_empty() {
        problems.add("email", "Enter your e-mail address.");
    }
    if ask.form.raw("password").is_empty() {
        problems.add("password", "Enter your password.");
    }
    if !problems.is_empty() {
        return answer(&ask, &then, &email, problems, StatusCode::UNPROCESSABLE_ENTITY, "");
    }
    let password = Password::new(ask.form.raw("password"));
    let asked = SignIn { email: email.clone(), password, remember: ask.form.has("remember") };
    let Err(refused) = ask.request.sign_in(asked).await else { return Ok(see_other(&target(&then))) };
    let status = refused.status_code();
    match problem(&refused) {
        Some((field, text)) => problems.add(field, text),
        None => return Err(refused.into()),
    }
    answer(&ask, &then, &email, problems, status, "")
}

fn answer(ask: &Ask, then: &str, email: &str, problems: Problems, status: StatusCode, done: &'static str) -> Answer {
    let identity = ask.request.identity();
    let takes_passwords = identity.is_some_and(|options| options.email_and_password);
    let may_sign_up = takes_passwords && identity.is_some_and(|options| options.sign_up);
    let layout = Layout::bare("Sign in").with_done(done);
    let (email, then) = (email.to_owned(), then.to_owned());
    let was_too_late = ask.query.raw("did") == "too-late";
    let remember = problems.is_empty() || ask.form.has("remember");
    page_as(status, &SignInPage { layout, problems, email, then, remember, takes_passwords, may_sign_up, was_too_late })
}

fn problem(error: &ApiError) -> Option<(&'static str, String)> {
    let text = match error {
        ApiError::Throttled(wait) => return Some(("", throttled(*wait))),
        ApiError::Service(ServiceError::Refused(code)) => match code {
            ErrorCode::InvalidEmail => {
                return Some(("email", "Enter a whole address, as in ada@example.com.".to_owned()));
            }
            ErrorCode::InvalidEmailOrPassword | ErrorCode::PasswordTooLong => {
                "The address or the password is wrong. Check both, and try again."
            }
            ErrorCode::BannedUser => "This account is locked. Ask an operator of this Keymint to unlock it.",
            ErrorCode::EmailPasswordDisabled => "Nobody signs in by a password here.",
            _ => return None,
        },
        _ => return None,
    };
    Some(("", text.to_owned()))
}

/// Returns the page to go to: a path of the console, whatever was asked for.
pub(crate) fn target(then: &str) -> String {
    let is_plain = !then.contains('\\') && !then.chars().any(char::is_control);
    let path = then.split(['?', '#']).next().unwrap_or_default();
    let is_ours = path == "/console" || path.starts_with("/console/");
    let climbs = path.split('/').any(|part| part == "..") || path.to_ascii_lowercase().contains("%2e");
    if is_plain && is_ours && !climbs { then.to_owned() } else { "/console/keys".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_place() {
        for ours in ["/console", "/console/keys?q=a&sort=name", "/console/keys/a%2Fb"] {
            assert_eq!(target(ours), ours);
        }
        for other in [
            "",
            "/",
            "//evil.example",
            "/consoles",
            "https://evil.example/console",
            "/console/../api",
            "/console/\\evil",
            "/console/%2e%2e/api",
            "javascript:alert(1)",
            "/console/\nx",
        ] {
            assert_eq!(target(other), "/console/keys", "{other}");
        }
    }
}
