use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;

use crate::observe::own_id;

/// Headers in which gateways describe the request that they ask about.
const ORIGINAL: [&str; 5] =
    ["x-forwarded-method", "x-forwarded-uri", "x-forwarded-host", "x-original-method", "x-original-uri"];

/// Returns the name of a request that a gateway may ask about twice: the one id that the gateway gives it, and the
/// request's method and target. `None` = there is no id, or more than one.
///
/// Use it for gateways only: whoever chooses the id chooses which requests are charged once.
pub(crate) fn name_of_request(request: &HttpRequest) -> Option<Vec<&[u8]>> {
    let headers = request.headers();
    let path = request.uri().path_and_query().map_or("", |path| path.as_str());
    let mut name = vec![own_id(headers)?.as_bytes(), request.method().as_str().as_bytes(), path.as_bytes()];
    for original in ORIGINAL {
        name.push(original.as_bytes());
        name.extend(headers.get_all(original).map(HeaderValue::as_bytes));
    }
    Some(name)
}
