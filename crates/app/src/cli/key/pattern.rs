//! `keymint key pattern`: the expressions by which secret scanners find keys.

use keymint_domain::key::KeyFormat;
use keymint_domain::{Configuration, Policy};
use serde_json::{Value, json};

use crate::cli::arguments::Scanner;
use crate::cli::output::{self, Form};
use crate::cli::{CliResult, Misused, Outcome};

/// The columns of the patterns for GitHub, unless JSON is requested: the fields of its form for a custom pattern.
const COLUMNS: [&str; 4] = ["name", "secretFormat", "beforeSecret", "afterSecret"];

/// The columns of plain expressions.
const REGEX_COLUMNS: [&str; 3] = ["configId", "prefix", "regex"];

/// The texts of the keys of one configuration.
struct Pattern<'p> {
    config_id: &'p str,
    prefix: &'p str,
    /// The expression of the characters behind the prefix.
    body: String,
    /// True if a hyphen may follow the key's last character within the key's alphabet.
    has_hyphens: bool,
}

/// Prints the patterns of all configurations that have a prefix.
pub(in crate::cli) fn run(policy: &Policy, scanner: Scanner, form: Form) -> CliResult {
    let patterns = patterns_of(policy);
    if patterns.is_empty() {
        return Err("no [[api_key]] has a default_prefix, and nothing else tells its keys from other texts".into());
    }
    match scanner {
        Scanner::Regex if form != Form::Table => {
            let rows: Vec<_> = patterns.iter().map(Pattern::row).collect();
            output::table(&rows, &rows, &REGEX_COLUMNS, form)
        }
        Scanner::Regex => {
            for pattern in patterns {
                output::line(&pattern.expression())?;
            }
            Ok(Outcome::Done)
        }
        Scanner::Github => {
            let rows: Vec<_> = patterns.iter().map(Pattern::for_github).collect();
            output::table(&rows, &rows, &COLUMNS, form)
        }
        Scanner::Gitleaks | Scanner::Trufflehog if form != Form::Table => {
            Err(Misused("this scanner has a form of its own: leave --json, --output and --quiet out".to_owned()).into())
        }
        Scanner::Gitleaks => output::line(gitleaks(&patterns).trim_end()),
        Scanner::Trufflehog => output::line(trufflehog(&patterns)?.trim_end()),
    }
}

/// Returns the patterns of the configurations, in their order, and warns of those that have none.
fn patterns_of(policy: &Policy) -> Vec<Pattern<'_>> {
    let mut patterns: Vec<Pattern<'_>> = Vec::new();
    for configuration in policy.configurations() {
        let Some(pattern) = Pattern::of(configuration) else {
            let config_id = configuration.id.as_str();
            tracing::warn!(config_id, "a configuration has no default_prefix: scanners cannot find its keys");
            continue;
        };
        if !patterns.iter().any(|other| other.prefix == pattern.prefix && other.body == pattern.body) {
            patterns.push(pattern);
        }
    }
    patterns
}

impl<'p> Pattern<'p> {
    fn of(configuration: &'p Configuration) -> Option<Self> {
        let prefix = configuration.default_prefix.as_deref().filter(|prefix| !prefix.is_empty())?;
        let length = configuration.key_format.length(configuration.key_length);
        let (body, has_hyphens) = match configuration.key_format {
            KeyFormat::Checked => (format!("[0-9A-Za-z]{{{length}}}"), false),
            KeyFormat::Base64Url => (base64url(length, configuration.key_length), true),
        };
        Some(Self { config_id: configuration.id.as_str(), prefix, body, has_hyphens })
    }

    fn name(&self) -> String {
        format!("keymint-{}", self.config_id)
    }

    fn secret(&self) -> String {
        format!("{}{}", self.prefix, self.body)
    }

    /// Returns an expression whose first group is the key. It is one of RE2, Go, Rust, Python, JavaScript and PCRE.
    fn expression(&self) -> String {
        // A prefix that begins with a hyphen begins at no boundary of a word.
        let start = if self.prefix.starts_with('-') { "(?:^|[^0-9A-Za-z_-])" } else { r"\b" };
        let end = if self.has_hyphens { "(?:[^0-9A-Za-z_-]|$)" } else { r"\b" };
        format!("{start}({}){end}", self.secret())
    }

    fn row(&self) -> Value {
        json!({ "configId": self.config_id, "prefix": self.prefix, "regex": self.expression() })
    }

    fn for_github(&self) -> Value {
        let before = if self.prefix.starts_with('-') { r"\A|[^0-9A-Za-z_-]" } else { r"\A|[^0-9A-Za-z_]" };
        let after = if self.has_hyphens { r"\z|[^0-9A-Za-z_-]" } else { r"\z|[^0-9A-Za-z_]" };
        json!({
            "name": self.name(),
            "secretFormat": self.secret(),
            "beforeSecret": before,
            "afterSecret": after,
        })
    }

    fn description(&self) -> String {
        format!("Keymint API key that begins with {}", self.prefix)
    }

    /// Returns the text that must be in a file before the expression is run on it; scanners compare it in lower case.
    fn keyword(&self) -> String {
        self.prefix.to_ascii_lowercase()
    }
}

/// Returns the expression of `length` characters that hold this number of bytes. The last one may have only some values.
fn base64url(length: usize, bytes: usize) -> String {
    match (bytes % 3, length - 1) {
        (1, rest) => format!("[0-9A-Za-z_-]{{{rest}}}[AQgw]"),
        (2, rest) => format!("[0-9A-Za-z_-]{{{rest}}}[AEIMQUYcgkosw048]"),
        _ => format!("[0-9A-Za-z_-]{{{length}}}"),
    }
}

fn gitleaks(patterns: &[Pattern<'_>]) -> String {
    let rules = patterns.iter().map(|pattern| {
        toml::Table::from_iter([
            ("id".to_owned(), pattern.name().into()),
            ("description".to_owned(), pattern.description().into()),
            ("regex".to_owned(), pattern.expression().into()),
            ("secretGroup".to_owned(), 1.into()),
            ("keywords".to_owned(), vec![pattern.keyword()].into()),
        ])
    });
    let rules: toml::value::Array = rules.map(toml::Value::Table).collect();
    toml::Table::from_iter([
        ("title".to_owned(), "Keymint's API keys".into()),
        ("extend".to_owned(), toml::Table::from_iter([("useDefault".to_owned(), true.into())]).into()),
        ("rules".to_owned(), rules.into()),
    ])
    .to_string()
}

/// Writes texts as JSON does, which YAML reads alike.
fn trufflehog(patterns: &[Pattern<'_>]) -> serde_json::Result<String> {
    let detectors = patterns.iter().map(|pattern| {
        let [name, keyword, expression] =
            [pattern.name(), pattern.keyword(), pattern.expression()].map(|text| serde_json::to_string(&text));
        let (name, keyword, expression) = (name?, keyword?, expression?);
        Ok(format!("  - name: {name}\n    keywords:\n      - {keyword}\n    regex:\n      key: {expression}\n"))
    });
    Ok(format!("detectors:\n{}", detectors.collect::<serde_json::Result<String>>()?))
}
