use std::fmt::{self, Write as _};

use askama::filters::HtmlSafe;

/// A text between tags, such as JSON, whose many quotes need no escape there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Code(String);

impl Code {
    /// Shows a text, or so many letters of it.
    pub(crate) fn clipped(text: &str, most: usize) -> Self {
        let shown: String = text.chars().take(most).collect();
        Self(if shown.len() < text.len() { shown + " …" } else { shown })
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
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
