//! The configuration: what was written down ([`Config::load`]), parsed once into values that are valid.
//!
//! The file and the environment become one tree of values, each with its place; the sections read the tree. A
//! section reads each of its keys in one call, which states the key's name, range and default. Checks, unknown keys,
//! [`Config::print`] and the [`reference()`] all come from these calls, so that they cannot disagree. Serde is not
//! used here: it stops at the first problem, does not know places, and repeats values, which may be secrets, in its
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
    api_key, authorize, cleanup, database, identity, log, metrics, organization, secret, server, server_keys,
    telemetry, verify,
};
use source::Node;

pub use path::KeyPath;
pub use problem::{Location, Place, Problem, Problems};
pub use reference::Key;
pub use sections::authorize::{Assertion, Authorize};
pub use sections::cleanup::Cleanup;
pub use sections::database::{Database, DatabaseUrl, PostgresUrl};
pub use sections::identity::Identity;
pub use sections::log::{Log, LogFormat};
pub use sections::metrics::Metrics;
pub use sections::server::Server;
pub use sections::telemetry::Telemetry;
pub use sections::tls::Tls;
pub use sections::verify::Verify;

/// The effective configuration of the binary; all of it is valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// What listens, and to whom.
    pub server: Server,
    /// Where keys are kept.
    pub database: Database,
    /// What is logged.
    pub log: Log,
    /// What is counted, and who may read it.
    pub metrics: Metrics,
    /// Where traces are sent.
    pub telemetry: Telemetry,
    /// Users and their sessions.
    pub identity: Identity,
    /// Who may verify over HTTP, and when deferred usage is written.
    pub verify: Verify,
    /// What gateways are told.
    pub authorize: Authorize,
    /// The background job that removes dead keys.
    pub cleanup: Cleanup,
    /// What keys may be, from `[[api_key]]`, `[organization]` and `verify.require_owner`.
    pub policy: Policy,
    /// The server keys of `KEYMINT_SERVER_KEYS`, in their order.
    pub server_keys: Vec<ServerKeyText>,
    /// What signs cookies, and what assertions are signed by follows from: `KEYMINT_SECRET` or `BETTER_AUTH_SECRET`; `None` = the database keeps one.
    pub secret: Option<CookieSecret>,
    /// Variables whose names begin as ours do, and which nobody reads.
    pub strangers: Vec<String>,
    effective: toml::Table,
}

/// The file that is read where none is named.
const FILE_NAME: &str = "keymint.toml";

impl Config {
    /// The file to load: the one asked for, else `keymint.toml` in `directory` where there is one.
    pub fn locate(asked: Option<PathBuf>, directory: &Path) -> Option<PathBuf> {
        // Where it cannot be told whether the file is there, loading it says why.
        asked.or_else(|| Some(directory.join(FILE_NAME)).filter(|path| path.try_exists().unwrap_or(true)))
    }

    /// Loads defaults, then `file`, then the environment, or says everything that is wrong.
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

    /// The same as [`Config::load`], from the file's text; `name` is what problems call the file.
    pub fn from_text(text: &str, name: &str, environment: &Environment) -> Result<Self, Problems> {
        let mut root = source::parse(text, name)?;
        let mut findings = Findings { problems: source::apply(&mut root, environment), ..Findings::default() };
        let mut config = Self::read(&root, environment, &mut findings);
        config.strangers = source::strangers(environment, &findings.keys, &mut findings.problems);
        if findings.problems.is_empty() { Ok(config) } else { Err(Problems::new(findings.problems)) }
    }

    /// The effective configuration as TOML, with `***` for passwords. It loads again to the same, passwords apart.
    /// Keys that are not set and have no default are left out.
    pub fn print(&self) -> String {
        self.effective.to_string()
    }

    /// Logs what is no error and may be one.
    pub fn warn(&self) {
        for name in &self.strangers {
            tracing::warn!(name, "nobody reads this variable, although its name begins as Keymint's do");
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
            let (verify, require_owner) = root.section("verify", verify::read);
            let authorize = root.section("authorize", authorize::read);
            let roles = root.section("organization", organization::read);
            let cleanup = root.section("cleanup", cleanup::read);
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
                verify,
                authorize,
                cleanup,
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

/// Every key that there is, in the order of the sections.
pub fn reference() -> Vec<Key> {
    let mut findings = Findings::default();
    let nothing = Node::new_table(Place::File(FILE_NAME.into()));
    Config::read(&nothing, &Environment::default(), &mut findings);
    findings.keys
}
