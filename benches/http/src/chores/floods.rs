//! Verifications while a hundred connections read without a pause.

use std::num::NonZeroU32;

use serde::Serialize;

use super::{CleanUp, Place};
use crate::Failure;
use crate::api::SERVER_KEY;
use crate::arguments::Chores;
use crate::endpoint::Endpoint;
use crate::figures::Spread;
use crate::keys::{OWNER_OF_MANY, Sort, Texts};
use crate::load::{Load, flood};

/// The rate of verifications under each flood, relative to the rate before it in the same round.
#[derive(Debug, Serialize)]
pub(super) struct Floods {
    /// Pages of a thousand keys.
    pub(super) lists: Spread,
    /// A user's session.
    pub(super) sessions: Spread,
}

/// The requests of a flood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flood {
    Lists,
    Sessions,
}

/// Measures both in turn. Each has a server of its own: the state that a flood leaves behind would be work for the next
/// one.
pub(super) async fn measure(place: &Place<'_>, chores: &Chores) -> Result<Floods, Failure> {
    let (mut lists, mut sessions) = (Vec::new(), Vec::new());
    for number in 1..=chores.rounds.get() {
        eprintln!("floods on {}, round {number}", place.engine);
        lists.push(ratio(place, chores, number, Flood::Lists).await?);
        sessions.push(ratio(place, chores, number, Flood::Sessions).await?);
    }
    Ok(Floods { lists: Spread::of(lists), sessions: Spread::of(sessions) })
}

async fn ratio(place: &Place<'_>, chores: &Chores, number: u32, what: Flood) -> Result<f64, Failure> {
    let texts = Texts::Numbered { sort: Sort::Limited, count: chores.keys.get() };
    let load = Load::of(&texts, &place.folder, "keys", Endpoint::Verify, chores.connections, NonZeroU32::MIN)?;
    let (server, api) = place.serve(CleanUp::Off).await?;
    let urls = [api.url(Endpoint::Verify)];
    load.run(&urls, chores.warm_up, 0).await?;
    let alone = load.run(&urls, chores.seconds, number).await?;
    let (path, header) = match what {
        Flood::Lists => {
            (format!("/api-key/list?userId={OWNER_OF_MANY}&limit=1000"), format!("Authorization: Bearer {SERVER_KEY}"))
        }
        Flood::Sessions => ("/get-session".to_owned(), format!("Cookie: {}", api.sign_up().await?)),
    };
    let flood = flood(&api.under_base(&path), &header)?;
    load.run(&urls, chores.warm_up, 0).await?;
    let flooded = load.run(&urls, chores.seconds, number).await?;
    drop(flood);
    server.finish().await?;
    if flooded.refused > 0 || flooded.broken > 0 {
        return Err(format!("{}: {path}: not every verification was answered: {flooded:?}", place.engine).into());
    }
    Ok(flooded.per_second() / alone.per_second())
}
