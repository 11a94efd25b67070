use crate::key::PlainKey;
use crate::value::is_unseen;

/// The one who reports leaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reporter {
    /// Somebody who holds the secret, which is all that they show.
    Holder,
    /// GitHub's secret scanning.
    Github,
    /// An operator at the command line.
    Operator,
}

impl Reporter {
    /// All reporters.
    pub const ALL: [Self; 3] = [Self::Holder, Self::Github, Self::Operator];

    /// Returns the name, as in events.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Holder => "holder",
            Self::Github => "github",
            Self::Operator => "operator",
        }
    }
}

/// The place where a secret was found, as far as its reporter says so.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeakPlace {
    source: Option<Box<str>>,
    url: Option<Box<str>>,
}

/// The longest text that is kept of a source, in characters.
const SOURCE_CHARACTERS: usize = 64;
/// The longest text that is kept of a URL, in characters.
const URL_CHARACTERS: usize = 2048;
/// The replacement of the secret in a text.
const HIDDEN: &str = "[key]";

impl LeakPlace {
    /// Keeps what a reporter says about the place where `key` was found: the kind of the place, and its URL.
    ///
    /// The texts come from outside, and go into events. The secret is taken out of them, in its own form and
    /// percent-encoded, and so are invisible characters. What is longer than 64 or 2,048 characters is cut there.
    pub fn new(key: &PlainKey, source: &str, url: &str) -> Self {
        let keep = |text: &str, most: usize| {
            let text: String = without(text, key).chars().filter(|character| !is_unseen(*character)).collect();
            // Invisible characters may have stood between the halves of the secret.
            let text: String = without(&text, key).chars().take(most).collect();
            Some(text.into_boxed_str()).filter(|text| !text.is_empty())
        };
        Self { source: keep(source, SOURCE_CHARACTERS), url: keep(url, URL_CHARACTERS) }
    }

    /// Returns the kind of the place, such as `commit`.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// Returns the URL of the place.
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }
}

/// Returns `text` without the secret.
fn without(text: &str, key: &PlainKey) -> String {
    let secret = key.expose();
    if secret.is_empty() {
        return text.to_owned();
    }
    let plain = text.replace(secret, HIDDEN);
    let decoded = percent_encoding::percent_decode_str(&plain).decode_utf8_lossy();
    // An encoded secret could be written in many ways, so the text is kept decoded then.
    if decoded.contains(secret) { decoded.replace(secret, HIDDEN) } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(source: &str, url: &str) -> LeakPlace {
        LeakPlace::new(&PlainKey::new("sk_a+b"), source, url)
    }

    #[test]
    fn a_place_is_kept_as_it_was_told() {
        let told = place("commit", "https://example.com/a%20b?c=d#e");
        assert_eq!((told.source(), told.url()), (Some("commit"), Some("https://example.com/a%20b?c=d#e")));
        assert_eq!(place("", ""), LeakPlace::default());
    }

    #[test]
    fn the_secret_is_taken_out_of_the_texts_about_it() {
        for (told, kept) in [
            ("https://example.com/sk_a+b/x", "https://example.com/[key]/x"),
            ("https://example.com/sk_a%2Bb", "https://example.com/[key]"),
            ("https://example.com/%73k_a%2bb", "https://example.com/[key]"),
            ("sk_\u{200b}a+b", "[key]"),
        ] {
            assert_eq!(place(told, told).url(), Some(kept), "{told}");
            assert_eq!(place(told, told).source(), Some(kept), "{told}");
        }
        assert_eq!(LeakPlace::new(&PlainKey::new(""), "commit", "").source(), Some("commit"));
    }

    #[test]
    fn long_and_invisible_texts_are_cut() {
        let told = place(&"é".repeat(65), &"é".repeat(2049));
        assert_eq!(told.source().unwrap().chars().count(), 64);
        assert_eq!(told.url().unwrap().chars().count(), 2048);
        assert_eq!(place("a\u{1b}[2Jb\n", "\u{202e}").source(), Some("a[2Jb"));
        assert_eq!(place("\0", "\0"), LeakPlace::default());
    }
}
