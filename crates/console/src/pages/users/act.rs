use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use keymint_actix::ApiError;
use keymint_domain::ErrorCode;
use keymint_domain::verify::Ban;
use keymint_service::ServiceError;
use keymint_service::ports::{BanOutcome, ListedUser};

use super::{Row, find, path_of, row, title};
use crate::answer::{Answer, Failure, NO_STORE, page, page_as, see_other};
use crate::ask::Ask;
use crate::form::Problems;
use crate::layout::{Layout, Section};
use crate::visitor::Visitor;

/// A change that is asked for again before it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Ban,
    Unban,
    MakeOperator,
    RemoveOperator,
}

#[derive(Template)]
#[template(path = "pages/users/act.html")]
struct ActPage {
    layout: Layout,
    problems: Problems,
    user: Row,
    action: &'static str,
    verb: &'static str,
    about: &'static str,
    is_grave: bool,
    /// The word in the form, the text, and true for the one that is chosen.
    times: Vec<(&'static str, &'static str, bool)>,
}

#[derive(Template)]
#[template(path = "pages/users/link.html")]
struct LinkPage {
    layout: Layout,
    user: Row,
    url: String,
}

/// The times for which somebody is banned, in days.
const TIMES: [(&str, &str, Option<u64>); 4] = [
    ("forever", "Until an operator ends it", None),
    ("day", "One day", Some(1)),
    ("week", "One week", Some(7)),
    ("month", "30 days", Some(30)),
];
/// The refusal of an act on one's own account.
const NOT_ON_YOURSELF: &str = "You cannot do this to yourself: nobody might be left to take it back.";
/// The answer about an operator whom this console did not make one.
const REMAINS_ONE: &str =
    "They stay an operator: their role says so, or console.operators of the configuration. Change it there.";
const DAY_MS: u64 = 86_400_000;
/// The deed in the seal of the form of a link to another password.
pub(super) const LINK: &str = "link to another password";

impl Act {
    fn of(ask: &Ask) -> Result<Self, Failure> {
        match &*ask.request.parameter("action")? {
            "ban" => Ok(Self::Ban),
            "unban" => Ok(Self::Unban),
            "operator" => Ok(Self::MakeOperator),
            "remove-operator" => Ok(Self::RemoveOperator),
            _ => Err(ApiError::NotFound.into()),
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Ban => "ban",
            Self::Unban => "unban",
            Self::MakeOperator => "operator",
            Self::RemoveOperator => "remove-operator",
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Ban => "Ban",
            Self::Unban => "End the ban",
            Self::MakeOperator => "Make an operator",
            Self::RemoveOperator => "Make no operator",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Ban => {
                "They are signed out everywhere, and cannot sign in. Their own keys are refused from their next use on. Nothing is \
                 lost: you can end the ban."
            }
            Self::Unban => "They can sign in again, and their own keys work again.",
            Self::MakeOperator => "They see the keys of all owners, and may do everything that you may do.",
            Self::RemoveOperator => {
                "From their next page on they see their own keys alone. What they have changed stays."
            }
        }
    }
}

pub(crate) async fn ask_first(ask: Ask, visitor: Visitor) -> Answer {
    let act = Act::of(&ask)?;
    let found = find(&ask, &visitor).await?;
    page(&form(&ask, &visitor, act, &found, Problems::default()))
}

fn form(ask: &Ask, visitor: &Visitor, act: Act, found: &ListedUser, problems: Problems) -> ActPage {
    let user = row(found, ask.now());
    let title = format!("{}: {}", act.verb(), user.name);
    let chosen = if problems.is_empty() { "forever" } else { ask.form.raw("time") };
    let offered = TIMES.iter().filter(|_| act == Act::Ban);
    let times = offered.map(|(word, text, _)| (*word, *text, *word == chosen)).collect();
    ActPage {
        layout: Layout::of(visitor, Section::Users, title),
        problems,
        user,
        action: act.action(),
        verb: act.verb(),
        about: act.about(),
        is_grave: matches!(act, Act::Ban | Act::RemoveOperator),
        times,
    }
}

/// Makes the change. A second submit finds what the first one has done.
pub(crate) async fn act(ask: Ask, visitor: Visitor) -> Answer {
    let act = Act::of(&ask)?;
    let found = find(&ask, &visitor).await?;
    let (id, users) = (found.user.id.as_str(), ask.request.users()?);
    let mut problems = Problems::default();
    let outcome = match act {
        Act::MakeOperator => {
            users.make_operator(ask.context(&visitor), id).await?.ok_or(ApiError::NotFound)?;
            return Ok(done(&found, "operator-made"));
        }
        Act::RemoveOperator => {
            match users.remove_operator(ask.context(&visitor), id).await {
                Err(ServiceError::Refused(ErrorCode::NotOnYourself)) => problems.add("", NOT_ON_YOURSELF),
                removed => {
                    if !removed?.ok_or(ApiError::NotFound)?.remains_one {
                        return Ok(done(&found, "operator-removed"));
                    }
                    problems.add("", REMAINS_ONE);
                }
            }
            return page_as(StatusCode::CONFLICT, &form(&ask, &visitor, act, &found, problems));
        }
        Act::Ban => {
            let Some((_, _, days)) = TIMES.iter().find(|(word, _, _)| *word == ask.form.raw("time")) else {
                problems.add("time", "Choose for how long.");
                return page_as(StatusCode::UNPROCESSABLE_ENTITY, &form(&ask, &visitor, act, &found, problems));
            };
            let until = days.map(|days| ask.now().plus_millis(days * DAY_MS));
            match users.set_ban(ask.context(&visitor), id, Some(Ban { until })).await {
                Err(ServiceError::Refused(ErrorCode::NotOnYourself)) => {
                    problems.add("", NOT_ON_YOURSELF);
                    return page_as(StatusCode::CONFLICT, &form(&ask, &visitor, act, &found, problems));
                }
                outcome => outcome?,
            }
        }
        Act::Unban => users.set_ban(ask.context(&visitor), id, None).await?,
    };
    match outcome.ok_or(ApiError::NotFound)?.1 {
        BanOutcome::Set { .. } => Ok(done(&found, if act == Act::Ban { "banned" } else { "unbanned" })),
        BanOutcome::NoColumns => {
            problems.add(
                "",
                "The table of users has no columns for bans. Add Better Auth's admin plugin, or its columns banned and \
                 banExpires, and restart Keymint.",
            );
            page_as(StatusCode::CONFLICT, &form(&ask, &visitor, act, &found, problems))
        }
    }
}

fn done(found: &ListedUser, did: &str) -> HttpResponse {
    see_other(&format!("{}?did={did}", path_of(&found.user.id)))
}

/// Makes a link by which the user chooses another password, and shows it this once.
pub(crate) async fn make_link(ask: Ask, visitor: Visitor) -> Answer {
    let found = find(&ask, &visitor).await?;
    let users = ask.request.users()?;
    ask.send_form(&visitor, &[LINK, found.user.id.as_str()], &path_of(&found.user.id)).await?;
    let made = users.make_reset_link(ask.context(&visitor), found.user.id.as_str()).await?.ok_or(ApiError::NotFound)?;
    let template = LinkPage {
        layout: Layout::of(&visitor, Section::Users, format!("A link for {}", title(&found))),
        user: row(&found, ask.now()),
        url: made.url(&ask.console.base_url),
    };
    let mut answer = page(&template)?;
    answer.headers_mut().insert(actix_web::http::header::CACHE_CONTROL, NO_STORE);
    Ok(answer)
}
