//! The import of keys that were made elsewhere.
//!
//! A file is read twice. The first time every line is checked, against the rules, the other lines and the database; if
//! one is bad, nothing is imported. The second time the keys are added in portions, each of them whole. A key that is
//! there already stays as it is, so that a repeated import changes nothing and completes one that was interrupted.

mod lines;
mod portion;
mod record;

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write as _};

use keymint_domain::key::{Encoding, ForeignLookup, HashKind, MAX_ALIKE, PepperName, SecretIdentity};
use keymint_domain::{ApiKey, ConfigId, KeyId, OwnerId};
use keymint_ports::ImportOutcome;
use keymint_service::{Caller, Keys, ServiceError, stopwatch};
use serde_json::json;

use super::arguments::Import;
use super::options::Options;
use super::output::{self, Form};
use super::progress::Progress;
use super::{CliResult, Refused};
use lines::{Line, Lines, Mapping, Spool};
use portion::Portion;
use record::{Defaults, Record};

pub(super) use lines::Form as FileForm;
pub(super) use record::exported_secret;

/// A key of the file.
struct Prepared {
    line: u64,
    /// The line names the id.
    names_id: bool,
    key: ApiKey,
}

/// The number of keys that were added, and of those that were there.
#[derive(Debug, Default)]
struct Counts {
    added: u64,
    present: u64,
}

/// The reason why a key has no place in the database.
struct Clash(String);

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The failure in the middle of an import.
#[derive(Debug, thiserror::Error)]
#[error(
    "the import stopped before line {line}: {added} keys were imported, each of them whole, and nothing of the others. \
     The same command completes it"
)]
struct Stopped {
    line: u64,
    added: u64,
    #[source]
    source: Box<dyn std::error::Error>,
}

pub(super) async fn run(keys: &Keys, arguments: Import) -> CliResult {
    let Import {
        file,
        hash,
        encoding,
        pepper_env,
        owner,
        config_id,
        map,
        skip_other_columns,
        no_header,
        format,
        offline,
        dry_run,
        output: printed,
    } = arguments;
    let mut options = Options::default();
    let defaults = Defaults {
        kind: options.choice("hash", hash, &HashKind::ALL),
        encoding: options.choice("encoding", encoding, &Encoding::ALL),
        pepper: options
            .parsed("pepperEnv", pepper_env, |name| PepperName::parse(&name).map_err(|error| error.to_string())),
        owner: options.text("owner", owner, OwnerId::parse),
        config_id: options.text("configId", config_id, ConfigId::parse).unwrap_or_else(ConfigId::default_id),
    };
    let defaults = options.finish(Some(defaults))?;
    if let Some(pepper) = defaults.pepper.as_ref().filter(|pepper| !keys.knows_pepper(pepper)) {
        return Err(unknown_pepper(pepper).into());
    }
    let mapping = Mapping::parse(&map, skip_other_columns)?;
    let spool = Spool::open(&file, format).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let import = Running { keys, defaults: &defaults };
    let lines = || spool.lines(&mapping, !no_header);
    let (counts, bad) = import.check(lines()?, &Progress::of("checking", spool.bytes)).await?;
    if bad > 0 {
        let lines = if bad == 1 { "1 line is" } else { &format!("{bad} lines are") };
        return Err(Refused::because(format!("{lines} bad, and nothing was imported")).into());
    }
    let counts = if dry_run {
        counts
    } else {
        import.add(lines()?, Portion::new(offline), &Progress::of("importing", spool.bytes)).await?
    };
    let Counts { added, present } = counts;
    if printed.form() != Form::Table {
        return output::record(&json!({ "dryRun": dry_run, "added": added, "present": present }), printed.form());
    }
    let verb = if dry_run { "would be imported" } else { "imported" };
    output::line(&format!("{added} keys {verb}, {present} were there already"))
}

/// Prints what is wrong with a line to the standard error.
fn complain(progress: &Progress, line: u64, message: impl fmt::Display) {
    progress.suspend(|| {
        // Nobody may read it; the status tells the failure.
        let _ = writeln!(io::stderr().lock(), "line {line}: {message}");
    });
}

