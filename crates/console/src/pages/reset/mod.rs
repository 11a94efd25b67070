//! Choosing another password, by a link that an operator or the command line made.

use actix_web::ResponseError as _;
use actix_web::http::StatusCode;
use askama::Template;
use keymint_actix::ApiError;
use keymint_domain::ErrorCode;
use keymint_domain::link::LinkPurpose;
use keymint_service::ServiceError;

use super::sign_up::{explain, read_password};
use crate::answer::{Answer, Link, Told, page_as, see_other, tell};
use crate::ask::Ask;
use crate::form::Problems;
use crate::layout::Layout;

#[derive(Template)]
#[template(path = "pages/reset/page.html")]
struct ResetPage {
    layout: Layout,
    problems: Problems,
    path: String,
}

const GONE: Told = (
    "This link sets no password",
    "It is used once, within a day. If you have just set a password by it, sign in with that. Otherwise ask an operator of this \
     Keymint for another link.",
);

/// Shows the form. It uses nothing up: browsers and scanners of mail open links ahead.
pub(crate) async fn show(ask: Ask) -> Answer {
    match ask.request.look_at_link(&ask.request.parameter("token")?).await? {
        Some(LinkPurpose::Reset(_)) => answer(&ask, Problems::default(), StatusCode::OK),
        _ => Ok(gone(&ask)),
    }
}

pub(crate) async fn set(ask: Ask) -> Answer {
    let token = ask.request.parameter("token")?;
    let mut problems = Problems::default();
    let Some(password) = read_password(&ask, "password", &mut problems) else {
        return answer(&ask, problems, StatusCode::UNPROCESSABLE_ENTITY);
    };
    match ask.request.reset_password(&token, password).await {
        Ok(()) => Ok(see_other("/console/sign-in?did=password-set")),
        Err(ApiError::Service(ServiceError::Refused(ErrorCode::LinkNotValid))) => Ok(gone(&ask)),
        Err(refused) if explain(&refused, &mut problems) => answer(&ask, problems, refused.status_code()),
        Err(refused) => Err(refused.into()),
    }
}

fn gone(ask: &Ask) -> actix_web::HttpResponse {
    let next = vec![Link { path: "/console/sign-in".to_owned(), text: "Sign in" }];
    tell(ask.request.http(), StatusCode::NOT_FOUND, GONE, next)
}

fn answer(ask: &Ask, problems: Problems, status: StatusCode) -> Answer {
    let path = ask.request.http().path().to_owned();
    page_as(status, &ResetPage { layout: Layout::bare("Choose a new password"), problems, path })
}
