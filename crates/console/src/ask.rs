//! The request for a page.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpMessage as _, HttpResponse};
use keymint_actix::Api;
use keymint_actix::pages::{FailedPage, Page, PageRequest};
use keymint_domain::link::SecretToken;
use keymint_domain::{ApiKey, ErrorCode, KeyId, Timestamp};
use keymint_service::{Context, Deed, Keys, ServiceError};

use crate::Console;
use crate::answer::{Answer, Failure};
use crate::form::Fields;
use crate::layout::Known;
use crate::place::{May, Place};
use crate::visitor::Visitor;

/// The request for a page, with all that a handler needs of it.
pub(crate) struct Ask {
    /// The request itself.
    pub(crate) request: PageRequest,
    /// The parts of the console that all pages share.
    pub(crate) console: Arc<Console>,
    /// The parameters of the query.
    pub(crate) query: Fields,
    /// The fields of the form; none for GET.
    pub(crate) form: Fields,
}

impl Ask {
    /// Returns the API that serves the request.
    pub(crate) fn api(&self) -> &Api {
        self.request.api()
    }

    /// Returns the use cases of keys.
    pub(crate) fn keys(&self) -> &Keys {
        &self.request.api().keys
    }

    /// Returns the current instant, by the clock that keys are judged by.
    pub(crate) fn now(&self) -> Timestamp {
        self.keys().now()
    }

    /// Returns the visitor with the source of the request, for a change.
    pub(crate) fn context<'a>(&self, visitor: &'a Visitor) -> Context<'a> {
        self.request.context(&visitor.caller)
    }

    /// Returns the time after which no further portion of a long work begins, so that the answer is given in time.
    pub(crate) fn time_for_portions(&self) -> Duration {
        self.api().options.request_timeout / 2
    }

    /// Makes the id of a form that does something once: `about` has what, and to what.
    pub(crate) fn form_id(&self, visitor: &Visitor, about: &[&str]) -> String {
        self.console.seals.form(&[about, &[visitor.id.as_str()]].concat(), self.now())
    }

    /// Marks the form as sent, which it must not be yet. `back` is the path of the page that has the form.
    ///
    /// It is the last step before what the form does: whatever comes of that, the form does it no second time.
    pub(crate) async fn send_form(&self, visitor: &Visitor, about: &[&str], back: &str) -> Result<(), Failure> {
        let about = [about, &[visitor.id.as_str()]].concat();
        let token = self.console.seals.token_of(self.form.raw("form"), &about, self.now());
        let token = token.ok_or_else(|| Failure::Stale(back.to_owned()))?;
        let is_first = self.request.users()?.send_form(&token).await?;
        if is_first { Ok(()) } else { Err(Failure::Sent(back.to_owned())) }
    }

    /// Returns true if the form of a new thing was sent before, and made it. The thing may be gone by now: without this mark, a
    /// page that Back leads to would make another one with its id.
    pub(crate) async fn has_made(&self, visitor: &Visitor) -> Result<bool, Failure> {
        let Some(token) = self.token_of_new(visitor) else { return Ok(false) };
        Ok(self.request.users()?.look_at_link(token.expose()).await?.is_some())
    }

    /// Keeps that the form of a new thing has made it, before the answer tells of it.
    pub(crate) async fn keep_made(&self, visitor: &Visitor) {
        if let (Some(token), Ok(users)) = (self.token_of_new(visitor), self.request.users()) {
            // The thing is made, and its secret must be shown, whatever comes of the mark.
            drop(users.send_form(&token).await);
        }
    }

    fn token_of_new(&self, visitor: &Visitor) -> Option<SecretToken> {
        self.console.seals.token_of_new(self.form.raw("form"), &visitor.id, self.now())
    }

    /// Finds the key that the path names as `id`, if the visitor may read it.
    pub(crate) async fn key(&self, visitor: &Visitor) -> Result<ApiKey, Failure> {
        let id = KeyId::parse(self.request.parameter("id")?).map_err(|_| ErrorCode::KeyNotFound)?;
        let _turn = self.request.turn_to_read().await?;
        self.find_key(visitor, &id).await
    }

    /// Finds the key that the path names as `id`, if the visitor may do `deed` on it: nobody fills in a form in vain.
    pub(crate) async fn key_for(&self, visitor: &Visitor, deed: Deed) -> Result<ApiKey, Failure> {
        let key = self.key(visitor).await?;
        self.keys().check_may(&visitor.caller, deed, &key).await?;
        Ok(key)
    }

    /// Returns the changes that a visitor may make of a key that they see.
    pub(crate) async fn may(&self, visitor: &Visitor, key: &ApiKey) -> Result<May, Failure> {
        let may = async |deed| match self.keys().check_may(&visitor.caller, deed, key).await {
            Ok(()) => Ok(true),
            Err(ServiceError::Refused(_)) => Ok(false),
            Err(error) => Err(Failure::from(error)),
        };
        Ok(May {
            rotate: may(Deed::Rotate).await?,
            revoke: may(Deed::Revoke).await?,
            edit: may(Deed::Update).await?,
            delete: may(Deed::Delete).await?,
        })
    }

    /// Finds a key, if the visitor may read it.
    pub(crate) async fn find_key(&self, visitor: &Visitor, id: &KeyId) -> Result<ApiKey, Failure> {
        if visitor.is_operator || visitor.is_guest() {
            return Ok(self.keys().get(&visitor.caller, id, None).await?);
        }
        // A user must say which configuration they mean, and an address without it is shorter to share.
        let mut last = ServiceError::from(ErrorCode::KeyNotFound);
        for configuration in self.keys().policy().configurations() {
            match self.keys().get(&visitor.caller, id, Some(&configuration.id)).await {
                Ok(key) => return Ok(key),
                // Nobody is a member where no organizations are kept.
                Err(ServiceError::Refused(ErrorCode::KeyNotFound | ErrorCode::OrganizationPluginRequired)) => {}
                Err(refused @ ServiceError::Refused(_)) => last = refused,
                Err(error) => return Err(error.into()),
            }
        }
        Err(last.into())
    }
}

