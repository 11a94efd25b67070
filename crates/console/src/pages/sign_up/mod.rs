//! Making an account.

use actix_web::ResponseError as _;
use actix_web::http::StatusCode;
use askama::Template;
use keymint_actix::ApiError;
use keymint_domain::ErrorCode;
use keymint_domain::identity::{Email, Password, SignUp};
use keymint_domain::value::InvalidText;
use keymint_service::{ServiceError, SignIn, SignedIn};

use crate::answer::{Answer, page_as, see_other};
use crate::ask::Ask;
use crate::form::Problems;
use crate::layout::Layout;

#[derive(Template)]
#[template(path = "pages/sign_up/page.html")]
struct SignUpPage {
    layout: Layout,
    problems: Problems,
    name: String,
    email: String,
}

pub(crate) async fn show(ask: Ask) -> Answer {
    if !is_open(&ask) {
        return Err(ApiError::NotFound.into());
    }
    answer(&ask, Problems::default(), StatusCode::OK)
}

pub(crate) async fn enter(ask: Ask) -> Answer {
    if !is_open(&ask) {
        return Err(ApiError::NotFound.into());
    }
    let mut problems = Problems::default();
    let Some(asked) = read(&ask, &mut problems) else {
        return answer(&ask, problems, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let (email, password) = (asked.email.clone(), asked.password.clone());
    let Err(mut refused) = ask.request.sign_up(asked, true).await else { return Ok(see_other("/console/keys")) };
    if is_taken(&refused) {
        match enter_again(&ask, &email, password).await {
            Ok(Some(_)) => return Ok(see_other("/console/keys")),
            Ok(None) => {}
            Err(failed) => refused = failed,
        }
    }
    if !explain(&refused, &mut problems) {
        return Err(refused.into());
    }
    answer(&ask, problems, refused.status_code())
}

/// Returns true if there is an account of the address.
pub(in crate::pages) fn is_taken(refused: &ApiError) -> bool {
    matches!(refused, ApiError::Service(ServiceError::Refused(ErrorCode::UserAlreadyExists)))
}

/// Signs in by what the form of a new account has. A second submit of the form finds the account that the first one has made,
/// whose answer the browser has thrown away. `None` = the password is another one.
///
/// # Errors
///
/// The client has tried too often, as with any sign-in; the store fails.
pub(in crate::pages) async fn enter_again(
    ask: &Ask,
    email: &Email,
    password: Password,
) -> Result<Option<SignedIn>, ApiError> {
    let asked = SignIn { email: email.as_str().to_owned(), password, remember: true };
    match ask.request.sign_in(asked).await {
        Ok(signed_in) => Ok(Some(signed_in)),
        Err(ApiError::Service(ServiceError::Refused(_))) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Reads the form of a new account. What is wrong is added to `problems`.
pub(in crate::pages) fn read(ask: &Ask, problems: &mut Problems) -> Option<SignUp> {
    let name = ask.form.get("name").map(str::to_owned);
    if name.is_none() {
        problems.add("name", "Enter your name.");
    }
    let email = Email::parse(ask.form.raw("email").trim()).ok();
    if email.is_none() {
        problems.add("email", "Enter a whole address, as in ada@example.com.");
    }
    let password = read_password(ask, "password", problems);
    let asked = SignUp { name: name?, email: email?, password: password?, image: None };
    if let Err((_, error)) = asked.check_texts() {
        problems.add("name", said_of_name(error));
        return None;
    }
    Some(asked)
}

/// Returns the sentence about a name that is refused.
pub(in crate::pages) fn said_of_name(error: InvalidText) -> String {
    match error {
        InvalidText::TooManyCharacters(most) => format!("Take {most} characters or fewer."),
        _ => "Leave out invisible characters.".to_owned(),
    }
}

/// Reads a password that somebody chooses. What is wrong is added to `problems`.
pub(in crate::pages) fn read_password(ask: &Ask, field: &'static str, problems: &mut Problems) -> Option<Password> {
    let password = Password::new(ask.form.raw(field));
    match password.check_new() {
        Ok(()) => return Some(password),
        Err(ErrorCode::PasswordTooShort) => problems.add(field, "Choose 8 characters or more."),
        Err(_) => problems.add(field, "Choose 128 characters or fewer."),
    }
    None
}

/// Puts what was refused beside its field. Returns false if no field is to blame.
pub(in crate::pages) fn explain(refused: &ApiError, problems: &mut Problems) -> bool {
    match refused {
        taken if is_taken(taken) => {
            problems.add("email", "There is an account of this address. Sign in instead, or take another address.");
        }
        ApiError::Throttled(wait) => problems.add("", throttled(*wait)),
        _ => return false,
    }
    true
}

/// Returns the sentence for somebody who has tried too often.
pub(in crate::pages) fn throttled(wait: std::time::Duration) -> String {
    let wait = crate::show::duration(wait.as_secs().max(1) * 1000);
    format!("There were too many tries from your network address. Try again in {wait}.")
}

fn is_open(ask: &Ask) -> bool {
    ask.request.identity().is_some_and(|options| options.email_and_password && options.sign_up)
}

fn answer(ask: &Ask, problems: Problems, status: StatusCode) -> Answer {
    let [name, email] = ["name", "email"].map(|field| ask.form.raw(field).to_owned());
    page_as(status, &SignUpPage { layout: Layout::bare("Make an account"), problems, name, email })
}
