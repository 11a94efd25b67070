use keymint_domain::listing::{Direction, ListQuery, Page, SortField};
use keymint_domain::policy::ConfigFilter;
use keymint_domain::{ConfigId, ErrorCode, OwnerId};

use crate::{Caller, KeyError, Keys};

/// A request for one page of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListKeys {
    /// Whose keys; for a server `None` = everybody's, and nobody else may ask for another's.
    pub owner: Option<OwnerId>,
    /// Keys of this organization instead of a user's. No configuration makes any yet, so that the page is empty.
    pub organization: Option<String>,
    /// Keys of this configuration only; unlike elsewhere, an id that nobody configured matches itself only.
    pub config_id: Option<ConfigId>,
    /// What they are sorted by; `None` = creation.
    pub sort_by: Option<SortField>,
    /// In which direction.
    pub direction: Direction,
    /// Rows to skip; `None` = none.
    pub offset: Option<u64>,
    /// Rows to return; `None` = [`ListQuery::DEFAULT_LIMIT`], and never more than [`ListQuery::MAX_LIMIT`].
    pub limit: Option<u32>,
}

impl Keys {
    /// Lists one page of keys, and says how many there are in all.
    ///
    /// Errors: `UNAUTHORIZED`.
    pub async fn list(&self, caller: &Caller, request: ListKeys) -> Result<Page, KeyError> {
        let user = caller.manages(ErrorCode::Unauthorized)?.cloned();
        if user.is_some() && request.owner.is_some() && request.owner != user {
            return Err(ErrorCode::Unauthorized.into());
        }
        if request.organization.is_some() {
            return Ok(Page::default());
        }
        let query = ListQuery {
            owner: user.or(request.owner),
            configurations: request.config_id.map_or(ConfigFilter::Any, ConfigFilter::Only),
            sort_by: request.sort_by.unwrap_or(SortField::CreatedAt),
            direction: request.direction,
            offset: request.offset.unwrap_or(0),
            limit: request.limit.unwrap_or(ListQuery::DEFAULT_LIMIT).min(ListQuery::MAX_LIMIT),
        };
        Ok(self.store.list(&query).await?)
    }
}
