//! The examples in documents.

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// A fenced block of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    /// The heading above the block; empty before the first one.
    pub heading: String,
    /// The whole info string, such as `rust,no_run`.
    pub language: String,
    /// The text between the fences.
    pub text: String,
}

/// Returns the texts of the fenced blocks of a language, in their order.
pub fn blocks(document: &str, language: &str) -> Vec<String> {
    let blocks = all_blocks(document).into_iter();
    blocks.filter(|block| block.language == language).map(|block| block.text).collect()
}

/// Returns every fenced block, in their order.
pub fn all_blocks(document: &str) -> Vec<Block> {
    let (mut blocks, mut heading) = (Vec::new(), String::new());
    let (mut is_heading, mut is_block) = (false, false);
    for event in Parser::new(document) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                is_heading = true;
                heading.clear();
            }
            Event::End(TagEnd::Heading(_)) => is_heading = false,
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                is_block = true;
                let (heading, language) = (heading.clone(), language.into_string());
                blocks.push(Block { heading, language, text: String::new() });
            }
            Event::End(TagEnd::CodeBlock) => is_block = false,
            Event::Text(text) | Event::Code(text) if is_heading => heading.push_str(&text),
            Event::Text(text) if is_block => {
                if let Some(block) = blocks.last_mut() {
                    block.text.push_str(&text);
                }
            }
            _ => {}
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_its_heading_its_language_and_its_whole_text() {
        let document =
            "# One\n```sh\na\n\nb\n```\n## Two `x`\n1. In a list:\n\n   ````text\n   ```\n   ````\n\n    indented\n";
        let block = |heading: &str, language: &str, text: &str| Block {
            heading: heading.to_owned(),
            language: language.to_owned(),
            text: text.to_owned(),
        };
        assert_eq!(all_blocks(document), [block("One", "sh", "a\n\nb\n"), block("Two x", "text", "```\n")]);
        assert_eq!(blocks(document, "sh"), ["a\n\nb\n"]);
        assert!(blocks(document, "s").is_empty());
    }
}
