//! The cookies of a browser.

use std::sync::Mutex;

/// The cookies that a browser keeps, each of which it sends to its path and below.
#[derive(Debug, Default)]
pub(crate) struct Jar(Mutex<Vec<Cookie>>);

#[derive(Debug)]
struct Cookie {
    name: String,
    value: String,
    path: String,
}

impl Jar {
    /// Keeps the cookie of a line of `Set-Cookie`, or removes it if the line has no value.
    pub(crate) fn keep(&self, line: &str) {
        let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
        let (name, value) = pair.split_once('=').unwrap();
        let path = attributes.split(';').find_map(|attribute| attribute.trim().strip_prefix("Path=")).unwrap_or("/");
        let mut kept = self.0.lock().unwrap();
        kept.retain(|known| (&*known.name, &*known.path) != (name, path));
        if !value.is_empty() {
            let [name, value, path] = [name, value, path].map(str::to_owned);
            kept.push(Cookie { name, value, path });
        }
    }

    /// Returns all cookies, as a header.
    pub(crate) fn all(&self) -> String {
        self.header_of(|_| true)
    }

    /// Returns the cookies that are sent to a path, as a header.
    pub(crate) fn at(&self, path: &str) -> String {
        self.header_of(|cookie| {
            let below = path.strip_prefix(cookie.path.trim_end_matches('/'));
            below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    fn header_of(&self, is_sent: impl Fn(&&Cookie) -> bool) -> String {
        let kept = self.0.lock().unwrap();
        let pairs = kept.iter().filter(is_sent).map(|Cookie { name, value, .. }| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Forgets all cookies.
    pub(crate) fn clear(&self) {
        self.0.lock().unwrap().clear();
    }
}
