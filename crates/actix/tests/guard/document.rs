/// `docs/embedding.md` prints the examples of guarded routes as they stand.
#[test]
fn the_document_shows_the_examples() {
    let document = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/embedding.md"));
    for example in [include_str!("../../examples/embedded.rs"), include_str!("../../examples/remote.rs")] {
        assert!(document.contains(&format!("```rust,no_run\n{example}```\n")), "differs: {example}");
    }
}
