use std::num::NonZeroU32;
use std::path::Path;

use crate::Failure;
use crate::figures::Figures;
use crate::machine::Stopwatch;
use crate::subject::{Lab, keymint};

/// Starts the server on SQLite `times` times, each on a new database and then again on the same one. Returns the
/// milliseconds from the start of the process to the first answer.
pub(crate) async fn measure(lab: &Lab, times: NonZeroU32) -> Result<Figures, Failure> {
    let mut found = Figures::default();
    for _ in 0..times.get() {
        let folder = lab.folder()?;
        found.add("first_ms", start(lab, &folder).await?);
        found.add("again_ms", start(lab, &folder).await?);
    }
    Ok(found)
}

async fn start(lab: &Lab, folder: &Path) -> Result<f64, Failure> {
    let client = reqwest::Client::new();
    let watch = Stopwatch::start();
    let server = keymint::start(lab, keymint::SQLITE, 0, folder).await?;
    client.get(format!("{}/healthz", server.url())).send().await?.error_for_status()?;
    let took = watch.elapsed();
    server.stop().await?;
    Ok(took.as_secs_f64() * 1e3)
}
