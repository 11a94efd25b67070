use std::fmt::{self, Write as _};

use askama::filters::HtmlSafe;

/// A text between tags, such as JSON, whose many quotes need no escape there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code {
    shown: String,
    is_clipped: bool,
}

impl Code {
    /// The letters of a long text that a page shows. An export, or the API, has all of them.
    pub(crate) const MOST: usize = 700;

    /// Shows a text, or so many letters of it.
    pub(crate) fn clipped(text: &str, most: usize) -> Self {
        let shown: String = text.chars().take(most).collect();
        let is_clipped = shown.len() < text.len();
        Self { shown: if is_clipped { shown + " …" } else { shown }, is_clipped }
    }

    /// Returns true if it is not the whole text.
    pub(crate) fn is_clipped(&self) -> bool {
        self.is_clipped
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.shown.chars() {
            match letter {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

/// It escapes all that begins or ends a tag or a reference.
impl HtmlSafe for Code {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_text_and_quotes_stay() {
        let code = |text: &str| Code::clipped(text, 20).to_string();
        assert_eq!(code("{\"a\": '</p>&lt;'}"), "{\"a\": '&lt;/p&gt;&amp;lt;'}");
        assert_eq!(code(&"\u{1f600}".repeat(21)), format!("{} …", "\u{1f600}".repeat(20)));
        assert_eq!(code(&"é".repeat(20)), "é".repeat(20));
    }
}
