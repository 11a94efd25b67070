use std::num::NonZeroU32;
use std::time::Duration;

use keymint_actix::guard::LimitFields;
use keymint_app::config::{Assertion, DatabaseUrl, LogFormat};
use keymint_domain::key::KeyFormat;
use keymint_domain::organization::{Action, Role, RoleName, Roles};
use keymint_domain::policy::{LeakAction, Notices, References};
use keymint_domain::usage::Algorithm;
use keymint_domain::value::Lifetime;
use keymint_domain::{Configuration, Permissions, Policy};
use keymint_ports::Durability;
use keymint_service::Access;

use super::config;

#[test]
fn an_empty_file_is_the_default_configuration() {
    let config = config("", &[]);
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8787");
    assert_eq!(config.database.url, DatabaseUrl::Sqlite { path: "keymint.db".into() });
    assert_eq!(config.database.durability, Durability::Full);
    assert_eq!(config.verify.access, Access::Server);
    assert_eq!(config.policy, Policy::default());
    assert_eq!(config.server_keys, []);
    assert_eq!(config.secret, None);
    assert!(config.identity.email_and_password && config.identity.sign_up);
    assert_eq!(config.identity.lifetime.expires_in_ms, 7 * 86_400_000);
    let throttle = config.identity.throttle.unwrap();
    assert_eq!((throttle.max_requests.get(), throttle.window), (20, Duration::from_mins(1)));
    assert!(config.console.enabled && config.console.operators.is_empty());
    assert_eq!(config.server.trusted_origins, []);
    assert_eq!(config.server.trusted_proxies, []);
    assert_eq!(config, super::config("[server]\n[[api_key]]\n", &[]));
}

