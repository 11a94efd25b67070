//! The portal: a team's guests open a session by a link, and see and manage the keys of one owner.

mod cookie;

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use keymint_domain::ErrorCode;
use keymint_domain::portal::PortalSession;
use keymint_service::ServiceError;

use crate::answer::{Answer, Failure, Told, is_framed, page, page_as, see_other, tell};
use crate::ask::Ask;
use crate::layout::Layout;
use crate::place::{Place, SESSIONS};
use crate::visitor::Visitor;

use cookie::Cookies;

#[derive(Template)]
#[template(path = "pages/portal/open.html")]
struct OpenPage {
    layout: Layout,
    path: String,
}

/// The page of a browser that keeps no cookies.
#[derive(Template)]
#[template(path = "pages/portal/blocked.html")]
struct BlockedPage {
    layout: Layout,
    path: String,
    is_framed: bool,
    request_id: String,
}

#[derive(Template)]
#[template(path = "pages/portal/closed.html")]
struct ClosedPage {
    layout: Layout,
    /// The page that the guest returns to, and its host.
    back: Option<(String, String)>,
}

const GONE: Told = (
    "This link opens nothing",
    "It is used once, within five minutes. Go back to the page that led you here, and open it again.",
);

/// Shows the button that opens the session, and uses nothing up. It also sets a cookie, by which [`open`] knows whether the
/// browser keeps cookies at all.
pub(crate) async fn show(ask: Ask) -> Answer {
    let token = ask.request.parameter("token")?;
    let found = {
        let _turn = ask.request.turn_to_read().await?;
        ask.request.portal()?.look_at(&token).await?
    };
    if found.is_none() {
        ask.request.count_guess()?;
        return Ok(gone(&ask));
    }
    ask.request.set_cookie(Cookies::of(&ask.console).probe());
    let path = ask.request.http().path().to_owned();
    page(&OpenPage { layout: Layout::bare("Your keys").at(place(&ask)), path })
}

/// Opens the session, unless the browser would not keep its cookie: then the link can still be opened in a window.
pub(crate) async fn open(ask: Ask) -> Answer {
    let cookies = Cookies::of(&ask.console);
    if ask.request.cookie(cookies.probe_name()).is_none() {
        let (path, is_framed) = (ask.request.http().path().to_owned(), is_framed(ask.request.http()));
        let layout = Layout::bare("Your browser keeps no cookies here").at(place(&ask));
        return page_as(
            StatusCode::BAD_REQUEST,
            &BlockedPage { layout, path, is_framed, request_id: ask.request.id() },
        );
    }
    let token = ask.request.parameter("token")?;
    match ask.request.portal()?.open(&token, &ask.request.source()).await {
        Ok(opened) => {
            let home = format!("{SESSIONS}{}", opened.session.id.as_str());
            let seconds = opened.session.expires_at.millis_since(opened.session.created_at) / 1000;
            ask.request.set_cookie(cookies.session(opened.token.expose(), &home, seconds));
            Ok(see_other(&format!("{home}/keys")))
        }
        Err(ServiceError::Refused(ErrorCode::LinkNotValid)) => {
            ask.request.count_guess()?;
            Ok(gone(&ask))
        }
        Err(error) => Err(error.into()),
    }
}

/// Finds the session of the path, whose cookie the browser must show.
pub(crate) async fn session(ask: &Ask) -> Result<Option<PortalSession>, Failure> {
    let id = ask.request.parameter("session")?;
    let Some(token) = ask.request.cookie(Cookies::of(&ask.console).session_name()) else { return Ok(None) };
    let _turn = ask.request.turn_to_read().await?;
    let found = ask.request.portal()?.find(&token).await?;
    Ok(found.filter(|session| session.id.as_str() == id))
}

/// The first page of a guest.
pub(crate) async fn home(_: Ask, visitor: Visitor) -> Answer {
    Ok(see_other(&visitor.keys()))
}

/// Ends the session.
pub(crate) async fn close(ask: Ask) -> Answer {
    let cookies = Cookies::of(&ask.console);
    let Some(session) = session(&ask).await? else { return Err(Failure::Ended) };
    if let Some(token) = ask.request.cookie(cookies.session_name()) {
        ask.request.portal()?.end(&token, &ask.request.source()).await?;
    }
    let home = format!("{SESSIONS}{}", session.id.as_str());
    ask.request.set_cookie(cookies.session("", &home, 0));
    let open = Place::Portal(Arc::clone(&ask.console.look), Some(Arc::new(session)));
    let back = Layout::bare("").at(open).back().map(|(url, host)| (url.to_owned(), host.to_owned()));
    page(&ClosedPage { layout: Layout::bare("The page is closed").at(place(&ask)), back })
}

fn place(ask: &Ask) -> Place {
    Place::of(ask.request.http())
}

fn gone(ask: &Ask) -> HttpResponse {
    tell(ask.request.http(), StatusCode::NOT_FOUND, GONE, Vec::new())
}
