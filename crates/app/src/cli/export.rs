//! The export of keys as JSON lines, which `keymint import` reads.

use std::fmt::Write as _;
use std::io::{self, BufWriter, IsTerminal as _, Write as _};
use std::num::NonZeroU32;

use keymint_actix::views::{KeyView, Reader};
use keymint_domain::{ApiKey, ConfigId, OwnerId};
use keymint_service::{Caller, ExportKeys, Keys};
use serde_json::Value;

use super::arguments::Export;
use super::import::exported_secret;
use super::options::Options;
use super::output::NobodyReads;
use super::progress::Progress;
use super::{CliResult, Outcome, refused};

/// The keys of one statement, which must end within the timeout of the database.
const PORTION: NonZeroU32 = NonZeroU32::new(1000).unwrap();

pub(super) async fn run(keys: &Keys, arguments: Export) -> CliResult {
    let Export { with_hashes, owner, config_id } = arguments;
    let mut options = Options::default();
    let owner = options.text("owner", owner, OwnerId::parse);
    let config_id = options.text("configId", config_id, ConfigId::parse);
    let mut request = options.finish(Some(ExportKeys { owner, config_id, after: None, limit: PORTION }))?;
    let mut output = BufWriter::new(io::stdout().lock());
    let (mut unreadable, mut exported) = (0, 0);
    // Beside lines on the same terminal there is no room for it.
    let progress = (!io::stdout().is_terminal()).then(|| Progress::unknown("exported keys:"));
    loop {
        let portion = keys.export(&Caller::Server, &request).await.map_err(refused)?;
        unreadable += portion.unreadable;
        for key in &portion.keys {
            let line = line(keys, key, with_hashes)?;
            writeln!(output, "{line}").map_err(unread)?;
        }
        exported += portion.keys.len() as u64;
        if let Some(progress) = &progress {
            progress.reached(exported);
        }
        match portion.next {
            Some(next) => request.after = Some(next),
            None => break,
        }
    }
    output.flush().map_err(unread)?;
    if unreadable > 0 {
        return Err(format!("{unreadable} rows cannot be read, and are not exported").into());
    }
    Ok(Outcome::Done)
}

fn unread(error: io::Error) -> Box<dyn std::error::Error> {
    if error.kind() == io::ErrorKind::BrokenPipe { NobodyReads.into() } else { error.into() }
}

/// Returns a key as one line: its members as on the wire, the state of its limit, and its hash if it is asked for.
fn line(keys: &Keys, key: &ApiKey, with_hashes: bool) -> CliResult<String> {
    let mut text = serde_json::to_string(&KeyView::from(key).with_creator(key, Reader::Server))?;
    // Appended to the text: metadata may hold what no JSON value of Rust can, such as lone surrogates.
    text.pop();
    let mut add = |name: &str, value: Value| write!(text, ",\"{name}\":{value}");
    if let Some(backlog_ns) = key.usage.backlog_ns {
        add("backlogNs", backlog_ns.into())?;
    }
    if with_hashes {
        let is_plain = keys.policy().resolve(&key.details.config_id).is_ok_and(|found| found.disable_key_hashing);
        for (name, value) in exported_secret(&key.details, is_plain) {
            add(name, value)?;
        }
    }
    text.push('}');
    Ok(text)
}
