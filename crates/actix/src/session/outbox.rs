use std::cell::RefCell;
use std::rc::Rc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, HttpRequest};

/// The cookies that a request has earned so far. They travel on whatever answer follows, errors included (wire document
/// 5.5).
#[derive(Debug, Clone, Default)]
pub(crate) struct Outbox(Rc<RefCell<Vec<String>>>);

impl Outbox {
    /// Adds `Set-Cookie` lines to the answer of this request.
    pub(crate) fn send(request: &HttpRequest, cookies: Vec<String>) {
        let outbox = request.extensions().get::<Self>().cloned().unwrap_or_default();
        outbox.0.borrow_mut().extend(cookies);
        request.extensions_mut().insert(outbox);
    }
}

/// Puts what is in the outbox on the answer.
pub(crate) async fn deliver(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    let outbox = response.request().extensions().get::<Outbox>().cloned();
    for cookie in outbox.into_iter().flat_map(|outbox| outbox.0.take()) {
        if let Ok(cookie) = HeaderValue::try_from(cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    Ok(response)
}
