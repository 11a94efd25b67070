use std::num::NonZeroU32;

use crate::Failure;
use crate::figures::Spread;
use crate::stopwatch::Stopwatch;
use crate::subject::{Lab, keymint};

/// Milliseconds from the start of the process, on SQLite.
#[derive(Debug, serde::Serialize)]
pub(crate) struct Startup {
    /// To the first answer, with a new database.
    pub(crate) first_ms: Spread,
    /// To the first answer, with an existing database.
    pub(crate) again_ms: Spread,
}

/// Starts the server `times` times, each on a new database and then again on the same one.
pub(crate) async fn measure(lab: &Lab, times: NonZeroU32) -> Result<Startup, Failure> {
    let (mut first, mut again) = (Vec::new(), Vec::new());
    for _ in 0..times.get() {
        let folder = lab.folder()?;
        first.push(start(lab, &folder).await?);
        again.push(start(lab, &folder).await?);
    }
    Ok(Startup { first_ms: Spread::of(first), again_ms: Spread::of(again) })
}

async fn start(lab: &Lab, folder: &std::path::Path) -> Result<f64, Failure> {
    let client = reqwest::Client::new();
    let watch = Stopwatch::start();
    let server = keymint::start(lab, keymint::SQLITE, 0, folder).await?;
    client.get(format!("{}/healthz", server.url())).send().await?.error_for_status()?;
    let took = watch.elapsed();
    server.stop().await?;
    Ok(took.as_secs_f64() * 1e3)
}
