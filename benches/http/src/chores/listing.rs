//! The first page and the last one of an owner with many keys.

use serde::Serialize;

use super::{CleanUp, Place};
use crate::Failure;
use crate::api::{Api, Page};
use crate::arguments::Chores;
use crate::figures::Spread;
use crate::keys::OWNER_OF_MANY;
use crate::stopwatch::Stopwatch;

/// The number of keys on a page.
const PAGE: usize = 100;

/// Milliseconds from a request to the last byte of its answer.
#[derive(Debug, Serialize)]
pub(super) struct Listing {
    pub(super) first_ms: Spread,
    pub(super) last_ms: Spread,
    /// The ratio of the medians.
    pub(super) ratio: f64,
}

/// Requests the two in turn, over one connection. The first time does not count.
pub(super) async fn measure(place: &Place<'_>, chores: &Chores) -> Result<Listing, Failure> {
    eprintln!("listing on {}", place.engine);
    let (server, api) = place.serve(CleanUp::Off).await?;
    let owned = chores.owned.get();
    let last = owned.saturating_sub(PAGE);
    let (mut first_ms, mut last_ms) = (Vec::new(), Vec::new());
    for number in 0..=chores.requests.get() {
        let (first, last) = (list(&api, 0, owned).await?, list(&api, last, owned).await?);
        if number > 0 {
            first_ms.push(first);
            last_ms.push(last);
        }
    }
    server.finish().await?;
    let (first_ms, last_ms) = (Spread::of(first_ms), Spread::of(last_ms));
    Ok(Listing { first_ms, last_ms, ratio: last_ms.median / first_ms.median })
}

async fn list(api: &Api, offset: usize, owned: usize) -> Result<f64, Failure> {
    let query = format!("userId={OWNER_OF_MANY}&limit={PAGE}&offset={offset}");
    let watch = Stopwatch::start();
    let page = api.list(&query).await?;
    let took = watch.elapsed();
    let page: Page = serde_json::from_str(&page)?;
    if page.total != owned || page.api_keys.len() != PAGE.min(owned) {
        return Err(format!("{query}: {} of {} keys, and not of {owned}", page.api_keys.len(), page.total).into());
    }
    Ok(took.as_secs_f64() * 1e3)
}
