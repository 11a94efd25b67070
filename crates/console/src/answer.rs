//! Answers, and the pages that tell of failures.

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError as _};
use askama::Template;
use keymint_actix::ApiError;
use keymint_actix::pages::{FailedPage, request_id};
use keymint_domain::ErrorCode;
use keymint_service::{ServiceError, WebhookError};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::layout::{Known, Layout, entry_of};
use crate::place::Place;

/// Headers of every answer: nothing is kept, nothing is run or framed that is not the console's own.
pub(crate) const HEADERS: &[(&str, &str)] = &[
    ("cache-control", "no-store"),
    (
        "content-security-policy",
        "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    ("cross-origin-opener-policy", "same-origin"),
    ("referrer-policy", "same-origin"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
];

/// The answer of a handler.
pub(crate) type Answer = Result<HttpResponse, Failure>;

/// The reason why a page cannot be answered.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The failure of the API or of a use case.
    Api(ApiError),
    /// Nobody is signed in.
    SignIn,
    /// The page is for operators, and the visitor is none.
    ForOperators,
    /// The portal session has ended, or the browser does not show its cookie.
    Ended,
    /// The form is about something that has changed since the form was shown. Its page is at this path.
    Stale(String),
    /// The form does what it does once, and was sent before. Its page is at this path.
    Sent(String),
    /// The template failed, which a complete one does not.
    Template,
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        Self::Api(error.into())
    }
}

impl From<WebhookError> for Failure {
    fn from(error: WebhookError) -> Self {
        Self::Api(error.into())
    }
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        Self::Api(code.into())
    }
}

/// Answers a page.
pub(crate) fn page(template: &impl Template) -> Answer {
    page_as(StatusCode::OK, template)
}

/// Answers a page with another status.
pub(crate) fn page_as(status: StatusCode, template: &impl Template) -> Answer {
    let html = template.render().map_err(|_| Failure::Template)?;
    Ok(HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html))
}

/// Sends the browser on by GET, so that a reload repeats nothing.
pub(crate) fn see_other(location: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, location)).finish()
}

/// The page of a failure.
#[derive(Template)]
#[template(path = "pages/failed.html")]
struct FailedTemplate {
    layout: Layout,
    status: u16,
    text: &'static str,
    next: Vec<Link>,
    /// True if the way on is to sign out.
    signs_out: bool,
    request_id: String,
}

/// A way on from a page that tells what happened.
pub(crate) struct Link {
    pub(crate) path: String,
    pub(crate) text: &'static str,
}

impl Failure {
    /// Answers a failure of this request as a page.
    pub(crate) fn answer(self, http: &HttpRequest, request_id: String) -> Result<HttpResponse, FailedPage> {
        let asked = http.uri().path_and_query().map_or("/console", |path| path.as_str());
        match self {
            Self::SignIn => {
                let then = utf8_percent_encode(asked, NON_ALPHANUMERIC);
                // What a form had is gone, and whoever sent it must not believe that it was done.
                let did = if http.method() == Method::POST { "&did=too-late" } else { "" };
                Ok(see_other(&format!("/console/sign-in?then={then}{did}")))
            }
            Self::Ended => {
                let told = if is_framed(http) { ENDED_IN_A_FRAME } else { ENDED };
                Ok(tell(http, StatusCode::UNAUTHORIZED, told, Vec::new()))
            }
            Self::Stale(path) => Ok(conflict(http, STALE, path, request_id)),
            Self::Sent(path) => Ok(conflict(http, SENT, path, request_id)),
            Self::ForOperators => {
                let next = vec![Link { path: "/console/keys".to_owned(), text: "Go to your keys" }];
                let html = render(http, StatusCode::FORBIDDEN, FOR_OPERATORS, next, request_id);
                Ok(HttpResponse::Forbidden().content_type("text/html; charset=utf-8").body(html))
            }
            Self::Template => Err(failed(http, ApiError::Broken, request_id)),
            Self::Api(error) => Err(failed(http, error, request_id)),
        }
    }
}

/// A title, and a text that says what happened and what to do.
pub(crate) type Told = (&'static str, &'static str);

const STALE: Told = (
    "This form is out of date",
    "What it is about was changed or removed after the form was shown, perhaps in another tab or by somebody else. \
     Nothing was changed by it. Look at the current state, and do it again if you still want to.",
);

const SENT: Told = (
    "This form was sent before",
    "It does what it does once, and the first answer has told what came of it. Nothing was done now. Look at the current \
     state, and use the form there if you want to do it again.",
);

fn conflict(http: &HttpRequest, told: Told, path: String, request_id: String) -> HttpResponse {
    let next = vec![Link { path, text: "See it as it is now" }];
    let html = render(http, StatusCode::CONFLICT, told, next, request_id);
    HttpResponse::Conflict().content_type("text/html; charset=utf-8").body(html)
}

const FOR_OPERATORS: Told = (
    "This page is for operators",
    "Your account is none, or is none any more. Nothing was changed. An operator of this Keymint can make you one.",
);

/// Answers a page that tells what happened, and what to do.
pub(crate) fn tell(http: &HttpRequest, status: StatusCode, told: Told, next: Vec<Link>) -> HttpResponse {
    let html = render(http, status, told, next, request_id(http));
    HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html)
}

