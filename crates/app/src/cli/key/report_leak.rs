use std::io::{self, BufRead, Read};

use keymint_domain::KeyId;
use keymint_domain::key::PlainKey;
use keymint_domain::leak::{LeakEffect, LeakOutcome, Reporter};
use keymint_ports::StoreError;
use keymint_service::{FoundText, Keys, Source};
use serde_json::{Value, json};

use crate::cli::output::{self, Form};
use crate::cli::{CliResult, refused};

/// The columns, unless JSON is requested. The texts are in none of them.
const COLUMNS: [&str; 4] = ["line", "outcome", "keyId", "expiresAt"];

/// The longest line, in bytes. No key is as long.
const MAX_LINE: u64 = 1 << 20;

pub(super) async fn run(keys: &Keys, source: &str, url: &str, form: Form) -> CliResult {
    let lines = read(io::stdin().lock())?;
    let found: Vec<_> = lines
        .iter()
        .map(|(_, key)| FoundText { key: key.clone(), source: source.to_owned(), url: url.to_owned() })
        .collect();
    let outcomes = keys.report_leaks(Reporter::Operator, &found, &Source::default()).await.map_err(refused)?;
    let rows: Vec<_> = lines.iter().zip(&outcomes).flat_map(|((line, _), outcome)| rows(*line, outcome)).collect();
    output::table(&json!({ "reports": rows }), &rows, &COLUMNS, form)
}

/// Reads the texts, with the numbers of their lines. Empty lines are left out.
fn read(mut input: impl BufRead) -> CliResult<Vec<(u64, PlainKey)>> {
    let mut found = Vec::new();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let mut limited = Read::take(&mut input, MAX_LINE + 1);
        if limited.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        if bytes.len() as u64 > MAX_LINE {
            return Err(format!("line {line} is longer than {MAX_LINE} bytes").into());
        }
        // A line that is no text may hold a key: it is named by its number.
        let text = std::str::from_utf8(&bytes).map_err(|_| format!("line {line} is not UTF-8"))?.trim();
        if !text.is_empty() {
            found.push((line, PlainKey::new(text)));
        }
    }
    Ok(found)
}

fn rows(line: u64, outcome: &Result<LeakOutcome, StoreError>) -> Vec<Value> {
    let row = |outcome: &str, key_id: Option<&KeyId>| {
        let key_id = key_id.map(KeyId::as_str);
        json!({ "line": line, "outcome": outcome, "keyId": key_id, "expiresAt": null })
    };
    match outcome {
        Ok(LeakOutcome::Unknown) => vec![row("unknown", None)],
        Ok(LeakOutcome::Known(keys)) => keys
            .iter()
            .map(|key| match key.effect {
                LeakEffect::Revoked => row("revoked", Some(&key.id)),
                LeakEffect::SecretEnds => row("secret ended", Some(&key.id)),
                LeakEffect::Unchanged => row("unchanged", Some(&key.id)),
                LeakEffect::Ends(at) => {
                    let mut row = row("expires", Some(&key.id));
                    row["expiresAt"] = at.to_string().into();
                    row
                }
            })
            .collect(),
        Err(StoreError::Corrupt { id, .. }) => vec![row("unreadable", id.as_ref())],
        Err(_) => vec![row("failed", None)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_text_without_its_ends() {
        let found = read(" sk_a \r\n\n\t\nsk b\nsk_c".as_bytes()).unwrap();
        let found: Vec<_> = found.iter().map(|(line, key)| (*line, key.expose())).collect();
        assert_eq!(found, [(1, "sk_a"), (4, "sk b"), (5, "sk_c")]);
        assert_eq!(read(&b""[..]).unwrap().len(), 0);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named_by_its_number() {
        let problem = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        assert_eq!(problem(b"sk_a\nsk_\xff\n"), "line 2 is not UTF-8");
        assert_eq!(problem(&vec![b'x'; (1 << 20) + 1]), "line 1 is longer than 1048576 bytes");
    }
}