/// The number of keys that are read before the portion that is being added goes on: about a millisecond.
const READ_AT_ONCE: usize = 50;

/// The next keys of a file.
struct ReadPortion {
    keys: Vec<Prepared>,
    /// The bad line behind them.
    stopped: Option<(u64, String)>,
    /// The place in the file behind them.
    position: u64,
}

struct Running<'r> {
    keys: &'r Keys,
    defaults: &'r Defaults,
}

impl Running<'_> {
    /// Checks every line. Returns what an import would do, and the number of bad lines.
    async fn check(&self, mut lines: Lines<'_>, progress: &Progress) -> CliResult<(Counts, u64)> {
        let (mut counts, mut bad) = (Counts::default(), 0);
        let (mut ids, mut secrets) = (HashMap::<KeyId, u64>::new(), HashMap::<SecretIdentity, u64>::new());
        let mut alike = Alike::default();
        let mut portion = Vec::with_capacity(portion::FIRST);
        loop {
            let line = lines.next()?;
            let is_last = line.is_none();
            if let Some(Line { number, record }) = line {
                let prepared = record.and_then(|record| self.prepare(number, record));
                let prepared = prepared.and_then(|prepared| {
                    let details = &prepared.key.details;
                    if let Some(line) = secrets.insert(details.secret_identity(), number) {
                        return Err(format!("hash: the same key is in line {line}"));
                    }
                    match prepared.names_id.then(|| ids.insert(details.id.clone(), number)).flatten() {
                        Some(line) => Err(format!("id: the same id is in line {line}")),
                        None => Ok(prepared),
                    }
                });
                match prepared {
                    Ok(prepared) => portion.push(prepared),
                    Err(message) => {
                        bad += 1;
                        complain(progress, number, message);
                    }
                }
            }
            if portion.len() == portion::FIRST || is_last {
                let keys: Vec<_> = portion.iter().map(|prepared: &Prepared| prepared.key.clone()).collect();
                let outcomes = self.keys.preview_import(&keys).await?;
                let outcomes = alike.narrow(self.keys, &keys, outcomes).await?;
                for (prepared, outcome) in portion.drain(..).zip(outcomes) {
                    if let Err(clash) = counts.add(&prepared, outcome) {
                        bad += 1;
                        complain(progress, prepared.line, clash);
                    }
                }
                progress.reached(lines.position());
            }
            if is_last {
                return Ok((counts, bad));
            }
        }
    }

    /// Adds the keys of all lines. The next portion is read while the database adds one.
    async fn add(&self, mut lines: Lines<'_>, mut size: Portion, progress: &Progress) -> CliResult<Counts> {
        let mut counts = Counts::default();
        let mut next = self.read(&mut lines, size.keys()).await?;
        loop {
            let ReadPortion { keys: portion, mut stopped, position } = next;
            let Some(first) = portion.first().map(|prepared: &Prepared| prepared.line) else {
                return stopped
                    .map_or(Ok(counts), |(line, message)| Err(stop(line, &Counts::default(), message.into())));
            };
            let keys: Vec<_> = portion.iter().map(|prepared| prepared.key.clone()).collect();
            let importing = async {
                let began = stopwatch();
                let outcomes = self.keys.import(&Caller::Server, &keys).await;
                (outcomes, began.elapsed())
            };
            let ((outcomes, took), read) = tokio::join!(importing, self.read(&mut lines, size.keys()));
            size.took(took);
            let outcomes = outcomes.map_err(|error| stop(first, &counts, error.into()))?;
            for (prepared, outcome) in portion.iter().zip(outcomes) {
                if let Err(clash) = counts.add(prepared, outcome) {
                    stopped = stopped.or(Some((prepared.line, clash.to_string())));
                }
            }
            if let Some((line, message)) = stopped {
                return Err(stop(line, &counts, message.into()));
            }
            progress.reached(position);
            next = read?;
        }
    }

    /// Reads so many keys, or those before the first line that is bad: then the file has changed since it was checked.
    async fn read(&self, lines: &mut Lines<'_>, keys: usize) -> CliResult<ReadPortion> {
        let mut portion = ReadPortion { keys: Vec::with_capacity(keys), stopped: None, position: lines.position() };
        while portion.keys.len() < keys {
            let Some(Line { number, record }) = lines.next()? else { break };
            match record.and_then(|record| self.prepare(number, record)) {
                Ok(prepared) => portion.keys.push(prepared),
                Err(message) => {
                    portion.stopped = Some((number, message));
                    break;
                }
            }
            if portion.keys.len().is_multiple_of(READ_AT_ONCE) {
                tokio::task::yield_now().await;
            }
        }
        portion.position = lines.position();
        Ok(portion)
    }

    fn prepare(&self, line: u64, record: Record) -> Result<Prepared, String> {
        let (config_id, key) = record.key(self.defaults)?;
        let names_id = key.id.is_some();
        let key = self.keys.prepare_import(&config_id, key, self.keys.now()).map_err(|error| error.to_string())?;
        Ok(Prepared { line, names_id, key })
    }
}

