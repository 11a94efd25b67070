//! Pages for people, mounted on the server beside the API: they share its observation, its limits of time and size, its
//! sessions, its check of origins, and its reloads ([ADR 87](https://github.com/keymint/keymint/tree/main/docs/adr)).
//!
//! A crate of pages states each [`Page`] by its path and its handlers, which take a [`PageRequest`]. [`Pages`] has the path
//! below which they all are, and carries them to [`ServeOptions`](crate::ServeOptions), or into an application of your own
//! by [`Pages::mount`].

mod request;

use std::fmt;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{HttpServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::{self, Next};
use actix_web::web::{self, ServiceConfig};
use actix_web::{Error, FromRequest, Handler, HttpRequest, Responder, Route, guard};

use crate::callers::session;
use crate::deadline::{ErrorForm, time_limit};
use crate::error::ApiError;
use crate::observe;

pub use crate::error::FailedPage;
pub use request::{PageRequest, request_id};

/// A page: its path, and the handlers of its methods.
pub struct Page {
    pattern: &'static str,
    routes: Vec<Route>,
    is_frequent: bool,
    /// Its headers, in place of those of its group.
    headers: Option<Headers>,
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Page").field(&self.pattern).finish()
    }
}

impl Page {
    /// Begins a page at a path of the server, with parameters as in `/console/keys/{id}`.
    pub fn at(pattern: &'static str) -> Self {
        Self { pattern, routes: Vec::new(), is_frequent: false, headers: None }
    }

    /// Logs successes for debugging only: the page is a file that other pages ask for.
    #[must_use]
    pub fn frequent(self) -> Self {
        Self { is_frequent: true, ..self }
    }

    /// Adds these headers to every answer that does not have them, in place of those of the group.
    #[must_use]
    pub fn with_headers(self, headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>) -> Self {
        Self { headers: Some(Headers(headers.into_iter().collect())), ..self }
    }

    /// Answers GET and HEAD.
    #[must_use]
    pub fn get<F, A>(self, handler: F) -> Self
    where
        F: Handler<A, Output: Responder + 'static>,
        A: FromRequest + 'static,
    {
        let probe = guard::Any(guard::Get()).or(guard::Method(Method::HEAD));
        self.route(web::route().guard(probe).to(handler))
    }

    /// Answers POST. The handler must read the form by [`PageRequest::form`], which checks where the form came from.
    #[must_use]
    pub fn post<F, A>(self, handler: F) -> Self
    where
        F: Handler<A, Output: Responder + 'static>,
        A: FromRequest + 'static,
    {
        self.route(web::post().to(handler))
    }

    /// Answers every method that has no handler yet.
    #[must_use]
    pub fn any<F, A>(self, handler: F) -> Self
    where
        F: Handler<A, Output: Responder + 'static>,
        A: FromRequest + 'static,
    {
        self.route(web::route().to(handler))
    }

    fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    fn mounted(self, root: &str, style: &Style) -> impl HttpServiceFactory + 'static {
        let Self { pattern, routes, is_frequent, headers } = self;
        let resource = web::resource(pattern.strip_prefix(root).unwrap_or(pattern))
            .app_data(observe::Route { pattern, is_frequent })
            .app_data(style.error_form)
            .app_data(headers.unwrap_or_else(|| style.headers.clone()));
        let resource = routes.into_iter().fold(resource, actix_web::Resource::route);
        resource
            .wrap(middleware::from_fn(time_limit))
            .wrap(middleware::from_fn(session::deliver))
            .wrap(middleware::from_fn(add_headers))
    }
}

/// Headers of every answer of a group of pages, unless the page itself has set them.
#[derive(Debug, Clone, Default)]
struct Headers(Arc<[(HeaderName, HeaderValue)]>);

#[derive(Debug, Clone)]
struct Style {
    headers: Headers,
    error_form: ErrorForm,
}

/// A group of pages. It is cheap to clone: each worker of the server makes its own pages from it.
#[derive(Clone)]
pub struct Pages {
    make: Arc<dyn Fn() -> Vec<Page> + Send + Sync>,
    style: Style,
    root: &'static str,
}

impl Pages {
    /// Takes the path of the page to begin with, below which all others are; the function that makes the pages, once for each
    /// worker; and the form in which errors are told that no handler sees, such as a timeout.
    ///
    /// A request for anything else is compared with that one path, however many pages there are.
    pub fn below(
        root: &'static str,
        make: impl Fn() -> Vec<Page> + Send + Sync + 'static,
        error_form: fn(&HttpRequest, ApiError) -> Error,
    ) -> Self {
        let style = Style { headers: Headers::default(), error_form: ErrorForm(error_form) };
        Self { make: Arc::new(make), style, root }
    }

    /// Adds these headers to every answer that does not have them. Names are in lower case.
    #[must_use]
    pub fn with_headers(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        let header = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        let headers = Headers(headers.iter().map(header).collect());
        Self { style: Style { headers, ..self.style }, ..self }
    }

    /// Returns the path of the page to begin with.
    pub fn root(&self) -> &'static str {
        self.root
    }

    /// Mounts the pages in an application, before the API, which
    /// [`endpoints::configure`](crate::endpoints::configure) mounts: its scope takes whatever is below its path.
    pub fn mount(&self, app: &mut ServiceConfig) {
        let pages = (self.make)().into_iter().map(|page| page.mounted(self.root, &self.style));
        app.service(pages.fold(web::scope(self.root), actix_web::Scope::service));
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries((self.make)()).finish()
    }
}

async fn add_headers(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    let Headers(headers) = response.request().app_data::<Headers>().cloned().unwrap_or_default();
    for (name, value) in &*headers {
        if !response.headers().contains_key(name) {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
    Ok(response)
}