/// A page that is being stated: its path, and its handlers.
pub(crate) struct Stated {
    page: Page,
    console: Arc<Console>,
    door: Door,
}

/// The door by which visitors come to a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// They sign in.
    Console,
    /// They have a portal session.
    Portal,
}

/// Begins a page at a path.
pub(crate) fn at(console: &Arc<Console>, pattern: &'static str) -> Stated {
    Stated { page: Page::at(pattern), console: Arc::clone(console), door: Door::Console }
}

/// Begins a page of the portal at a path.
pub(crate) fn portal_at(console: &Arc<Console>, pattern: &'static str) -> Stated {
    let page = Page::at(pattern).with_headers(console.look.headers());
    Stated { page, console: Arc::clone(console), door: Door::Portal }
}

impl Stated {
    /// Logs successes for debugging only: the page is a file that other pages ask for.
    pub(crate) fn frequent(self) -> Self {
        Self { page: self.page.frequent(), ..self }
    }

    /// Answers GET to people who are signed in; others sign in first.
    pub(crate) fn get<F>(self, handler: fn(Ask, Visitor) -> F) -> Self
    where
        F: Future<Output = Answer> + 'static,
    {
        let door = self.door;
        self.open_get(move |ask| for_visitor(ask, door, handler))
    }

    /// Answers POST to people who are signed in, whose form came from a trusted origin.
    pub(crate) fn post<F>(self, handler: fn(Ask, Visitor) -> F) -> Self
    where
        F: Future<Output = Answer> + 'static,
    {
        let door = self.door;
        self.open_post(move |ask| for_visitor(ask, door, handler))
    }

