//! The configuration, loaded by [`Config::load`] and parsed once into valid values.
//!
//! The file and the environment become one tree of values, each with its place; the sections read the tree. A section
//! reads each of its keys in one call, which states the key's name, range and default. Checks, unknown keys,
//! [`Config::print`] and the [`reference()`] all come from these calls, so that they cannot disagree. Serde is not used
//! here: it stops at the first problem, does not know places, and repeats values, which may be secrets, in its
//! messages.

mod path;
mod problem;
mod reference;
mod reload;
mod section;
mod sections;
mod source;
mod suggestion;
mod values;

use std::fs;
use std::path::{Path, PathBuf};

use keymint_actix::CookieSecret;
use keymint_domain::Policy;
use keymint_domain::server_key::ServerKeyText;

use crate::environment::Environment;
use section::{Findings, read_root};
use sections::{
    api_key, audit, authorize, cleanup, console, database, identity, import, leaks, log, metrics, notices,
    organization, secret, server, server_keys, telemetry, usage, verify, webhooks,
};
use source::{Given, Node};

pub(crate) use source::read_setting_file;

pub use path::KeyPath;
pub use problem::{Location, Place, Problem, Problems};
pub use reference::Key;
pub use sections::audit::Audit;
pub use sections::authorize::{Assertion, Authorize};
pub use sections::cleanup::Cleanup;
pub use sections::console::{Console, ConsoleBrand, OperatorAddress};
pub use sections::database::{Database, DatabaseUrl};
pub use sections::identity::Identity;
pub use sections::import::Import;
pub use sections::leaks::{GithubUrl, Leaks};
pub use sections::listen::{InvalidListen, Listen, UnixMode};
pub use sections::log::{Log, LogFormat};
pub use sections::metrics::Metrics;
pub use sections::notices::Notices;
pub use sections::server::Server;
pub use sections::telemetry::Telemetry;
pub use sections::tls::Tls;
pub use sections::usage::Usage;
pub use sections::verify::Verify;
pub use sections::webhooks::Webhooks;

/// The effective configuration of the binary. All of it is valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The listener, and the clients that it trusts.
    pub server: Server,
    /// The database of keys.
    pub database: Database,
    /// The log.
    pub log: Log,
    /// The metrics, and who may read them.
    pub metrics: Metrics,
    /// The collector of traces.
    pub telemetry: Telemetry,
    /// Users and their sessions.
    pub identity: Identity,
    /// The pages for people, and their operators.
    pub console: Console,
    /// The callers that may verify over HTTP, and the time at which deferred usage is written.
    pub verify: Verify,
    /// The answers to gateways.
    pub authorize: Authorize,
    /// The background job that removes dead keys.
    pub cleanup: Cleanup,
    /// The record of changes.
    pub audit: Audit,
    /// The statistics of uses.
    pub usage: Usage,
    /// The background job that makes notices and finds anomalies.
    pub notices: Notices,
    /// The delivery of events to endpoints.
    pub webhooks: Webhooks,
    /// The secrets that imported keys are verified with.
    pub import: Import,
    /// The callers that may report leaked keys.
    pub leaks: Leaks,
    /// The policy of keys, from `[[api_key]]`, `[organization]` and `verify.require_owner`.
    pub policy: Policy,
    /// The server keys of `KEYMINT_SERVER_KEYS`, in their order.
    pub server_keys: Vec<ServerKeyText>,
    /// The secret that signs cookies, and from which the key that signs assertions is derived: `KEYMINT_SECRET` or
    /// `BETTER_AUTH_SECRET`. `None` = the database keeps one.
    pub secret: Option<CookieSecret>,
    /// Variables whose names have our prefix, but that nothing reads.
    pub strangers: Vec<String>,
    effective: toml::Table,
}

/// The file that is read if none is named.
const FILE_NAME: &str = "keymint.toml";

impl Config {
    /// Returns the file to load: the requested one, else `keymint.toml` in `directory` if it exists.
    pub fn locate(asked: Option<PathBuf>, directory: &Path) -> Option<PathBuf> {
        // If it is unknown whether the file exists, loading it reports why.
        asked.or_else(|| Some(directory.join(FILE_NAME)).filter(|path| path.try_exists().unwrap_or(true)))
    }

