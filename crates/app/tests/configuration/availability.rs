use super::{complaint, config};

#[test]
fn usage_is_deferred_where_that_is_asked_for() {
    let text = "verify.flush_ms = 250\napi_key = [{ config_id = \"a\", defer_usage = true }, { config_id = \"b\" }]";
    let config = config(text, &[]);
    assert_eq!(config.verify.flush.as_millis(), 250);
    let defers: Vec<_> = config.policy.configurations().iter().map(|entry| entry.defer_usage).collect();
    assert_eq!(defers, [true, false]);
    for printed in ["defer_usage = true", "defer_usage = false", "flush_ms = 250"] {
        assert!(config.print().contains(printed), "{printed}");
    }
}

#[test]
fn the_flush_interval_has_a_range() {
    let report = complaint("verify.flush_ms = 9", &[]);
    assert_eq!(report, "keymint.toml:1: verify.flush_ms: must be from 10 to 60000");
}

#[test]
fn what_asks_for_nothing_is_fine() {
    let text = r#"
        server = { trusted_origins = [], trusted_proxies = [] }
        [identity]
        [identity.throttle]
        [organization]
        [organization.roles]
        [[api_key]]
        references = "user"
        api_key_headers = ["X-API-Key"]
        enable_session_for_api_keys = false
        allow_key_management = false
        defer_usage = false
    "#;
    assert_eq!(config(text, &[]), config("", &[]));
}

#[test]
fn types_are_checked_all_the_same() {
    let report = complaint("api_key = [{ defer_usage = 1 }]", &[]);
    assert_eq!(report, "keymint.toml:1: api_key[0].defer_usage: must be a boolean, not an integer");
}
