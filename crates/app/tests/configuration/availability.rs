use super::{complaint, config};

#[test]
fn what_is_not_built_yet_is_refused_and_not_ignored() {
    let text = "api_key = [{ defer_usage = true }]";
    assert_eq!(complaint(text, &[]), "keymint.toml:1: api_key[0].defer_usage: not available yet");
    let report = complaint("", &[("KEYMINT__API_KEY__0__DEFER_USAGE", "true")]);
    assert_eq!(report, "KEYMINT__API_KEY__0__DEFER_USAGE: api_key[0].defer_usage: not available yet");
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
