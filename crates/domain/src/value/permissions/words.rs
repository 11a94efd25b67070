//! Permissions in one line, for URLs and headers: `files:read,files:write`.
//!
//! Every character of a word but letters, digits and `-._~` may be percent-encoded as UTF-8. `%`, `:` and `,` must be,
//! since they are separators: `urn%3Aacme%3Afiles:read` is `{"urn:acme:files":["read"]}`.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::Permissions;

/// The error for a line that holds no permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWords {
    /// A pair lacks its colon, or a word on one side of it.
    #[error("expected resource:action, more of them separated by commas")]
    Pair,
    /// A pair has more than one colon, which makes it ambiguous.
    #[error("expected one colon between resource and action; a colon within either is %3A (in a query %253A)")]
    Colons,
    /// A percent sign is not followed by an encoded character.
    #[error("expected two hexadecimal digits of UTF-8 after %; the sign itself is %25 (in a query %2525)")]
    Escape,
}

/// The characters that are percent-encoded: all but the unreserved ones (RFC 3986 2.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Permissions {
    /// Reads `resource:action` pairs separated by commas. Spaces around a pair are ignored.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidWords`] if a part is not a pair of words, or is ambiguous.
    pub fn from_words(line: &str) -> Result<Self, InvalidWords> {
        let pairs = line.split(',').map(|pair| {
            let (resource, action) = pair.trim().split_once(':').ok_or(InvalidWords::Pair)?;
            if action.contains(':') {
                return Err(InvalidWords::Colons);
            }
            Ok((word(resource)?, word(action)?))
        });
        let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
        Ok(Self::from_pairs(pairs.iter().map(|(resource, action)| (&**resource, &**action))))
    }

    /// Returns the line that [`Permissions::from_words`] reads as these permissions, in ASCII without spaces; empty if
    /// there are none.
    ///
    /// A word without characters cannot be written, and its pair is left out: a reader grants less, never more.
    pub fn to_words(&self) -> String {
        self.joined(",")
    }

    /// Returns the same pairs as the scope of a token of OAuth 2.0 (RFC 6749 3.3), separated by spaces.
    pub fn to_scope(&self) -> String {
        self.joined(" ")
    }

    fn joined(&self, separator: &str) -> String {
        let pairs = self.pairs().filter(|(resource, action)| !resource.is_empty() && !action.is_empty());
        let encode = |word| utf8_percent_encode(word, ENCODED);
        let pairs = pairs.map(|(resource, action)| format!("{}:{}", encode(resource), encode(action)));
        pairs.collect::<Vec<_>>().join(separator)
    }
}

fn word(text: &str) -> Result<Cow<'_, str>, InvalidWords> {
    if text.is_empty() {
        return Err(InvalidWords::Pair);
    }
    let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !text.split('%').skip(1).all(is_escape) {
        return Err(InvalidWords::Escape);
    }
    percent_decode_str(text).decode_utf8().map_err(|_| InvalidWords::Escape)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_line_is_pairs_of_words() {
        for (line, json) in [
            ("files:read", r#"{"files":["read"]}"#),
            ("files:read, files:write ,users:list", r#"{"files":["read","write"],"users":["list"]}"#),
            ("*:read,files:*", r#"{"*":["read"],"files":["*"]}"#),
            ("%2A:read", r#"{"*":["read"]}"#),
            ("urn%3Aacme%3afiles:read", r#"{"urn:acme:files":["read"]}"#),
            ("urn:acme%3Afiles%3Aread", r#"{"urn":["acme:files:read"]}"#),
            ("a%2Cb:100%25", r#"{"a,b":["100%"]}"#),
            ("my files: read it", r#"{"my files":[" read it"]}"#),
            ("%20a%20:b", r#"{" a ":["b"]}"#),
            ("ключ:%D0%BA", r#"{"ключ":["к"]}"#),
            ("a;b:c|d", r#"{"a;b":["c|d"]}"#),
        ] {
            let expected = Permissions::from_stored(json).unwrap().unwrap();
            assert_eq!(Permissions::from_words(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn what_could_mean_two_things_or_nothing_is_refused() {
        use InvalidWords::{Colons, Escape, Pair};
        for (line, error) in [
            ("", Pair),
            ("files", Pair),
            (":read", Pair),
            ("files:", Pair),
            ("files:read,", Pair),
            ("files:read,,users:read", Pair),
            ("urn:acme:files:read", Colons),
            ("files:read:", Colons),
            ("files::read", Colons),
            ("100%:read", Escape),
            ("a%2:b", Escape),
            ("a%2g:b", Escape),
            ("a%+1:b", Escape),
            ("a:%", Escape),
            ("a:%ff", Escape),
            ("a:%C3", Escape),
            ("a%é:b", Escape),
        ] {
            assert_eq!(Permissions::from_words(line), Err(error), "{line}");
        }
    }

    #[test]
    fn a_printed_line_is_ascii_without_what_means_something() {
        let permissions = Permissions::of(&[("a:b", &["c,d", ""]), ("", &["x"]), ("*", &["é \n;%"]), ("files", &[])]);
        assert_eq!(permissions.to_words(), "%2A:%C3%A9%20%0A%3B%25,a%3Ab:c%2Cd");
        assert_eq!(permissions.to_scope(), "%2A:%C3%A9%20%0A%3B%25 a%3Ab:c%2Cd");
    }

    proptest! {
        /// Permissions whose words all have characters are read back unchanged, in the order of their pairs.
        #[test]
        fn what_is_printed_is_read_back(
            map in prop::collection::btree_map("[a:,%* é\\PC]{1,8}", prop::collection::vec("[a:,%* \n]{1,4}|\\PC{1,8}", 1..4), 1..4),
        ) {
            let permissions = Permissions::from_json(&serde_json::json!(map)).unwrap();
            let line = permissions.to_words();
            prop_assert!(line.bytes().all(|byte| byte.is_ascii_graphic()), "{line}");
            prop_assert_eq!(Permissions::from_words(&line), Ok(permissions));
        }

        /// A line that is read is printed as a line with the same meaning.
        #[test]
        fn what_is_read_is_printed_as_the_same(line in "([a%*: ,]|%[0-7][0-9a-f]|[a-z]:[a-z]){0,8}|.*") {
            if let Ok(permissions) = Permissions::from_words(&line) {
                prop_assert_eq!(Permissions::from_words(&permissions.to_words()), Ok(permissions));
            }
        }
    }
}
