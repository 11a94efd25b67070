use std::sync::Arc;

use keymint_github::{ClientError, HttpGithubKeys};
use keymint_service::{GithubReports, HolderReports, HolderReportsOptions, SystemClock, Throttle};

use crate::config::Config;

/// Returns those who take reports of leaked keys from anybody; `None` = they are not taken.
pub(crate) fn holder_reports(config: &Config) -> Option<HolderReports> {
    if !config.leaks.reports {
        return None;
    }
    // Not metered: its metric and its alert are about guessed passwords. Requests are counted by route and status.
    let throttle = config.leaks.throttle.map(|options| Arc::new(Throttle::new(options)));
    Some(HolderReports::new(throttle, HolderReportsOptions::default()))
}

/// Returns those who take reports of GitHub's secret scanning; `None` = they are not taken.
///
/// # Errors
///
/// Returns [`ClientError`] if the HTTP client fails to build.
pub(crate) fn github_reports(config: &Config) -> Result<Option<GithubReports>, ClientError> {
    let Some(url) = &config.leaks.github else { return Ok(None) };
    let keys = HttpGithubKeys::new(url.as_str())?;
    Ok(Some(GithubReports::new(Arc::new(keys), Arc::new(SystemClock))))
}
