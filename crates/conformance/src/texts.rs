//! Texts that are easily changed, or taken for one another.

/// Texts that some collation takes for one another.
pub(crate) const ALIKE: [&str; 10] = ["a", "A", "a ", " a", "\u{e1}", "a\u{301}", "a\u{200b}", "\u{ff41}", "ss", "ß"];

/// Returns texts that some layer between here and the disk might change.
pub(crate) fn texts() -> Vec<String> {
    let texts = [
        "plain",
        " leading and trailing ",
        "UPPER",
        "null",
        "NULL",
        "0",
        "007",
        "1e5",
        "true",
        "'; DROP TABLE apikey; --",
        "\"double\" `back` [square] {curly}",
        "%_ $1 ?1 :name @p1 {0}",
        "\\ \\\\ \\n \\x00 \\u0000 C:\\",
        "\u{1}\u{7}\u{1b}[0m\u{7f}\u{80}",
        "line\nfeed\r\nand\ttab",
        "👩‍🚀 🏳️‍🌈 😀",
        "é e\u{301} ß ﬁ",
        "مرحبا \u{202e}gnp.exe",
        "日本語 한국어 ไทย",
        "\u{feff}\u{200b}\u{fffd}\u{ffff}\u{10ffff}",
    ];
    let long = ["x".repeat(1000), "é😀".repeat(300)];
    texts.into_iter().map(str::to_owned).chain(long).collect()
}