#[test]
fn every_key_reaches_its_value() {
    let text = r#"
        [server]
        listen = "[::1]:1"
        base_url = "https://keys.example.com/"
        base_path = "/"
        trusted_origins = ["HTTPS://App.example.com:443/", "*.Example.org", "https://*.example.net", "myapp://"]
        trusted_proxies = ["10.0.0.0/8", "::1/128"]
        rate_limit_headers = "draft-12"
        body_limit_bytes = 1024
        request_timeout_ms = 100
        keep_alive_seconds = 1
        shutdown_seconds = 0
        workers = 3
        max_connections = 7
        tls = { certificate = "chain.pem", key = "/etc/keymint/key.pem" }

        [database]
        url = "postgres://u:p@h/d"
        durability = "normal"
        max_connections = 2
        statement_timeout_ms = 250

        [log]
        format = "json"
        level = "trace"

        [identity]
        email_and_password = false
        sign_up = false
        session_expires_in = 3600
        throttle = { max_requests = 3, window_seconds = 5 }

        [console]
        enabled = false
        operators = ["Ada@Example.com"]
        brand = { name = "Acme", logo = "logo.svg", accent = '#0B6E4F' }
        frame_ancestors = ["https://App.example.com/", "https://*.example.org"]

        [organization]
        creator_role = "chief"
        roles = { admin = ["create", "read", "update", "delete"], visitor = [] }

        [verify]
        access = "public"
        require_owner = true
        flush_ms = 10

        [authorize]
        idempotency_window_ms = 60000
        bearer = false
        assertion = { audience = "files", lifetime_seconds = 300, metadata = true }

        [cleanup]
        interval_seconds = 0
        batch_size = 1

        [notices]
        interval_seconds = 7
    "#;
    let config = config(text, &[]);
    let server = &config.server;
    assert_eq!((server.listen.to_string().as_str(), server.base_url.as_str()), ("[::1]:1", "https://keys.example.com"));
    assert_eq!((server.base_path.as_str(), server.body_limit_bytes), ("", 1024));
    assert_eq!(server.rate_limit_headers, LimitFields::Draft12);
    assert_eq!((server.request_timeout, server.keep_alive), (Duration::from_millis(100), Duration::from_secs(1)));
    assert_eq!((server.shutdown, server.max_connections), (Duration::ZERO, 7));
    let tls = server.tls.as_ref().unwrap();
    assert_eq!((tls.certificate.to_str(), tls.key.to_str()), (Some("chain.pem"), Some("/etc/keymint/key.pem")));
    assert_eq!(server.workers.map(usize::from), Some(3));
    assert_eq!(
        server.trusted_origins.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["https://app.example.com", "*.example.org", "https://*.example.net", "myapp://"]
    );
    assert_eq!(server.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.0/8", "::1/128"]);
    let DatabaseUrl::Postgres { url } = &config.database.url else { panic!("not Postgres") };
    assert_eq!(url.expose(), "postgres://u:p@h/d");
    assert_eq!(config.database.durability, Durability::Normal);
    assert_eq!((config.database.max_connections, config.database.statement_timeout.as_millis()), (2, 250));
    assert_eq!((config.log.format, config.log.level), (LogFormat::Json, tracing::Level::TRACE));
    assert!(!config.identity.email_and_password && !config.identity.sign_up);
    assert_eq!(config.identity.lifetime.expires_in_ms, 3_600_000);
    let throttle = config.identity.throttle.unwrap();
    assert_eq!((throttle.max_requests.get(), throttle.window), (3, Duration::from_secs(5)));
    assert!(!config.console.enabled);
    assert_eq!(config.console.operators[0].to_string(), "ada@example.com");
    let brand = &config.console.brand;
    assert_eq!(brand.name.as_deref(), Some("Acme"));
    assert_eq!(brand.logo.as_deref(), Some(std::path::Path::new("logo.svg")));
    assert_eq!(brand.accent.unwrap().to_string(), "#0b6e4f");
    let ancestors = config.console.frame_ancestors.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(ancestors, ["https://app.example.com", "https://*.example.org"]);
    let role = |name: &str, actions: &[Action]| Role { name: RoleName::parse(name).unwrap(), actions: actions.into() };
    let others = vec![role("admin", &Action::ALL), role("visitor", &[])];
    assert_eq!(config.policy.roles, Roles { creator: RoleName::parse("chief").unwrap(), others });
    assert_eq!((config.verify.access, config.verify.flush.as_millis()), (Access::Public, 10));
    assert!(config.policy.require_owner);
    assert_eq!((config.authorize.idempotency_window, config.authorize.bearer), (Duration::from_mins(1), false));
    let assertion = Assertion { audience: "files".to_owned(), lifetime: Duration::from_mins(5), has_metadata: true };
    assert_eq!(config.authorize.assertion, Some(assertion));
    assert_eq!((config.cleanup.interval, config.cleanup.batch_size.get()), (None, 1));
    assert_eq!(config.notices.interval, Some(Duration::from_secs(7)));
}

#[test]
fn a_duration_is_as_good_as_a_number() {
    let numbers = "server = { request_timeout_ms = 5000, keep_alive_seconds = 90 }\naudit.retention_days = 14\n[[api_key]]\n\
        rate_limit.window_ms = 60000\nnotices.expiring_days = [14, 1]\nleaks.hours = 48\nexpiration.default_seconds = 86400\n";
    let durations = "server = { request_timeout_ms = \"5s\", keep_alive_seconds = \"1m30s\" }\naudit.retention_days = \"2w\"\n\
        [[api_key]]\nrate_limit.window_ms = \"1m\"\nnotices.expiring_days = [\"2w\", 1]\nleaks.hours = \"2d\"\n\
        expiration.default_seconds = \"1d\"\n";
    assert_eq!(config(durations, &[]).print(), config(numbers, &[]).print());
    assert_eq!(config(durations, &[]), config(numbers, &[]));
    let variable = config("", &[("KEYMINT__SERVER__KEEP_ALIVE_SECONDS", "2m")]);
    assert_eq!(variable.server.keep_alive, Duration::from_mins(2));
}

#[test]
fn a_server_may_listen_at_a_socket() {
    let config = config("server = { listen = \"unix:/run/keymint.sock\", unix_mode = \"600\" }", &[]);
    assert_eq!(config.server.listen.to_string(), "unix:/run/keymint.sock");
    assert_eq!(config.server.unix_mode.to_string(), "0600");
}

/// An entry with a value other than the default for every key.
const EVERY_KEY: &str = r#"
    [[api_key]]
    config_id = "eu"
    references = "organization"
    api_key_headers = ["X-Key", "x-other-key"]
    allow_key_management = true
    allow_self_rotation = true
    key_length = 16
    key_format = "checked"
    checked_only = true
    default_prefix = "eu_"
    prefix_length = { min = 2, max = 3 }
    name_length = { min = 0, max = 255 }
    require_name = true
    enable_metadata = true
    disable_key_hashing = true
    default_remaining = 0
    max_keys_per_user = 5
    starting_characters = { store = true, length = 9 }
    expiration = { default_seconds = 3600, allow_custom = false, min_days = 2, max_days = 2 }
    rate_limit = { enabled = false, window_ms = 1000, max_requests = 3, algorithm = "idle-window" }
    permissions = { files = ["read", "write"], "a.b" = [] }
    grantable = ["read"]
    grantable_by_role = { member = ["read"] }
    permission_descriptions = { "files:read" = "Read files" }
    max_lifetime_days = 90
    wildcards = false
    allowed_addresses = ["10.0.0.0/8", "2001:db8::7"]
    denied_addresses = ["::ffff:10.9.0.0/112"]
    retention_days = 2
    undelete_days = 3
    defer_usage = true
    quota_thresholds = [10, 90]
    rotation = { every_days = 180, max_pending_days = 3, grace_seconds = 0 }
    notices = { expiring_days = [14, 2], idle_days = 0 }
    anomalies = true
    leaks = { action = "end_after", hours = 72 }
"#;

#[test]
fn every_key_of_an_entry_reaches_the_policy() {
    let config = config(EVERY_KEY, &[]);
    let [
        Configuration {
            id,
            references,
            api_key_headers,
            enable_session_for_api_keys,
            allow_key_management,
            allow_self_rotation,
            key_length,
            key_format,
            checked_only,
            default_prefix,
            prefix_length,
            name_length,
            require_name,
            enable_metadata,
            disable_key_hashing,
            default_remaining,
            max_keys_per_user,
            starting_characters,
            expiration,
            rate_limit,
            permissions,
            grantable,
            grantable_by_role,
            permission_descriptions,
            wildcards,
            addresses,
            retention_ms,
            undelete_ms,
            defer_usage,
            quota_thresholds,
            notices,
            rotation,
            anomalies,
            on_leak,
        },
    ] = config.policy.configurations()
    else {
        panic!("not one")
    };
    assert_eq!((*references, api_key_headers.join(" ").as_str()), (References::Organization, "x-key x-other-key"));
    assert!(!enable_session_for_api_keys && *allow_key_management && *allow_self_rotation);
    assert_eq!((rotation.max_pending_days.get(), rotation.grace_seconds), (3, 0));
    assert_eq!((id.as_str(), *key_length, default_prefix.as_deref()), ("eu", 16, Some("eu_")));
    assert_eq!((*key_format, *checked_only), (KeyFormat::Checked, true));
    assert_eq!((prefix_length.min, prefix_length.max, name_length.min, name_length.max), (2, 3, 0, 255));
    assert!(*require_name && *enable_metadata && *disable_key_hashing);
    assert_eq!((*default_remaining, max_keys_per_user.map(u32::from)), (Some(0), Some(5)));
    assert_eq!(*starting_characters, Some(9));
    assert_eq!(expiration.default.map(Lifetime::as_millis), Some(3_600_000));
    assert_eq!((expiration.allow_custom, expiration.min_days, expiration.max_days), (false, 2, 2));
    assert_eq!((rate_limit.enabled, rate_limit.window_ms, rate_limit.max_requests), (false, 1000, 3));
    assert_eq!(rate_limit.algorithm, Algorithm::IdleWindow);
    let [(role, own)] = &grantable_by_role[..] else { panic!("not one") };
    assert_eq!((grantable.as_ref(), role.as_str(), own.as_json()), (Some(own), "member", r#"{"*":["read"]}"#));
    assert_eq!(permission_descriptions[..], [("files:read".to_owned(), "Read files".to_owned())]);
    assert_eq!(expiration.max_lifetime_days.map(u32::from), Some(90));
    let permissions = permissions.as_ref().map(Permissions::as_json);
    assert_eq!(permissions, Some(r#"{"files":["read","write"],"a.b":[]}"#));
    assert_eq!(addresses.allowed.texts().collect::<Vec<_>>(), ["10.0.0.0/8", "2001:db8::7/128"]);
    assert_eq!(addresses.denied.texts().collect::<Vec<_>>(), ["10.9.0.0/16"]);
    assert_eq!(quota_thresholds, &[10, 90]);
    assert_eq!((*wildcards, *retention_ms, *defer_usage), (false, 2 * 86_400_000, true));
    assert_eq!(*undelete_ms, 3 * 86_400_000);
    let rotation_days = NonZeroU32::new(180);
    assert_eq!(*notices, Notices { expiring_days: vec![14, 2], idle_days: None, rotation_days });
    assert!(*anomalies);
    assert_eq!(*on_leak, LeakAction::EndAfter { hours: NonZeroU32::new(72).unwrap() });
}

#[test]
fn a_bare_list_of_permissions_means_the_star() {
    let config = config("[[api_key]]\npermissions = [\"read\"]\nstarting_characters = { store = false }", &[]);
    let configuration = &config.policy.configurations()[0];
    assert_eq!(configuration.permissions.as_ref().map(Permissions::as_json), Some(r#"{"*":["read"]}"#));
    assert_eq!(configuration.starting_characters, None);
}

#[test]
fn entries_keep_their_order() {
    let config = config("[[api_key]]\nconfig_id = \"b\"\n[[api_key]]\nconfig_id = \"a\"\n", &[]);
    let ids = config.policy.configurations().iter().map(|configuration| configuration.id.as_str());
    assert_eq!(ids.collect::<Vec<_>>(), ["b", "a"]);
}

#[test]
fn a_throttle_of_no_requests_is_off() {
    let identity = config("identity.throttle.max_requests = 0", &[]).identity;
    assert_eq!(identity.throttle, None);
    assert_eq!(config("leaks.throttle.max_requests = 0", &[]).leaks.throttle, None);
}

#[test]
fn reports_of_leaks_are_off_until_they_are_switched_on() {
    let off = config("", &[]).leaks;
    assert!(!off.reports && off.github.is_none() && off.throttle.is_some());
    let on = config("[leaks]\nreports = true\ngithub = { enabled = true }", &[]).leaks;
    let url = on.github.unwrap();
    assert_eq!((on.reports, url.as_str()), (true, "https://api.github.com/meta/public_keys/secret_scanning"));
    let local = config("[leaks.github]\nenabled = true\nkeys_url = \"http://[::1]:7/keys\"", &[]).leaks;
    assert_eq!(local.github.unwrap().to_string(), "http://[::1]:7/keys");
}

#[test]
fn sessions_are_opened_by_the_headers_of_the_entries_that_allow_it() {
    let text = r#"
        [[api_key]]
        config_id = "default"
        api_key_headers = ["x-closed"]
        [[api_key]]
        config_id = "browser"
        enable_session_for_api_keys = true
        [[api_key]]
        config_id = "mobile"
        enable_session_for_api_keys = true
        api_key_headers = ["X-Mobile", "x-api-key"]
    "#;
    let policy = config(text, &[]).policy;
    assert_eq!(policy.session_headers().collect::<Vec<_>>(), ["x-api-key", "x-mobile", "x-api-key"]);
}
