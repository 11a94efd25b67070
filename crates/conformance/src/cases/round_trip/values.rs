use keymint_domain::key::KeyDetails;
use keymint_domain::usage::Usage;
use keymint_domain::value::{Metadata, Permissions};

use crate::sample::{NOW, config};

/// Texts that some layer between here and the disk might bend.
pub(super) fn texts() -> Vec<String> {
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

/// Gives a key a value for every member, each another one.
pub(super) fn fill(details: &mut KeyDetails, usage: &mut Usage) {
    let KeyDetails {
        id: _,
        config_id,
        owner: _,
        name,
        start,
        prefix,
        stored: _,
        enabled,
        expires_at,
        refill_amount,
        refill_interval_ms,
        rate_limit_enabled,
        rate_limit_window_ms,
        rate_limit_max,
        permissions,
        metadata,
        created_at,
    } = details;
    *config_id = config("other");
    *name = Some("name".to_owned());
    *start = Some("start".to_owned());
    *prefix = Some("prefix".to_owned());
    *enabled = true;
    *expires_at = Some(NOW.plus_millis(1_001));
    *refill_amount = Some(11);
    *refill_interval_ms = Some(12_000_000);
    *rate_limit_enabled = true;
    *rate_limit_window_ms = Some(13_000);
    *rate_limit_max = Some(14);
    *permissions = Permissions::from_stored(r#"{"files":["read"]}"#).unwrap();
    *metadata = Metadata::from_stored(r#"{"plan":"pro"}"#).unwrap();
    *created_at = NOW.minus_millis(3_001);
    *usage = Usage {
        remaining: Some(15),
        last_refill_at: Some(NOW.minus_millis(2_001)),
        request_count: 2,
        last_request: Some(NOW.minus_millis(1_003)),
        backlog_ns: Some(1_234_567_891),
        updated_at: NOW.minus_millis(1_002),
    };
}
