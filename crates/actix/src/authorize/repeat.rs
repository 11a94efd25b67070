use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;

use crate::request::own_id;

/// What gateways say of the request that they ask about, besides what is in the question itself.
const ORIGINAL: [&str; 5] =
    ["x-forwarded-method", "x-forwarded-uri", "x-forwarded-host", "x-original-method", "x-original-uri"];

/// What names a request that a gateway may ask about twice: the one id that it gives it, and what the request is for.
/// `None` = it gives none, or somebody else has given another.
///
/// For gateways alone: whoever may choose the id chooses what is paid once.
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
