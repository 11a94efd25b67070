use http::{HeaderMap, HeaderValue};

/// The headers of a request, in the map of its framework.
pub trait Headers {
    /// Returns the lines of a header, in their order. A text that is no header's name has none.
    fn lines<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + use<'a, Self>;
}

impl Headers for HeaderMap {
    fn lines<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.get_all(name).into_iter().map(HeaderValue::as_bytes)
    }
}

/// Returns true for a request by which a browser asks for leave to send another one (Fetch 4.8). It never carries a key.
pub fn is_preflight(method: &str, headers: &impl Headers) -> bool {
    let has = |name| headers.lines(name).next().is_some();
    method == "OPTIONS" && has("origin") && has("access-control-request-method")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preflight_says_whence_and_for_which_method() {
        let headers = |names: &[&'static str]| {
            names.iter().map(|name| (name.parse().unwrap(), HeaderValue::from_static("GET"))).collect::<HeaderMap>()
        };
        let both = headers(&["origin", "access-control-request-method"]);
        assert!(is_preflight("OPTIONS", &both));
        assert!(!is_preflight("GET", &both) && !is_preflight("options", &both));
        for one in ["origin", "access-control-request-method"] {
            assert!(!is_preflight("OPTIONS", &headers(&[one])), "{one}");
        }
    }
}