/// The keys with slow hashes that earlier portions of a file would add.
#[derive(Default)]
struct Alike {
    added: HashMap<ForeignLookup, usize>,
    start: Option<u8>,
}

impl Alike {
    /// Returns the outcomes that a portion has behind those portions.
    async fn narrow(
        &mut self,
        keys: &Keys,
        portion: &[ApiKey],
        mut outcomes: Vec<ImportOutcome>,
    ) -> Result<Vec<ImportOutcome>, ServiceError> {
        let slow = |key: &ApiKey| key.details.foreign_lookup().filter(|lookup| lookup.start().is_some());
        let lookups: Vec<_> = portion.iter().map(slow).collect();
        let present = keys.count_foreign(lookups.iter().flatten()).await?;
        for (lookup, outcome) in lookups.into_iter().zip(&mut outcomes) {
            let Some(lookup) = lookup.filter(|_| *outcome == ImportOutcome::Added) else { continue };
            let start = lookup.start();
            if let Some(other) = self.start.filter(|other| start != Some(*other)) {
                *outcome = ImportOutcome::OtherStart(other);
                continue;
            }
            self.start = start;
            let present = present.get(&lookup).copied().unwrap_or_default();
            let added = self.added.entry(lookup).or_default();
            if present + *added < MAX_ALIKE {
                *added += 1;
            } else {
                *outcome = ImportOutcome::TooManyAlike;
            }
        }
        Ok(outcomes)
    }
}

fn unknown_pepper(pepper: &PepperName) -> String {
    format!("import.peppers does not name {pepper}, so that no server could verify these keys")
}

fn stop(line: u64, counts: &Counts, source: Box<dyn std::error::Error>) -> Box<dyn std::error::Error> {
    Stopped { line, added: counts.added, source }.into()
}

impl Counts {
    /// Counts the outcome of a key.
    fn add(&mut self, prepared: &Prepared, outcome: ImportOutcome) -> Result<(), Clash> {
        let id = &prepared.key.details.id;
        match outcome {
            ImportOutcome::Added => self.added += 1,
            ImportOutcome::SameSecret(theirs) if theirs == *id || !prepared.names_id => self.present += 1,
            ImportOutcome::SameSecret(theirs) => {
                return Err(Clash(format!("id: the database has this key already, with the id {theirs}")));
            }
            ImportOutcome::TooManyAlike => {
                return Err(Clash(format!(
                    "start: {MAX_ALIKE} keys with slow hashes begin so; more characters are needed"
                )));
            }
            ImportOutcome::OtherStart(other) => {
                return Err(Clash(format!("start: keys with slow hashes are found by their first {other} characters")));
            }
            ImportOutcome::SameId => return Err(Clash(format!("id: the database has another key with the id {id}"))),
        }
        Ok(())
    }
}
