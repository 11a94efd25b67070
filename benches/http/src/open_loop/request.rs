use crate::Failure;
use crate::api::SERVER_KEY;
use crate::endpoint::Endpoint;
use crate::keys::Texts;

/// The destination of requests.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) host: String,
    path: String,
}

impl Target {
    pub(super) fn of(url: &str) -> Result<Self, Failure> {
        let (host, path) = url.trim_start_matches("http://").split_once('/').ok_or("a URL without a path")?;
        Ok(Self { host: host.to_owned(), path: path.to_owned() })
    }
}

/// Requests with keys in random order.
#[derive(Debug)]
pub(super) struct Requests {
    texts: Texts,
    endpoint: Endpoint,
    state: u64,
}

impl Requests {
    pub(super) fn new(texts: Texts, endpoint: Endpoint, seed: u32) -> Self {
        Self { texts, endpoint, state: u64::from(seed) << 32 }
    }

    /// Returns the same request that wrk sends.
    pub(super) fn next(&mut self, Target { host, path }: &Target) -> String {
        let key = self.texts.text(below(&mut self.state, self.texts.count()));
        match self.endpoint {
            Endpoint::Verify => {
                let body = format!(r#"{{"key":"{key}"}}"#);
                format!(
                    "POST /{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {SERVER_KEY}\r\n\
                     Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
            }
            Endpoint::Authorize => format!(
                "GET /{path} HTTP/1.1\r\nHost: {host}\r\nX-Authz-Server-Key: {SERVER_KEY}\r\nX-API-Key: {key}\r\n\r\n"
            ),
        }
    }
}

/// Returns a number below `count`, by splitmix64.
#[expect(clippy::cast_possible_truncation, reason = "the rest of a division by a usize")]
fn below(state: &mut u64, count: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) % count as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Sort;

    fn request(endpoint: Endpoint, url: &str) -> String {
        let texts = Texts::Numbered { sort: Sort::Limited, count: 1 };
        Requests::new(texts, endpoint, 1).next(&Target::of(url).unwrap())
    }

    #[test]
    fn a_verification_has_a_body_of_the_length_that_it_tells() {
        let request = request(Endpoint::Verify, "http://127.0.0.1:80/api/verify");
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /api/verify HTTP/1.1\r\nHost: 127.0.0.1:80\r\n"), "{head}");
        assert!(head.ends_with(&format!("\r\nContent-Length: {}", body.len())), "{head}");
        assert_eq!(body, format!(r#"{{"key":"sk_L{:042}"}}"#, 0));
    }

    #[test]
    fn a_gateways_question_shows_the_key_in_a_header_field() {
        let request = request(Endpoint::Authorize, "http://127.0.0.1:80/authorize");
        assert!(request.starts_with("GET /authorize HTTP/1.1\r\nHost: 127.0.0.1:80\r\n"), "{request}");
        assert!(request.ends_with(&format!("\r\nX-API-Key: sk_L{:042}\r\n\r\n", 0)), "{request}");
    }
}
