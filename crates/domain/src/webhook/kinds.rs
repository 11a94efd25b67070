use std::fmt;

/// The kinds of events that an endpoint is told of, as globs in which `*` stands for any characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindFilter(Box<[Box<str>]>);

/// The error for globs that no kind can match, or too many.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKinds {
    /// There are too many.
    #[error("must have {} globs at most", KindFilter::MAX)]
    TooMany,
    /// A glob has other characters, none or too many.
    #[error("{0:?} must have 1 to 64 characters of a-z, 0-9, _, . and *, as in keymint.key.*")]
    Malformed(String),
}

impl KindFilter {
    /// The largest number of globs of an endpoint. Every event is compared with them.
    pub const MAX: usize = 32;

    /// Returns the filter that lets every kind pass.
    pub fn any() -> Self {
        Self(Box::new(["*".into()]))
    }

    /// Takes globs; none let every kind pass.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidKinds`] for more than [`Self::MAX`] globs, and for one that is not the glob of a kind.
    pub fn parse<T: AsRef<str>>(globs: &[T]) -> Result<Self, InvalidKinds> {
        if globs.is_empty() {
            return Ok(Self::any());
        }
        if globs.len() > Self::MAX {
            return Err(InvalidKinds::TooMany);
        }
        let is_letter = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '_' | '.' | '*');
        let take = |glob: &str| {
            let fits = (1..=64).contains(&glob.len()) && glob.chars().all(is_letter);
            if fits { Ok(glob.into()) } else { Err(InvalidKinds::Malformed(glob.to_owned())) }
        };
        globs.iter().map(|glob| take(glob.as_ref())).collect::<Result<_, _>>().map(Self)
    }

    /// Reads the form of [`KindFilter`]'s `Display`: globs with spaces between.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidKinds`] as [`KindFilter::parse`] does.
    pub fn from_stored(text: &str) -> Result<Self, InvalidKinds> {
        Self::parse(&text.split_ascii_whitespace().collect::<Vec<_>>())
    }

    /// Returns true if one of the globs matches a kind.
    pub fn matches(&self, kind: &str) -> bool {
        self.0.iter().any(|glob| matches(glob.as_bytes(), kind.as_bytes()))
    }

    /// Returns the globs.
    pub fn globs(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }
}

/// Compares in time linear in the text for each star: only the last star is ever tried again.
fn matches(glob: &[u8], text: &[u8]) -> bool {
    let (mut in_glob, mut in_text, mut last_star) = (0, 0, None);
    while in_text < text.len() {
        if glob.get(in_glob) == Some(&b'*') {
            last_star = Some((in_glob, in_text));
            in_glob += 1;
        } else if glob.get(in_glob) == Some(&text[in_text]) {
            (in_glob, in_text) = (in_glob + 1, in_text + 1);
        } else if let Some((star, from)) = last_star {
            last_star = Some((star, from + 1));
            (in_glob, in_text) = (star + 1, from + 1);
        } else {
            return false;
        }
    }
    glob[in_glob..].iter().all(|letter| *letter == b'*')
}

impl fmt::Display for KindFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_matched(glob: &str, kind: &str) -> bool {
        KindFilter::parse(&[glob]).unwrap().matches(kind)
    }

    #[test]
    fn a_star_stands_for_any_characters_and_everything_else_for_itself() {
        for (glob, kind, expected) in [
            ("*", "keymint.key.created", true),
            ("keymint.key.*", "keymint.key.created", true),
            ("keymint.key.*", "keymint.server_key.created", false),
            ("keymint.*.created", "keymint.server_key.created", true),
            ("*.created", "keymint.key.created", true),
            ("*.created", "keymint.key.created_at", false),
            ("keymint.key.created", "keymint.key.created", true),
            ("keymint.key.created", "keymintxkey.created", false),
            ("*key*", "keymint.key.created", true),
            ("a*a", "a", false),
            ("**", "", true),
        ] {
            assert_eq!(is_matched(glob, kind), expected, "{glob} {kind}");
        }
        let several = KindFilter::parse(&["a", "b.*"]).unwrap();
        assert_eq!(["a", "b.c", "c"].map(|kind| several.matches(kind)), [true, true, false]);
        assert!(KindFilter::parse::<&str>(&[]).unwrap().matches("anything"));
    }

    #[test]
    fn what_is_no_glob_is_refused() {
        for glob in ["", "keymint key", "KEY.*", "key?", "schlüssel", &"a".repeat(65)] {
            assert_eq!(KindFilter::parse(&[glob]), Err(InvalidKinds::Malformed(glob.to_owned())), "{glob}");
        }
        assert!(KindFilter::parse(&vec!["*"; KindFilter::MAX]).is_ok());
        assert_eq!(KindFilter::parse(&vec!["*"; KindFilter::MAX + 1]), Err(InvalidKinds::TooMany));
    }

    /// The meaning of a glob, written for its plainness.
    fn plain(glob: &str, text: &str) -> bool {
        match glob.chars().next() {
            None => text.is_empty(),
            Some('*') => (0..=text.len()).any(|from| plain(&glob[1..], &text[from..])),
            Some(letter) => text.starts_with(letter) && plain(&glob[1..], &text[1..]),
        }
    }

    proptest! {
        #[test]
        fn globs_mean_what_they_plainly_say(glob in "[ab*]{1,8}", text in "[ab]{0,8}") {
            prop_assert_eq!(is_matched(&glob, &text), plain(&glob, &text));
        }

        #[test]
        fn what_is_printed_is_read_back(globs in proptest::collection::vec("[a-z.*]{1,10}", 1..5)) {
            let filter = KindFilter::parse(&globs).unwrap();
            prop_assert_eq!(KindFilter::from_stored(&filter.to_string()), Ok(filter));
        }
    }
}
