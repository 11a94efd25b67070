//! The log of changes: read, exported, followed and checked.

mod filters;
mod reapply;
mod verify;

use std::time::Duration;

use keymint_actix::views::{EventForm, EventPageView};
use keymint_domain::event::seal::ChainEnd;
use keymint_domain::event::{EventQuery, SealedEvent};
use keymint_service::{Audit, Caller};
use serde_json::{Value, json};

use super::arguments::AuditCommand;
use super::options::Options;
use super::{CliResult, Misused, Outcome, output, refused};
use crate::wiring::Services;

/// The columns of a list, unless JSON is requested.
const COLUMNS: [&str; 8] = ["position", "time", "type", "actor", "keyId", "ownerId", "client", "changed"];

/// The pause between two looks for new events.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The explanation of a log whose seals are not of the configured secret.
const ANOTHER_SECRET: &str = "this is how a log looks that was sealed with another secret than the one that is configured now \
     (KEYMINT_SECRET, BETTER_AUTH_SECRET, or else the one that the database keeps): verify with the former secret what \
     was sealed before the change";

pub(super) async fn run(services: &Services, audit: &Audit, command: AuditCommand) -> CliResult {
    match command {
        AuditCommand::List { filters, limit, cursor, output: printed } => {
            let form = printed.form();
            let mut options = Options::default();
            let limit = options.integer("limit", Some(limit), 1..=1000).and_then(|limit| u32::try_from(limit).ok());
            let query = filters::read(&mut options, filters);
            let query = EventQuery { limit: options.finish(limit)?, ..query };
            seal(audit).await?;
            let page = audit.read(&Caller::Server, query, cursor.as_deref()).await.map_err(refused)?;
            let rows: Vec<_> = page.events.iter().map(in_table).collect();
            let outcome =
                output::table(&EventPageView::new(&page.events, page.next.as_deref(), None), &rows, &COLUMNS, form)?;
            if let Some(cursor) = page.next.filter(|_| form.is_for_people()) {
                tracing::warn!("more events match: --cursor {cursor} shows the next ones");
            }
            Ok(outcome)
        }
        AuditCommand::Export { filters, format, after } => {
            let mut options = Options::default();
            let format = options.choice("format", Some(format), &EventForm::ALL);
            let query = filters::read(&mut options, filters);
            let format = options.finish(format)?;
            seal(audit).await?;
            export(audit, query, format, after).await
        }
        AuditCommand::Verify { head, output: printed } => {
            let head = head
                .map(|head| ChainEnd::parse(&head).map_err(|error| Misused(format!("--head {error}"))))
                .transpose()?;
            seal(audit).await?;
            verify::run(audit, head, printed.form()).await
        }
        AuditCommand::Head => {
            seal(audit).await?;
            output::line(&audit.chain().await?.head.to_string())
        }
        AuditCommand::Reapply { file, dry_run, output: printed } => {
            reapply::run(services, &file, dry_run, printed.form()).await
        }
        AuditCommand::Tail { filters, after } => {
            let mut options = Options::default();
            let query = filters::read(&mut options, filters);
            options.finish(Some(()))?;
            tail(audit, query, after).await
        }
    }
}

/// Seals what was recorded, unless another secret has sealed the log so far: the events would not follow from it.
async fn seal(audit: &Audit) -> CliResult<()> {
    if audit.knows_its_secret().await? {
        audit.seal().await?;
    } else {
        tracing::warn!(
            "the last event has no seal of the configured secret, so that new events are not sealed: {ANOTHER_SECRET}"
        );
    }
    Ok(())
}

async fn export(audit: &Audit, query: EventQuery, form: EventForm, after: u64) -> CliResult {
    audit.note_read(&Caller::Server, &query).await?;
    let start = audit.chain().await?.start.position;
    if start > after {
        tracing::warn!(
            "the events at positions {} to {start} were removed for their age before this export",
            after + 1
        );
    }
    let mut export = audit.export(query, after.max(start));
    let mut is_whole = true;
    while let Some(portion) = export.next().await? {
        if let Some(missing) = portion.missing {
            is_whole = false;
            let (first, last) = missing.into_inner();
            tracing::warn!("the events at positions {first} to {last} were removed for their age during this export");
        }
        for event in &portion.events {
            output::line(&form.line(event))?;
        }
    }
    Ok(if is_whole { Outcome::Done } else { Outcome::No })
}

/// Prints events as they come, until nobody reads them.
async fn tail(audit: &Audit, query: EventQuery, after: Option<u64>) -> CliResult {
    audit.note_read(&Caller::Server, &query).await?;
    seal(audit).await?;
    let after = match after {
        Some(after) => after,
        None => audit.chain().await?.head.position,
    };
    let mut export = audit.export(query, after);
    loop {
        while let Some(portion) = export.next().await? {
            for event in &portion.events {
                output::line(&EventForm::Json.line(event))?;
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
        seal(audit).await?;
    }
}

/// Returns an event for a list, which has no room for details.
fn in_table(event: &SealedEvent) -> Value {
    let SealedEvent { position, row, seal: _ } = event;
    let changed = row.details()["changed"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "));
    json!({
        "position": position,
        "time": row.at.to_string(),
        "type": row.kind.strip_prefix("keymint.").unwrap_or(&row.kind),
        "actor": row.actor,
        "keyId": row.key_id,
        "ownerId": row.owner,
        "client": row.personal_details(None).and_then(|mut personal| personal.remove("client")),
        "changed": changed,
    })
}