/// Returns true if the browser shows the page in a frame of another one.
pub(crate) fn is_framed(http: &HttpRequest) -> bool {
    let destination = http.headers().get("sec-fetch-dest").and_then(|value| value.to_str().ok());
    matches!(destination, Some("iframe" | "frame" | "embed" | "object"))
}

const ENDED: Told = (
    "This page has ended",
    "It was open for its time, or it was closed. Nothing was changed. Go back to the page that led you here, and open it \
     again.",
);

const ENDED_IN_A_FRAME: Told = (
    "This page has ended",
    "It was open for its time, or your browser keeps no cookies for a page within another one. Nothing was changed. Go back \
     to the page that led you here, and open it again; if that does not help, open it in a window of its own.",
);

fn failed(http: &HttpRequest, error: ApiError, request_id: String) -> FailedPage {
    let told = told(&error, http);
    // Every page is locked for somebody who is banned, the sign-in included, as long as their session lives.
    let signs_out = error.code() == ErrorCode::UserBanned.as_str();
    let next = if signs_out { Vec::new() } else { ways_on(http) };
    let template = FailedTemplate { signs_out, ..template(http, error.status_code(), told, next, request_id) };
    let html = template.render().unwrap_or_default();
    FailedPage { error: Box::new(error), html }
}

/// Returns the list that the page belongs to.
fn ways_on(http: &HttpRequest) -> Vec<Link> {
    match Place::of(http) {
        // Nothing leads back to a portal session that was not found.
        Place::Portal(_, None) => Vec::new(),
        Place::Console => {
            let is_operator = Known::of(http).is_some_and(|known| known.is_operator);
            let entry = entry_of(http.path(), is_operator);
            vec![Link { path: entry.path.to_owned(), text: entry.way }]
        }
        place @ Place::Portal(..) => vec![Link { path: place.keys(), text: "Go to your keys" }],
    }
}

/// Tells of an error that no handler has seen.
pub(crate) fn unseen(http: &HttpRequest, error: ApiError) -> Error {
    failed(http, error, request_id(http)).into()
}

fn render(http: &HttpRequest, status: StatusCode, told: Told, next: Vec<Link>, request_id: String) -> String {
    template(http, status, told, next, request_id).render().unwrap_or_default()
}

fn template(
    http: &HttpRequest,
    status: StatusCode,
    (title, text): Told,
    next: Vec<Link>,
    request_id: String,
) -> FailedTemplate {
    let layout = Known::of(http).map_or_else(|| Layout::bare(title), |known| known.layout(title)).at(Place::of(http));
    FailedTemplate { layout, status: status.as_u16(), text, next, signs_out: false, request_id }
}

const UNAVAILABLE: Told = (
    "Keymint cannot answer now",
    "Its database cannot be reached, or too much is asked of it at once. If you have sent a form, it may or may not have \
     been done: look at the current state before you send it again. This page may work again in a few seconds.",
);

fn told(error: &ApiError, http: &HttpRequest) -> Told {
    match error.code() {
        "KEY_NOT_FOUND" => {
            ("There is no such key", "It was deleted, or it belongs to somebody else, or the address is not complete.")
        }
        "WEBHOOK_NOT_FOUND" => ("There is no such webhook", "It was deleted, or the address is not complete."),
        "MISSING_OR_NULL_ORIGIN" | "INVALID_ORIGIN" | "CROSS_SITE_NAVIGATION_LOGIN_BLOCKED" => (
            "This form came from an unknown address",
            "Forms are taken from the address of this server alone (server.base_url of its configuration), so that no \
             other page can act for you. Nothing was changed. Open the console at that address, and do it again there.",
        ),
        "TOO_MANY_REQUESTS" => {
            ("Too many tries", "There were too many tries from your network address. Wait a minute, and try again.")
        }
        "PORTAL_NOT_ALLOWED" => (
            "You may not do that here",
            "This page was opened for you without the right to it. Nothing was changed. Ask the team that led you here.",
        ),
        "USER_BANNED" | "BANNED_USER" => ("This account is locked", "Ask an operator of this Keymint to unlock it."),
        "INVALID_CURSOR" => ("This page of the list is gone", "Begin again at its first page."),
        _ => told_by_status(error.status_code(), http),
    }
}

fn told_by_status(status: StatusCode, http: &HttpRequest) -> Told {
    match status.as_u16() {
        401 => ("Your session has ended", "Sign in again. Nothing was changed."),
        403 => (
            "You may not do that",
            "Your account has no right to it. Nothing was changed. An operator of this Keymint can give you the right, or do \
             it for you.",
        ),
        404 if http.method() == Method::GET => {
            ("There is no such page", "The address is wrong or not complete, or the page has moved.")
        }
        404 => ("That is gone", "It was removed in the meantime, or belongs to somebody else. Nothing was changed."),
        409 => (
            "That is not possible now",
            "The state has changed since the form was shown, or something else refers to it. Nothing was changed.",
        ),
        413 => ("The form is too large", "Nothing was changed. Go back, and shorten its texts."),
        408 => ("The form did not arrive", "It took too long. Nothing was changed. Go back, and send it again."),
        503 => UNAVAILABLE,
        400..500 => (
            "That cannot be understood",
            "The address or the form has a value that makes no sense here. Nothing was changed.",
        ),
        _ => (
            "Something went wrong",
            "It is the server's fault, and its log has the reason under the id below. Look at the current state before you \
             send a form again.",
        ),
    }
}

/// A header that keeps an answer from every history and cache.
pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store, private");
