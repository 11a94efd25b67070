/// `docs/embedding.md` prints the examples of guarded routes as they stand.
#[test]
fn the_document_shows_the_examples() {
    let document = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/embedding.md"));
    let shown = keymint_test_support::markdown::blocks(document, "rust,no_run");
    assert_eq!(shown, [include_str!("../../examples/embedded.rs"), include_str!("../../examples/remote.rs")]);
}
