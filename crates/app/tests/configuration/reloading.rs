use keymint_app::config::{Console, Identity};

use super::config;

const DOCUMENT: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md"));

/// A configuration in which every value differs from its default, and that needs no files.
const OTHER: &str = r#"
    [server]
    listen = "127.0.0.1:1"
    unix_mode = "0600"
    base_url = "https://keys.example.com"
    base_path = "/keys"
    trusted_origins = ["https://app.example.com"]
    trusted_proxies = ["10.0.0.0/8"]
    body_limit_bytes = 1024
    request_timeout_ms = 100
    keep_alive_seconds = 1
    shutdown_seconds = 1
    workers = 1
    max_connections = 1
    tls = { certificate = "a.pem", key = "a.key" }
    [database]
    url = "memory:"
    [log]
    level = "warn"
    [metrics]
    enabled = false
    [telemetry]
    otlp_endpoint = "http://127.0.0.1:4318"
    [identity]
    sign_up = false
    throttle.max_requests = 0
    [console]
    enabled = false
    operators = ["ada@example.com"]
    brand.name = "Acme"
    frame_ancestors = ["https://app.example.com"]
    [verify]
    access = "public"
    [cleanup]
    interval_seconds = 1
    [usage]
    hours_days = 1
    [leaks]
    reports = true
    [organization]
    creator_role = "chief"
    [[api_key]]
    key_length = 16
"#;

#[test]
fn what_needs_a_restart_is_what_the_document_says_and_stays_as_it_was() {
    let (running, next) = (config("", &[]), config(OTHER, &[]));
    let (reloaded, waiting) = running.reload(next.clone());
    let sentence = DOCUMENT.split("A restart is needed for ").nth(1).unwrap().split(".\n").next().unwrap();
    let documented: Vec<_> = sentence.split('`').skip(1).step_by(2).collect();
    assert_eq!(waiting, documented);

    let (was, now) = (&running.server, &reloaded.server);
    assert_eq!((&now.listen, now.unix_mode), (&was.listen, was.unix_mode));
    assert_eq!((&now.base_path, &now.tls), (&was.base_path, &was.tls));
    assert_eq!((&reloaded.database, &reloaded.log), (&running.database, &running.log));
    assert_eq!((&reloaded.metrics, &reloaded.telemetry), (&running.metrics, &running.telemetry));
    assert_eq!(reloaded.usage, running.usage);
    assert_eq!(
        (now.request_timeout, now.keep_alive, now.shutdown),
        (was.request_timeout, was.keep_alive, was.shutdown)
    );
    assert_eq!((now.workers, now.max_connections), (was.workers, was.max_connections));

    let asked = &next.server;
    assert_eq!((&now.base_url, &now.trusted_origins), (&asked.base_url, &asked.trusted_origins));
    assert_eq!((&now.trusted_proxies, now.body_limit_bytes), (&asked.trusted_proxies, asked.body_limit_bytes));
    let identity = Identity { throttle: running.identity.throttle, ..next.identity };
    assert_eq!((reloaded.identity, reloaded.verify, reloaded.cleanup), (identity, next.verify, next.cleanup));
    let kept = running.console.clone();
    let console = Console { operators: next.console.operators, ..kept };
    assert_eq!((reloaded.policy, reloaded.console), (next.policy, console));
}

#[test]
fn other_files_of_a_certificate_need_no_restart() {
    let at = |path: &str| {
        let text = format!(
            "server = {{ base_url = \"https://a.example\", tls = {{ certificate = \"{path}\", key = \"k\" }} }}"
        );
        config(&text, &[])
    };
    let (reloaded, waiting) = at("a.pem").reload(at("b.pem"));
    assert_eq!(waiting, [""; 0]);
    assert_eq!(reloaded.server.tls, at("b.pem").server.tls);
    assert_eq!(at("a.pem").reload(config("", &[])).1, ["server.tls"], "but to end it does");
}
