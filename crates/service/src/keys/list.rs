use keymint_domain::listing::{Direction, ListQuery, Page, SortField, Unreadable};
use keymint_domain::organization::Action;
use keymint_domain::policy::{ConfigFilter, References};
use keymint_domain::{ConfigId, ErrorCode, OrganizationId, OwnerId};

use crate::{Caller, Keys, ServiceError};

/// A request for one page of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListKeys {
    /// Whose keys.
    pub whose: Whose,
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

/// Whose keys a list is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Whose {
    /// A user's own; for a server, everybody's.
    #[default]
    Callers,
    /// This user's, for whom only a server and they themselves may ask.
    Users(OwnerId),
    /// This organization's, for which a server and its members may ask.
    Organizations(OrganizationId),
    /// Nobody's: what an empty `organizationId` means (docs/better-auth-wire.md 13.13).
    Nobodys,
}

impl Keys {
    /// Lists one page of keys, and says how many there are in all. Rows that cannot be read are named.
    ///
    /// Errors: `UNAUTHORIZED`; a member's missing right.
    pub async fn list(&self, caller: &Caller, request: ListKeys) -> Result<Page, ServiceError> {
        let user = caller.manages(Action::Read, ErrorCode::Unauthorized)?;
        let (owner, references) = match (request.whose, user) {
            (Whose::Nobodys, _) => return Ok(Page::default()),
            (Whose::Callers, None) => (None, None),
            (Whose::Callers, Some(user)) => (Some(user.into()), Some(References::User)),
            (Whose::Users(owner), Some(user)) if *user != owner => return Err(ErrorCode::Unauthorized.into()),
            (Whose::Users(owner), _) => (Some(owner), Some(References::User)),
            (Whose::Organizations(organization), user) => {
                if let Some(user) = user {
                    self.authorize(user, Action::Read, &organization).await?;
                }
                (Some(OwnerId::from(&organization)), Some(References::Organization))
            }
        };
        let of_owners = references.map_or(ConfigFilter::Any, |references| self.policy.owned_by(references));
        let query = ListQuery {
            owner,
            configurations: narrowed(of_owners, request.config_id),
            sort_by: request.sort_by.unwrap_or(SortField::CreatedAt),
            direction: request.direction,
            offset: request.offset.unwrap_or(0),
            limit: request.limit.unwrap_or(ListQuery::DEFAULT_LIMIT).min(ListQuery::MAX_LIMIT),
        };
        let page = self.store.list(&query).await?;
        for Unreadable { id, column } in &page.unreadable {
            tracing::warn!(id = id.as_ref().map(tracing::field::display), column, "a key cannot be read");
        }
        Ok(page)
    }
}

/// Those keys of `filter` that are of the configuration asked for.
fn narrowed(filter: ConfigFilter, asked: Option<ConfigId>) -> ConfigFilter {
    match asked {
        None => filter,
        Some(id) if filter.includes(&id) => ConfigFilter::AnyOf(vec![id]),
        Some(_) => ConfigFilter::AnyOf(Vec::new()),
    }
}