    /// Answers GET to operators, who are signed in; others may not see the page.
    pub(crate) fn operators_get<F>(self, handler: fn(Ask, Visitor) -> F) -> Self
    where
        F: Future<Output = Answer> + 'static,
    {
        self.open_get(move |ask| for_operator(ask, handler))
    }

    /// Answers POST to operators, who are signed in, and whose form came from a trusted origin.
    pub(crate) fn operators_post<F>(self, handler: fn(Ask, Visitor) -> F) -> Self
    where
        F: Future<Output = Answer> + 'static,
    {
        self.open_post(move |ask| for_operator(ask, handler))
    }

    /// Answers GET to everybody.
    pub(crate) fn open_get<F>(self, handler: impl Fn(Ask) -> F + Clone + 'static) -> Self
    where
        F: Future<Output = Answer> + 'static,
    {
        let Self { page, console, door } = self;
        let shared = Arc::clone(&console);
        let page =
            page.get(move |request: PageRequest| answer(request, Arc::clone(&shared), door, false, handler.clone()));
        Self { page, console, door }
    }

    /// Answers POST to everybody, if the form came from a trusted origin.
    pub(crate) fn open_post<F>(self, handler: impl Fn(Ask) -> F + Clone + 'static) -> Self
    where
        F: Future<Output = Answer> + 'static,
    {
        let Self { page, console, door } = self;
        let shared = Arc::clone(&console);
        let page =
            page.post(move |request: PageRequest| answer(request, Arc::clone(&shared), door, true, handler.clone()));
        Self { page, console, door }
    }

    /// Ends the statement: other methods are told that there is no such page.
    pub(crate) fn end(self) -> Page {
        let Self { page, console, door } = self;
        page.any(move |request: PageRequest| {
            answer(request, Arc::clone(&console), door, false, |_| async {
                Err(keymint_actix::ApiError::NotFound.into())
            })
        })
    }
}

async fn for_visitor<F: Future<Output = Answer>>(ask: Ask, door: Door, handler: fn(Ask, Visitor) -> F) -> Answer {
    let visitor = visitor_of(&ask, door).await?;
    handler(ask, visitor).await
}

async fn for_operator<F: Future<Output = Answer>>(ask: Ask, handler: fn(Ask, Visitor) -> F) -> Answer {
    let visitor = visitor_of(&ask, Door::Console).await?;
    if visitor.is_operator { handler(ask, visitor).await } else { Err(Failure::ForOperators) }
}

async fn visitor_of(ask: &Ask, door: Door) -> Result<Visitor, Failure> {
    let visitor = match door {
        Door::Console => {
            let signed_in = ask.request.signed_in().await?.ok_or(Failure::SignIn)?;
            Visitor::of(&ask.request, signed_in).await?
        }
        Door::Portal => {
            let session = crate::pages::portal::session(ask).await?.ok_or(Failure::Ended)?;
            Visitor::guest(&ask.console.look, session)
        }
    };
    ask.request.http().extensions_mut().insert(visitor.place.clone());
    if let Some(known) = Known::of_visitor(&visitor) {
        ask.request.http().extensions_mut().insert(known);
    }
    Ok(visitor)
}

async fn answer<F: Future<Output = Answer>>(
    request: PageRequest,
    console: Arc<Console>,
    door: Door,
    has_form: bool,
    handler: impl FnOnce(Ask) -> F,
) -> Result<HttpResponse, FailedPage> {
    let (http, id) = (request.http().clone(), request.id());
    if door == Door::Portal {
        http.extensions_mut().insert(Place::Portal(Arc::clone(&console.look), None));
    }
    let read = async {
        let query = Fields::new(request.query()?);
        let form = if has_form { Fields::new(request.form().await?) } else { Fields::default() };
        Ok::<_, Failure>(Ask { request, console, query, form })
    };
    let answer = match read.await {
        Ok(ask) => handler(ask).await,
        Err(failure) => Err(failure),
    };
    answer.or_else(|failure| failure.answer(&http, id))
}
