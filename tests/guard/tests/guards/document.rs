use keymint_test_support::markdown::blocks;

/// `docs/embedding.md` prints the examples of guarded routes as they stand.
#[test]
fn the_document_shows_the_examples() {
    let document = include_str!("../../../../docs/embedding.md");
    let examples = [
        include_str!("../../../../crates/actix/examples/embedded.rs"),
        include_str!("../../../../crates/tower/examples/embedded.rs"),
        include_str!("../../../../crates/actix/examples/remote.rs"),
        include_str!("../../../../crates/tower/examples/remote.rs"),
    ];
    assert_eq!(blocks(document, "rust,no_run"), examples);
}
