use super::{Config, Identity, Server};

/// Keeps the values that a running server cannot change, and collects the keys whose new values differ.
#[derive(Default)]
struct Keeper(Vec<&'static str>);

impl Keeper {
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
        let mut keeper = Keeper::default();
        let Self {
            server,
            database,
            log,
            metrics,
            telemetry,
            identity,
            verify,
            authorize,
            cleanup,
            policy,
            server_keys,
            secret,
            strangers,
            effective,
        } = next;
        let reloaded = Self {
            server: self.server.reload(server, &mut keeper),
            database: keeper.keep("database", &self.database, &database),
            log: keeper.keep("log", &self.log, &log),
            metrics: keeper.keep("metrics", &self.metrics, &metrics),
            telemetry: keeper.keep("telemetry", &self.telemetry, &telemetry),
            identity: self.identity.reload(identity, &mut keeper),
            verify,
            authorize,
            cleanup,
            policy,
            // A process's environment does not change, but files that it names may.
            server_keys: keeper.keep("KEYMINT_SERVER_KEYS", &self.server_keys, &server_keys),
            secret: keeper.keep("KEYMINT_SECRET", &self.secret, &secret),
            strangers,
            effective,
        };
        (reloaded, keeper.0)
    }
}

impl Server {
    fn reload(&self, next: Self, keeper: &mut Keeper) -> Self {
        let Self {
            listen,
            base_url,
            base_path,
            trusted_origins,
            trusted_proxies,
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
            listen: keeper.keep("server.listen", &self.listen, &listen),
            base_url,
            base_path: keeper.keep("server.base_path", &self.base_path, &base_path),
            trusted_origins,
            trusted_proxies,
            body_limit_bytes,
            request_timeout: keeper.keep("server.request_timeout_ms", &self.request_timeout, &request_timeout),
            keep_alive: keeper.keep("server.keep_alive_seconds", &self.keep_alive, &keep_alive),
            shutdown: keeper.keep("server.shutdown_seconds", &self.shutdown, &shutdown),
            workers: keeper.keep("server.workers", &self.workers, &workers),
            max_connections: keeper.keep("server.max_connections", &self.max_connections, &max_connections),
            tls: if starts_or_ends_tls { keeper.keep("server.tls", &self.tls, &tls) } else { tls },
        }
    }
}

impl Identity {
    fn reload(&self, next: Self, keeper: &mut Keeper) -> Self {
        let Self { email_and_password, sign_up, lifetime, throttle } = next;
        // A new throttle would forget the addresses.
        let throttle = keeper.keep("identity.throttle", &self.throttle, &throttle);
        Self { email_and_password, sign_up, lifetime, throttle }
    }
}
