//! Becoming the first operator, by the link that the first start prints.

use actix_web::ResponseError as _;
use actix_web::http::StatusCode;
use askama::Template;
use keymint_actix::ApiError;
use keymint_domain::ErrorCode;
use keymint_domain::identity::{Email, Password};
use keymint_domain::link::LinkPurpose;
use keymint_service::{ServiceError, SignedIn};

use super::sign_up::{enter_again, explain, is_taken, read};
use crate::answer::{Answer, Link, Told, page_as, see_other, tell};
use crate::ask::Ask;
use crate::form::Problems;
use crate::layout::Layout;
use crate::visitor::Visitor;

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
    let (mut problems, mut sent) = (Problems::default(), None);
    let claimed = match &signed_in {
        Some(signed_in) => ask.request.claim_as(&token, &signed_in.user).await,
        None => match read(&ask, &mut problems) {
            Some(asked) => {
                sent = Some((asked.email.clone(), asked.password.clone()));
                ask.request.claim(&token, asked).await.map(drop)
            }
            None => return answer(&ask, None, problems, StatusCode::UNPROCESSABLE_ENTITY),
        },
    };
    let Err(mut refused) = claimed else { return Ok(see_other(CLAIMED)) };
    if is_gone(&refused) || is_taken(&refused) {
        match find_claimant(&ask, signed_in.clone(), sent).await {
            Ok(Some(on)) => return Ok(see_other(&on)),
            Ok(None) => {}
            Err(failed) => refused = failed,
        }
    }
    match refused {
        gone_by_now if is_gone(&gone_by_now) => Ok(gone(&ask)),
        refused if explain(&refused, &mut problems) => {
            answer(&ask, signed_in.as_ref(), problems, refused.status_code())
        }
        refused => Err(refused.into()),
    }
}

/// The list of keys, with a welcome.
const CLAIMED: &str = "/console/keys?did=claimed";

fn is_gone(refused: &ApiError) -> bool {
    matches!(refused, ApiError::Service(ServiceError::Refused(ErrorCode::LinkNotValid)))
}

/// Returns the page to go on with, if the form is a second submit of the one who claimed, or of somebody who has an account.
async fn find_claimant(
    ask: &Ask,
    signed_in: Option<SignedIn>,
    sent: Option<(Email, Password)>,
) -> Result<Option<String>, ApiError> {
    let is_new = signed_in.is_none();
    let found = match (signed_in, sent) {
        (Some(signed_in), _) => Some(signed_in),
        (None, Some((email, password))) => enter_again(ask, &email, password).await?,
        (None, None) => None,
    };
    let Some(found) = found else { return Ok(None) };
    if Visitor::of(&ask.request, found).await?.is_operator {
        return Ok(Some(CLAIMED.to_owned()));
    }
    // The link may still be valid: its page asks them now that they are signed in.
    Ok(is_new.then(|| ask.request.http().path().to_owned()))
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