    /// Loads defaults, then `file`, then the environment.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong.
    pub fn load(file: Option<&Path>, environment: &Environment) -> Result<Self, Problems> {
        let Some(path) = file else {
            return Self::from_text("", FILE_NAME, environment);
        };
        let name = path.display().to_string();
        match fs::read(path).map(String::from_utf8) {
            Ok(Ok(text)) => Self::from_text(&text, &name, environment),
            Ok(Err(_)) => Err(Problem::at_place(Place::File(name.into()), "is not UTF-8").into()),
            Err(error) => Err(Problem::at_place(Place::File(name.into()), format!("cannot be read: {error}")).into()),
        }
    }

    /// Does the same as [`Config::load`], from the file's text. Problems call the file `name`.
    ///
    /// # Errors
    ///
    /// Returns everything that is wrong.
    pub fn from_text(text: &str, name: &str, environment: &Environment) -> Result<Self, Problems> {
        let mut root = source::parse(text, name)?;
        let mut findings = Findings { problems: source::apply(&mut root, environment), ..Findings::default() };
        let mut config = Self::read(&root, environment, &mut findings);
        config.strangers = source::strangers(environment, &findings.keys, &config.import.names, &mut findings.problems);
        if findings.problems.is_empty() { Ok(config) } else { Err(Problems::new(findings.problems)) }
    }

    /// Returns the effective configuration as TOML, with `***` for passwords.
    ///
    /// It loads again to the same configuration, except for passwords. Keys that are not set and have no default are
    /// left out.
    pub fn print(&self) -> String {
        self.effective.to_string()
    }

    /// Logs what may be a mistake, but is not an error.
    pub fn warn(&self) {
        for name in &self.strangers {
            if name.starts_with(source::SERVER_KEY) {
                tracing::warn!(name, "only commands with --url read this variable; a server reads KEYMINT_SERVER_KEYS");
            } else {
                tracing::warn!(name, "nobody reads this variable, although its name begins as Keymint's do");
            }
        }
    }

    /// Reads all sections, in the order in which they are printed.
    fn read(root: &Node, environment: &Environment, findings: &mut Findings) -> Self {
        let server_keys = server_keys::read(environment, &mut findings.problems);
        let otlp_endpoint = telemetry::read_default(environment, &mut findings.problems);
        let (config, effective) = read_root(root, findings, |root| {
            let server = root.section("server", server::read);
            let database = root.section("database", database::read);
            let log = root.section("log", log::read);
            let metrics = root.section("metrics", metrics::read);
            let telemetry = root.section("telemetry", |section| telemetry::read(section, otlp_endpoint));
            let identity = root.section("identity", identity::read);
            let console = root.section("console", console::read);
            let (verify, require_owner) = root.section("verify", verify::read);
            let authorize = root.section("authorize", authorize::read);
            let roles = root.section("organization", organization::read);
            let cleanup = root.section("cleanup", cleanup::read);
            let audit = root.section("audit", audit::read);
            let usage = root.section("usage", usage::read);
            let notices = root.section("notices", notices::read);
            let webhooks = root.section("webhooks", webhooks::read);
            let import = root.section("import", |section| import::read(section, environment));
            let leaks = root.section("leaks", leaks::read);
            let mut policy = api_key::read(root);
            policy.require_owner = require_owner;
            policy.roles = roles;
            let effective = toml::Table::new();
            Self {
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
                import,
                leaks,
                policy,
                server_keys,
                secret: None,
                strangers: Vec::new(),
                effective,
            }
        });
        let signs_assertions = config.authorize.assertion.is_some();
        let secret = secret::read(environment, signs_assertions, &mut findings.problems);
        Self { secret, effective, ..config }
    }
}

/// Returns every key of the configuration, in the order of the sections.
pub fn reference() -> Vec<Key> {
    let mut findings = Findings::default();
    let nothing = Node::new_table(Place::File(FILE_NAME.into()));
    Config::read(&nothing, &Environment::default(), &mut findings);
    findings.keys
}

/// Reads a setting that is no key of the configuration, from its variable or from the file that the variable names with
/// `_FILE` appended. A variable that is set to nothing counts as not set.
///
/// # Errors
///
/// Returns the problem with both variables or with the file.
pub(crate) fn read_setting(environment: &Environment, name: &str) -> Result<Option<String>, Problems> {
    let given = source::given(environment, name)?;
    Ok(given.map(|Given { place: _, text }| text.trim().to_owned()).filter(|text| !text.is_empty()))
}
