use crate::Failure;
use crate::api::SERVER_KEY;
use crate::keys::Texts;

/// Where requests go.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    pub(super) host: String,
    path: String,
}

impl Endpoint {
    pub(super) fn of(url: &str) -> Result<Self, Failure> {
        let (host, path) = url.trim_start_matches("http://").split_once('/').ok_or("a URL without a path")?;
        Ok(Self { host: host.to_owned(), path: path.to_owned() })
    }
}

/// Requests that show keys in random order.
#[derive(Debug)]
pub(super) struct Requests {
    texts: Texts,
    state: u64,
}

impl Requests {
    pub(super) fn new(texts: Texts, seed: u32) -> Self {
        Self { texts, state: u64::from(seed) << 32 }
    }

    /// What wrk sends, too.
    pub(super) fn next(&mut self, Endpoint { host, path }: &Endpoint) -> String {
        let key = self.texts.text(below(&mut self.state, self.texts.count()));
        let body = format!(r#"{{"key":"{key}"}}"#);
        format!(
            "POST /{path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {SERVER_KEY}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

/// A number below `count`, by splitmix64.
#[expect(clippy::cast_possible_truncation, reason = "the rest of a division by a usize")]
fn below(state: &mut u64, count: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) % count as u64) as usize
}
