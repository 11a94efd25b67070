//! The cases: one file for what they have in common.

#![expect(missing_docs, reason = "the name of a case is its sentence")]

pub mod addresses;
pub mod answers;
pub mod browsers;
pub mod outages;
pub mod paying;
pub mod places;
pub mod refusals;

/// The sources of all cases.
const SOURCES: [&str; 7] = [
    include_str!("addresses.rs"),
    include_str!("answers.rs"),
    include_str!("browsers.rs"),
    include_str!("outages.rs"),
    include_str!("paying.rs"),
    include_str!("places.rs"),
    include_str!("refusals.rs"),
];

/// Compares the cases of a suite with those that are written.
///
/// # Panics
///
/// Panics if one is not in the suite.
pub fn assert_all(run: &[&str]) {
    let lines = SOURCES.iter().flat_map(|source| source.lines());
    let names = lines.filter_map(|line| line.strip_prefix("pub async fn ")?.split_once("<F: Framework>"));
    let written: Vec<_> = names.map(|(name, _)| name).collect();
    assert!(!written.is_empty());
    for case in written {
        assert!(run.contains(&case), "{case} is in no suite");
    }
}
