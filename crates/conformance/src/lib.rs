#![doc = include_str!("../README.md")]
#![expect(clippy::unwrap_used, reason = "test support")]
#![expect(clippy::missing_panics_doc, reason = "a case fails by panicking")]

pub mod cases;
mod engine;
pub mod event_cases;
mod event_suite;
pub mod identity_cases;
mod identity_suite;
pub mod model;
pub mod sample;
pub mod sql_cases;
mod sql_engine;
mod sql_suite;
mod suite;
mod support;
mod survey_suite;
mod texts;
mod usage_suite;
pub mod webhook_cases;
mod webhook_suite;

pub use engine::{Engine, EventEngine, IdentityEngine, SurveyEngine, UsageEngine, WebhookEngine};
pub use model::agrees_with_model;
pub use sql_cases::better_auth_tables;
pub use sql_engine::{Odd, Refused, Specimens, SqlEngine};
