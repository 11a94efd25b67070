use super::InvalidText;

/// A key's name, for people. It may be empty; how long it may be is the configuration's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyName(String);

impl KeyName {
    /// Takes any text without U+0000, which Postgres cannot store.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidText> {
        let text = text.into();
        if text.contains('\0') { Err(InvalidText::Nul) } else { Ok(Self(text)) }
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the text away.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// What a key's text begins with: letters, digits, `_` and `-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix(String);

/// A text that is no prefix. The message is Better Auth's (wire document 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Invalid prefix format, must be alphanumeric and contain only underscores and hyphens.")]
pub struct InvalidPrefix;

impl Prefix {
    /// Takes one or more letters, digits, `_` or `-`.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidPrefix> {
        let text = text.into();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if text.is_empty() || !text.bytes().all(fits) {
            return Err(InvalidPrefix);
        }
        Ok(Self(text))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A length in UTF-16 units, as Better Auth counts.
pub fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_hold_anything_but_nul() {
        assert!(KeyName::parse("").is_ok());
        assert!(KeyName::parse("👩‍🚀 \u{1}").is_ok());
        assert_eq!(KeyName::parse("a\0"), Err(InvalidText::Nul));
    }

    #[test]
    fn prefixes_are_letters_digits_underscores_and_hyphens() {
        assert!(Prefix::parse("sk_live-1").is_ok());
        for text in ["", "sk ", "sk.", "ключ", "a\n"] {
            assert_eq!(Prefix::parse(text), Err(InvalidPrefix), "{text:?}");
        }
    }
}
