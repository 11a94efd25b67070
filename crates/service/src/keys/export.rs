use std::num::NonZeroU32;

use keymint_domain::metering::Hour;
use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ApiKey, ConfigId, ErrorCode, KeyId, OwnerId, Timestamp};
use keymint_ports::SurveyQuery;

use crate::{Caller, Keys, ServiceError};

/// A portion of keys to be read whole.
#[derive(Debug, Clone)]
pub struct ExportKeys {
    /// Only keys of this owner.
    pub owner: Option<OwnerId>,
    /// Only keys of this configuration.
    pub config_id: Option<ConfigId>,
    /// The key that the portion begins behind; `None` = at the first key.
    pub after: Option<KeyId>,
    /// The largest number of keys.
    pub limit: NonZeroU32,
}

/// Exported keys.
#[derive(Debug, Clone, Default)]
pub struct ExportedKeys {
    /// The keys, in an order of the store's own.
    pub keys: Vec<ApiKey>,
    /// The number of rows that cannot be read.
    pub unreadable: u32,
    /// The key behind which the next portion begins; `None` = this is the last one.
    pub next: Option<KeyId>,
}

impl Keys {
    /// Reads a portion of all keys.
    ///
    /// A key that exists from the first portion to the last is read once, whatever is added or removed meanwhile.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorCode::UnauthorizedSession`] for any caller but a server, and [`ServiceError::Store`] if the store
    /// fails.
    pub async fn export(&self, caller: &Caller, request: &ExportKeys) -> Result<ExportedKeys, ServiceError> {
        if *caller != Caller::Server {
            return Err(ErrorCode::UnauthorizedSession.into());
        }
        let Some(survey) = &self.survey else { return Ok(ExportedKeys::default()) };
        let ExportKeys { owner, config_id, after, limit } = request.clone();
        let configurations = config_id.map_or(ConfigFilter::Any, |id| ConfigFilter::AnyOf(vec![id]));
        // Uses are not exported.
        let uses_since = Hour::of(Timestamp::MAX);
        let portion = survey.survey(&SurveyQuery { owner, configurations, uses_since, after, limit }).await?;
        let keys = portion.keys.into_iter().map(|surveyed| surveyed.key).collect();
        Ok(ExportedKeys { keys, unreadable: portion.unreadable, next: portion.next })
    }
}
