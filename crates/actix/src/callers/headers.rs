use actix_web::http::header::{HeaderMap, HeaderValue};
use keymint_guard::Headers;

/// The headers of a request of actix-web, whose map is not that of the crate `http`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActixHeaders<'h>(pub(crate) &'h HeaderMap);

impl<'h> Headers for ActixHeaders<'h> {
    fn lines<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'h> {
        self.0.get_all(name).map(HeaderValue::as_bytes)
    }
}
