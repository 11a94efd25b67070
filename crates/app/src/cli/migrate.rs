//! The migration of the database, and its distribution over the nodes of Citus.

use std::num::NonZeroU32;

use super::arguments::Migrate;
use super::{CliResult, Misused, Outcome, output, progress};
use crate::config::Database;
use crate::wiring;

pub(super) async fn run(database: &Database, arguments: Migrate) -> CliResult {
    let Migrate { distribute, shards, dry_run } = arguments;
    if !distribute {
        progress::while_waiting("migrating", Box::pin(wiring::migrate(database))).await?;
        return Ok(Outcome::Done);
    }
    let Some(postgres) = wiring::distributable(database) else {
        return Err(
            Misused("--distribute is for Postgres with Citus: database.url names another database".into()).into()
        );
    };
    let shards = NonZeroU32::new(shards).unwrap_or(NonZeroU32::MIN);
    let plan = progress::while_waiting("looking", Box::pin(postgres.plan(shards))).await?;
    if plan.steps().next().is_none() {
        return output::line("the database is distributed");
    }
    let verb = if dry_run { "would" } else { "will" };
    for step in plan.steps() {
        output::line(&format!("{verb} {step}"))?;
    }
    if dry_run {
        return Ok(Outcome::Done);
    }
    progress::while_waiting("distributing", Box::pin(postgres.distribute(shards))).await?;
    output::line("the database is distributed: start every server on it anew")
}
