use super::{complaint, config, load};

#[test]
fn what_is_not_built_yet_is_refused_and_not_ignored() {
    for (text, path) in [
        ("server.trusted_origins = [\"https://a.example\"]", "server.trusted_origins"),
        ("server.trusted_proxies = [\"10.0.0.0/8\", \"::1/128\"]", "server.trusted_proxies"),
        ("identity.email_and_password = true", "identity.email_and_password"),
        ("identity.sign_up = true", "identity.sign_up"),
        ("identity.session_expires_in = 604800", "identity.session_expires_in"),
        ("identity.throttle.max_requests = 20", "identity.throttle"),
        ("identity.throttle.window_seconds = 60", "identity.throttle"),
        ("organization.creator_role = \"owner\"", "organization.creator_role"),
        ("organization.roles = { member = [\"read\"] }", "organization.roles"),
        ("api_key = [{ references = \"organization\" }]", "api_key[0].references"),
        ("api_key = [{ api_key_headers = [\"x-key\"] }]", "api_key[0].api_key_headers"),
        ("api_key = [{ api_key_headers = [] }]", "api_key[0].api_key_headers"),
        ("api_key = [{ enable_session_for_api_keys = true }]", "api_key[0].enable_session_for_api_keys"),
        ("api_key = [{ allow_key_management = true }]", "api_key[0].allow_key_management"),
        ("api_key = [{ defer_usage = true }]", "api_key[0].defer_usage"),
    ] {
        assert_eq!(complaint(text, &[]), format!("keymint.toml:1: {path}: not available yet"), "{text}");
    }
    let report = complaint("", &[("KEYMINT__IDENTITY__SIGN_UP", "false")]);
    assert_eq!(report, "KEYMINT__IDENTITY__SIGN_UP: identity.sign_up: not available yet");
}

#[test]
fn what_asks_for_nothing_is_fine() {
    let text = r#"
        server = { trusted_origins = [], trusted_proxies = [] }
        [identity]
        [organization]
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
fn types_and_ranges_are_checked_all_the_same() {
    for (text, expected) in [
        ("server.trusted_origins = [\"a.example\"]", "server.trusted_origins[0]: must be an http or https URL"),
        ("identity.sign_up = 1", "identity.sign_up: must be a boolean"),
        ("identity.session_expires_in = 59", "identity.session_expires_in: must be from 60 to 34560000"),
        ("identity.throttle.window_seconds = 0", "identity.throttle.window_seconds: must be from 1 to 86400"),
        ("identity.throttle.max_requests = -1", "identity.throttle.max_requests: must be from 0 to 1000000"),
        ("identity.signup = true", "identity.signup: unknown key; is sign_up meant?"),
        ("organization.creator_role = \"\"", "organization.creator_role: must be a role's name"),
        ("organization.roles.a = [\"write\"]", "organization.roles.a[0]: must be \"create\""),
        ("api_key = [{ references = \"team\" }]", "api_key[0].references: must be \"user\" or \"organization\""),
        ("api_key = [{ api_key_headers = [\"x key\"] }]", "api_key[0].api_key_headers[0]: must be a header's name"),
    ] {
        let problems = load(text, &[]).unwrap_err();
        let expected = format!("keymint.toml:1: {expected}");
        assert!(problems.iter().any(|problem| problem.to_string().starts_with(&expected)), "{problems}");
    }
}
