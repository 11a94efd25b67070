use std::cell::RefCell;
use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest};

/// The headers that the answer to a request must have, errors included: cookies, and how a shown key stands against its
/// limits (docs/better-auth-wire.md 5.5).
#[derive(Debug, Clone, Default)]
pub(crate) struct Outbox(Rc<RefCell<HeaderMap>>);

impl Outbox {
    /// Calls `write` to add headers to the answer of this request.
    pub(crate) fn fill(request: &HttpRequest, write: impl FnOnce(&mut HeaderMap)) {
        let outbox = request.extensions().get::<Self>().cloned().unwrap_or_default();
        write(&mut outbox.0.borrow_mut());
        request.extensions_mut().insert(outbox);
    }

    /// Adds `Set-Cookie` lines to the answer of this request.
    pub(crate) fn send(request: &HttpRequest, cookies: Vec<String>) {
        let cookies = cookies.into_iter().filter_map(|cookie| HeaderValue::try_from(cookie).ok());
        Self::fill(request, |headers| cookies.for_each(|cookie| headers.append(header::SET_COOKIE, cookie)));
    }
}

/// Adds the headers of the outbox to the answer.
pub(crate) async fn deliver(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    let outbox = response.request().extensions().get::<Outbox>().cloned();
    for (name, value) in outbox.map(|outbox| outbox.0.take()).into_iter().flatten() {
        response.headers_mut().append(name, value);
    }
    Ok(response)
}
