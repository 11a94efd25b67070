use keymint_domain::event::seal::ChainEnd;
use keymint_service::{Audit, AuditCheck, Compared, MAX_BREAKS};
use serde_json::json;

use super::ANOTHER_SECRET;
use crate::cli::output::{self, Form};
use crate::cli::{CliResult, Outcome, progress};

/// Checks the log, and says what is wrong with it.
pub(super) async fn run(audit: &Audit, exported: Option<ChainEnd>, form: Form) -> CliResult {
    let check = progress::while_waiting("checking the log", audit.check(exported)).await?;
    let AuditCheck { events, breaks, start, head, compared, looks_like_another_secret } = &check;
    let cannot_compare = *compared == Some(Compared::Removed);
    let is_whole = breaks.is_empty() && !cannot_compare;
    if form != Form::Table {
        let breaks: Vec<_> = breaks.iter().map(ToString::to_string).collect();
        let compared = compared.map(|compared| match compared {
            Compared::Equal => "equal",
            Compared::Removed => "removed",
        });
        output::record(
            &json!({
                "whole": is_whole, "events": events, "removedUpTo": start.position, "head": head.to_string(),
                "breaks": breaks, "comparedHead": compared, "anotherSecret": looks_like_another_secret
            }),
            form,
        )?;
        return Ok(if is_whole { Outcome::Done } else { Outcome::No });
    }
    for broken in breaks {
        output::line(&broken.to_string())?;
    }
    if breaks.len() >= MAX_BREAKS {
        output::line("there may be more: the check ended here")?;
    }
    if *looks_like_another_secret {
        output::line(ANOTHER_SECRET)?;
    }
    if cannot_compare {
        output::line(
            "the exported head was removed for its age, so that there is nothing to compare it with: keep a later one",
        )?;
    }
    if start.position > 0 {
        output::line(&format!("the events up to position {} were removed for their age", start.position))?;
    }
    if is_whole {
        let agrees = if compared.is_some() { ", and agrees with the exported head" } else { "" };
        output::line(&format!("the log is whole: {events} events{agrees}; its head is {head}"))
    } else {
        Ok(Outcome::No)
    }
}
