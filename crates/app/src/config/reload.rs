use std::collections::BTreeSet;

use toml::Value;

use super::{Config, Console, Identity, Server};

/// Keeps the values that a running server cannot change, and collects the keys whose new values differ.
#[derive(Default)]
struct RestartOnly(Vec<&'static str>);

impl RestartOnly {
    fn keep<T: PartialEq + Clone>(&mut self, key: &'static str, running: &T, next: &T) -> T {
        if running != next {
            self.0.push(key);
        }
        running.clone()
    }
}

impl Config {
    /// Returns the configuration that a server takes from `next` while it runs by `self`, and the keys of `next` that
    /// need a restart. Their values stay as they are.
    #[must_use]
    pub fn reload(&self, next: Self) -> (Self, Vec<&'static str>) {
        let mut restart_only = RestartOnly::default();
        let Self {
            server,
            database,
            log,
            metrics,
            telemetry,
            identity,
            console,
            verify,
            authorize,
            cleanup,
            audit,
            usage,
            notices,
            webhooks,
            leaks,
            import,
            policy,
            server_keys,
            secret,
            strangers,
            effective,
        } = next;
        let reloaded = Self {
            server: self.server.reload(server, &mut restart_only),
            database: restart_only.keep("database", &self.database, &database),
            log: restart_only.keep("log", &self.log, &log),
            metrics: restart_only.keep("metrics", &self.metrics, &metrics),
            telemetry: restart_only.keep("telemetry", &self.telemetry, &telemetry),
            identity: self.identity.reload(identity, &mut restart_only),
            console: self.console.reload(console, &mut restart_only),
            verify,
            authorize,
            cleanup,
            audit: restart_only.keep("audit", &self.audit, &audit),
            usage: restart_only.keep("usage", &self.usage, &usage),
            notices,
            webhooks: restart_only.keep("webhooks", &self.webhooks, &webhooks),
            // New ones would forget the addresses, and GitHub's keys.
            leaks: restart_only.keep("leaks", &self.leaks, &leaks),
            import: restart_only.keep("import", &self.import, &import),
            policy,
            // A process's environment does not change, but files that it names may.
            server_keys: restart_only.keep("KEYMINT_SERVER_KEYS", &self.server_keys, &server_keys),
            secret: restart_only.keep("KEYMINT_SECRET", &self.secret, &secret),
            strangers,
            effective,
        };
        (reloaded, restart_only.0)
    }

    /// Returns the names of the settings that differ in `next`, such as `verify.access`, without their values.
    pub fn differences(&self, next: &Self) -> Vec<String> {
        let mut names = BTreeSet::new();
        differences(&self.effective, &next.effective, "", &mut names);
        names.into_iter().collect()
    }
}

fn differences(one: &toml::Table, other: &toml::Table, path: &str, names: &mut BTreeSet<String>) {
    for key in one.keys().chain(other.keys()) {
        let name = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (one.get(key), other.get(key)) {
            (Some(Value::Table(one)), Some(Value::Table(other))) => differences(one, other, &name, names),
            (one, other) if one != other => _ = names.insert(name),
            _ => {}
        }
    }
}

impl Server {
    fn reload(&self, next: Self, restart_only: &mut RestartOnly) -> Self {
        let Self {
            listen,
            unix_mode,
            base_url,
            base_path,
            trusted_origins,
            trusted_proxies,
            rate_limit_headers,
            body_limit_bytes,
            request_timeout,
            keep_alive,
            shutdown,
            workers,
            max_connections,
            tls,
        } = next;
        let starts_or_ends_tls = tls.is_some() != self.tls.is_some();
        Self {
            listen: restart_only.keep("server.listen", &self.listen, &listen),
            unix_mode: restart_only.keep("server.unix_mode", &self.unix_mode, &unix_mode),
            base_url,
            base_path: restart_only.keep("server.base_path", &self.base_path, &base_path),
            trusted_origins,
            trusted_proxies,
            rate_limit_headers,
            body_limit_bytes,
            request_timeout: restart_only.keep("server.request_timeout_ms", &self.request_timeout, &request_timeout),
            keep_alive: restart_only.keep("server.keep_alive_seconds", &self.keep_alive, &keep_alive),
            shutdown: restart_only.keep("server.shutdown_seconds", &self.shutdown, &shutdown),
            workers: restart_only.keep("server.workers", &self.workers, &workers),
            max_connections: restart_only.keep("server.max_connections", &self.max_connections, &max_connections),
            tls: if starts_or_ends_tls { restart_only.keep("server.tls", &self.tls, &tls) } else { tls },
        }
    }
}

impl Console {
    fn reload(&self, next: Self, restart_only: &mut RestartOnly) -> Self {
        let Self { enabled, operators, frame_ancestors, brand } = next;
        Self {
            enabled: restart_only.keep("console.enabled", &self.enabled, &enabled),
            operators,
            frame_ancestors: restart_only.keep("console.frame_ancestors", &self.frame_ancestors, &frame_ancestors),
            brand: restart_only.keep("console.brand", &self.brand, &brand),
        }
    }
}

impl Identity {
    fn reload(&self, next: Self, restart_only: &mut RestartOnly) -> Self {
        let Self { email_and_password, sign_up, lifetime, throttle } = next;
        // A new throttle would forget the addresses.
        let throttle = restart_only.keep("identity.throttle", &self.throttle, &throttle);
        Self { email_and_password, sign_up, lifetime, throttle }
    }
}
