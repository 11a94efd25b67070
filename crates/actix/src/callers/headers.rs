use actix_web::http::header::{self, HeaderMap, HeaderValue};
use keymint_guard::Headers;

/// The headers of a request of actix-web, whose map is not that of the crate `http`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ActixHeaders<'h>(pub(crate) &'h HeaderMap);

impl<'h> Headers for ActixHeaders<'h> {
    fn lines<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + use<'a, 'h> {
        self.0.get_all(name).map(HeaderValue::as_bytes)
    }
}

/// Returns the value of the first cookie of that name. Other cookies of the host may hold any bytes.
pub(crate) fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get_all(header::COOKIE).find_map(|line| {
        let line = String::from_utf8_lossy(line.as_bytes());
        let mut pairs = line.split(';').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_owned())
    })
}
