use super::InvalidText;

/// Returns true if a character is invisible and changes how a terminal or a page shows the text around it.
///
/// These are control characters, separators of lines and paragraphs, characters that set the direction of writing, and
/// spaces of no width. The two joiners are not among them: scripts and emoji need them.
pub fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
        )
}

/// Checks a name for invisible characters.
///
/// # Errors
///
/// Returns [`InvalidText::Nul`] or [`InvalidText::Unseen`] for the first such character.
pub(crate) fn check_name(text: &str) -> Result<(), InvalidText> {
    match text.chars().find(|character| is_unseen(*character)) {
        None => Ok(()),
        Some('\0') => Err(InvalidText::Nul),
        Some(unseen) => Err(InvalidText::Unseen(unseen)),
    }
}

/// A key's display name. It may be empty; the configuration limits its length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName(String);

impl KeyName {
    /// Takes any text without invisible characters, so that no name imitates another one or rearranges the text beside
    /// it.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidText::Nul`] or [`InvalidText::Unseen`] for the first such character.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidText> {
        let text = text.into();
        check_name(&text).map(|()| Self(text))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Converts the name into its text.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// The prefix of a key's text: letters, digits, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

/// The error for a text that is not a prefix. The message is Better Auth's (docs/better-auth-wire.md 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Invalid prefix format, must be alphanumeric and contain only underscores and hyphens.")]
pub struct InvalidPrefix;

impl Prefix {
    /// Takes one or more letters, digits, `_` or `-`.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidPrefix`] for any other text.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidPrefix> {
        let text = text.into();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if text.is_empty() || !text.bytes().all(fits) {
            return Err(InvalidPrefix);
        }
        Ok(Self(text))
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns a text's length in UTF-16 units, as Better Auth counts.
pub fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_whatever_is_seen() {
        for name in ["", "👩‍🚀", "می‌خواهم", "\u{a0}Ünï ключ 名前 \u{fffd}", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"]
        {
            assert!(KeyName::parse(name).is_ok(), "{name}");
        }
        assert_eq!(KeyName::parse("a\0"), Err(InvalidText::Nul));
        for unseen in ['\u{1}', '\n', '\u{7f}', '\u{9b}', '\u{200b}', '\u{2028}', '\u{202e}', '\u{2066}', '\u{feff}'] {
            assert_eq!(KeyName::parse(format!("a{unseen}b")), Err(InvalidText::Unseen(unseen)));
        }
        let message = InvalidText::Unseen('\u{202e}').to_string();
        assert_eq!(message, "must not contain U+202E, which is not seen");
    }

    #[test]
    fn prefixes_are_letters_digits_underscores_and_hyphens() {
        assert!(Prefix::parse("sk_live-1").is_ok());
        for text in ["", "sk ", "sk.", "ключ", "a\n"] {
            assert_eq!(Prefix::parse(text), Err(InvalidPrefix), "{text:?}");
        }
    }
}
