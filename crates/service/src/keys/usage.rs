use std::num::NonZeroU32;

use keymint_domain::listing::Page;
use keymint_domain::metering::{Activity, KeySums, Series, UnknownHour, UsageSelection, Window};
use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ConfigId, ErrorCode, KeyId};

use crate::caller::{Deed, Reach};
use crate::usage::Usage;
use crate::{Caller, Keys, ListKeys, ServiceError, Whose};

/// A question about the usage of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadUsage {
    /// Only this key; `None` = all keys of `whose`.
    pub key: Option<KeyId>,
    /// The owner of the keys.
    pub whose: Whose,
    /// Only keys of this configuration.
    pub config_id: Option<ConfigId>,
    /// The time.
    pub window: Window,
}

/// The usage of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageReport {
    /// The uses, step by step and in total.
    pub series: Series,
    /// The facts about the one key that was asked for; `None` = it was never used, or there were several.
    pub activity: Option<Activity>,
}

impl Keys {
    /// Returns the statistics of uses; `None` = this service keeps none.
    pub fn usage(&self) -> Option<&Usage> {
        self.usage.as_deref()
    }

    /// Sums up the usage of keys. It includes all that was counted up to about a second ago.
    ///
    /// A user sees the usage of their own keys, and of their organizations' as their roles allow. A server sees all,
    /// also that of keys which were removed. `None` = this service keeps no statistics.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED`; `KEY_NOT_FOUND`, also for another user's key; a member's missing right;
    /// [`ServiceError::Store`] if the store fails.
    pub async fn read_usage(&self, caller: &Caller, request: ReadUsage) -> Result<Option<UsageReport>, ServiceError> {
        let reach = caller.manages(Deed::Read, ErrorCode::Unauthorized)?;
        let ReadUsage { key, whose, config_id, window } = request;
        let Some(usage) = &self.usage else { return Ok(None) };
        let nothing = || UsageReport { series: Series::new(&window, &[]), activity: None };
        let selection = match (key, reach) {
            (None, reach) => match self.readable(reach, whose, config_id).await? {
                None => return Ok(Some(nothing())),
                Some((owner, configurations)) => UsageSelection { key: None, owner, configurations },
            },
            (Some(id), Reach::User(_) | Reach::Owner(_)) => {
                let key = self.find_for(reach, Deed::Read, &id, config_id.as_ref()).await?;
                UsageSelection { owner: Some(key.details.owner.clone()), ..UsageSelection::of_key(id) }
            }
            (Some(id), Reach::Everyone) => {
                let configurations = config_id.map_or(ConfigFilter::Any, |id| ConfigFilter::AnyOf(vec![id]));
                UsageSelection { configurations, ..UsageSelection::of_key(id) }
            }
        };
        let activity = match &selection.key {
            Some(id) => {
                let activity = usage.store().find_activities(std::slice::from_ref(id)).await?.pop();
                if activity.is_none() && self.store.find_stub(id).await?.is_none() {
                    return Err(ErrorCode::KeyNotFound.into());
                }
                activity.filter(|activity| selection.includes(activity))
            }
            None => None,
        };
        let sums = usage.store().sum_usage(&selection, &window).await?;
        Ok(Some(UsageReport { series: Series::new(&window, &sums), activity }))
    }

    /// Lists one page of keys as [`Keys::list`] does, and sums up the usage of each of them. Keys without calls in the window
    /// have no sums. `None` = this service keeps no statistics.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Keys::list`].
    pub async fn list_with_usage(
        &self,
        caller: &Caller,
        request: ListKeys,
        window: &Window,
    ) -> Result<(Page, Option<Vec<KeySums>>), ServiceError> {
        let page = self.list(caller, request).await?;
        let Some(usage) = &self.usage else { return Ok((page, None)) };
        let keys: Vec<KeyId> = page.keys.iter().map(|key| key.details.id.clone()).collect();
        let sums = if keys.is_empty() { Vec::new() } else { usage.store().sum_usage_of(&keys, window).await? };
        Ok((page, Some(sums)))
    }

    /// Sums up the usage of each key, of at most `limit` of those behind the key `after`, for invoices. A page is the
    /// last one if it is shorter than `limit`. `None` = this service keeps no statistics.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` for all callers but servers and operators, and [`ServiceError::Store`] if the store fails.
    pub async fn read_usage_by_key(
        &self,
        caller: &Caller,
        request: ReadUsage,
        after: Option<KeyId>,
        limit: NonZeroU32,
    ) -> Result<Option<Vec<KeySums>>, ServiceError> {
        if !caller.manages_all() {
            return Err(ErrorCode::Unauthorized.into());
        }
        let ReadUsage { key, whose, config_id, window } = request;
        let Some(usage) = &self.usage else { return Ok(None) };
        let Some((owner, configurations)) = self.readable(Reach::Everyone, whose, config_id).await? else {
            return Ok(Some(Vec::new()));
        };
        let selection = UsageSelection { key, owner, configurations };
        Ok(Some(usage.store().sum_usage_by_key(&selection, &window, after, limit).await?))
    }

    /// Sums up the attempts with unknown keys by step and source. `None` = this service keeps no statistics.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED` for all callers but servers, and [`ServiceError::Store`] if the store fails.
    pub async fn read_unknown_usage(
        &self,
        caller: &Caller,
        window: &Window,
    ) -> Result<Option<Vec<UnknownHour>>, ServiceError> {
        if !caller.manages_all() {
            return Err(ErrorCode::Unauthorized.into());
        }
        match &self.usage {
            Some(usage) => Ok(Some(usage.store().sum_unknown_usage(window).await?)),
            None => Ok(None),
        }
    }
}
