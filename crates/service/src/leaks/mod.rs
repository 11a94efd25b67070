//! Reports of leaks over HTTP: by holders of keys, and by GitHub.

mod github;
mod holders;

pub use github::{GithubReports, NotFromGithub};
pub use holders::{HolderReports, HolderReportsOptions, ReportRefused};
