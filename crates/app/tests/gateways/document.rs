//! The configuration files in `docs/gateways/`.

use std::fs;
use std::path::Path;

use keymint_test_support::markdown;

/// Returns the only block of a language in a document.
pub(crate) fn block(document: &str, language: &str) -> String {
    let mut blocks = blocks(document, language);
    assert_eq!(blocks.len(), 1, "{document} has not one block of {language}");
    blocks.remove(0)
}

/// Returns every block of a language in a document.
pub(crate) fn blocks(document: &str, language: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/gateways");
    let text = fs::read_to_string(folder.join(document)).unwrap();
    markdown::blocks(&text, language)
}

/// Replaces texts, each of which must occur.
pub(crate) fn substituted(mut text: String, substitutes: &[(&str, &str)]) -> String {
    for (documented, real) in substitutes {
        assert!(text.contains(documented), "{documented} is not in {text}");
        text = text.replace(documented, real);
    }
    text
}
