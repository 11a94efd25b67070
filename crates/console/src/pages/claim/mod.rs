//! Becoming the first operator, by the link that the first start prints.

use actix_web::ResponseError as _;
use actix_web::http::StatusCode;
use askama::Template;
use keymint_actix::ApiError;
use keymint_domain::ErrorCode;
use keymint_domain::link::LinkPurpose;
use keymint_service::{ServiceError, SignedIn};

use super::sign_up::{explain, read};
use crate::answer::{Answer, Link, Told, page_as, see_other, tell};
use crate::ask::Ask;
use crate::form::Problems;
use crate::layout::Layout;

#[derive(Template)]
#[template(path = "pages/claim/page.html")]
struct ClaimPage {
    layout: Layout,
    problems: Problems,
    path: String,
    name: String,
    email: String,
    /// The address of the user who is signed in; `None` = nobody is.
    signed_in: Option<String>,
    takes_passwords: bool,
}

const GONE: Told = (
    "This link makes nobody an operator",
    "It is used once, within an hour of the start that printed it, and only while nobody is an operator yet. If nobody has an \
     account, restart Keymint: it prints another link. Otherwise run `keymint user make-operator ada@example.com` where \
     Keymint runs, with the address of the account.",
);

/// Shows the form. It uses nothing up: browsers and scanners of mail open links ahead.
pub(crate) async fn show(ask: Ask) -> Answer {
    let signed_in = ask.request.signed_in().await?;
    match ask.request.look_at_link(&ask.request.parameter("token")?).await? {
        Some(LinkPurpose::Claim) => answer(&ask, signed_in.as_ref(), Problems::default(), StatusCode::OK),
        _ => Ok(gone(&ask)),
    }
}

pub(crate) async fn claim(ask: Ask) -> Answer {
    let token = ask.request.parameter("token")?;
    let signed_in = ask.request.signed_in().await?;
    let mut problems = Problems::default();
    let claimed = match &signed_in {
        Some(signed_in) => ask.request.claim_as(&token, &signed_in.user).await,
        None => match read(&ask, &mut problems) {
            Some(asked) => ask.request.claim(&token, asked).await.map(drop),
            None => return answer(&ask, None, problems, StatusCode::UNPROCESSABLE_ENTITY),
        },
    };
    match claimed {
        Ok(()) => Ok(see_other("/console/keys?did=claimed")),
        Err(ApiError::Service(ServiceError::Refused(ErrorCode::LinkNotValid))) => Ok(gone(&ask)),
        Err(refused) if explain(&refused, &mut problems) => {
            answer(&ask, signed_in.as_ref(), problems, refused.status_code())
        }
        Err(refused) => Err(refused.into()),
    }
}

fn gone(ask: &Ask) -> actix_web::HttpResponse {
    let next = vec![Link { path: "/console".to_owned(), text: "Go to the console" }];
    tell(ask.request.http(), StatusCode::NOT_FOUND, GONE, next)
}

fn answer(ask: &Ask, signed_in: Option<&SignedIn>, problems: Problems, status: StatusCode) -> Answer {
    let [name, email] = ["name", "email"].map(|field| ask.form.raw(field).to_owned());
    let template = ClaimPage {
        layout: Layout::bare("Become the operator"),
        problems,
        path: ask.request.http().path().to_owned(),
        name,
        email,
        signed_in: signed_in.map(|signed_in| signed_in.user.email.clone()),
        takes_passwords: ask.request.identity().is_some_and(|options| options.email_and_password),
    };
    page_as(status, &template)
}
