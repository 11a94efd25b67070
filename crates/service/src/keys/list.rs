use keymint_domain::key::Field;
use keymint_domain::listing::{Direction, KeyFilter, ListQuery, Page, SortField, Unreadable};
use keymint_domain::policy::{ConfigFilter, References};
use keymint_domain::{ConfigId, ErrorCode, OrganizationId, OwnerId};

use crate::caller::{Deed, Reach};
use crate::{Caller, Keys, ServiceError};

/// A request for one page of keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListKeys {
    /// The owner of the keys.
    pub whose: Whose,
    /// Only keys of this configuration. Unlike elsewhere, an id that is not configured matches only itself.
    pub config_id: Option<ConfigId>,
    /// Only keys that this filter admits.
    pub filter: KeyFilter,
    /// The field to sort by; `None` = creation.
    pub sort_by: Option<SortField>,
    /// The direction of the order.
    pub direction: Direction,
    /// The rows to skip; `None` = none.
    pub offset: Option<u64>,
    /// The rows to return; `None` = [`ListQuery::DEFAULT_LIMIT`], and never more than [`ListQuery::MAX_LIMIT`].
    pub limit: Option<u32>,
}

/// The owner of the keys in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Whose {
    /// The user's own keys; for a server or an operator, all keys; in a portal session, its owner's.
    #[default]
    Callers,
    /// This user's keys. Only a server, an operator and the user themselves may list them.
    Users(OwnerId),
    /// This organization's keys. A server, an operator and the organization's members may list them.
    Organizations(OrganizationId),
    /// All keys of this owner, of configurations whose keys belong to users and of others. Only a server and an operator may
    /// list them. No request of the API means them.
    Owners(OwnerId),
    /// No keys: the meaning of an empty `organizationId` (docs/better-auth-wire.md 13.13).
    Nobodys,
}

impl Whose {
    /// Reads the members of a request: an empty `organizationId` is given as null.
    pub fn of_request(organization: Field<OrganizationId>, owner: Option<OwnerId>) -> Self {
        match (organization, owner) {
            (Field::Null, _) => Self::Nobodys,
            (Field::Given(organization), _) => Self::Organizations(organization),
            (Field::Absent, Some(owner)) => Self::Users(owner),
            (Field::Absent, None) => Self::Callers,
        }
    }
}

impl Keys {
    /// Lists one page of keys, with the number of keys on all pages: it is exact if they are all keys of one owner, as in
    /// Better Auth's list, and else up to [`ListQuery::COUNT_UP_TO`]. Rows that cannot be read are listed as unreadable.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED`; a member's missing right; [`ServiceError::Store`] if the store fails.
    pub async fn list(&self, caller: &Caller, request: ListKeys) -> Result<Page, ServiceError> {
        let reach = caller.manages(Deed::Read, ErrorCode::Unauthorized)?;
        let Some((owner, configurations)) = self.readable(reach, request.whose, request.config_id).await? else {
            return Ok(Page::default());
        };
        let is_better_auths = owner.is_some() && request.filter.is_empty();
        let query = ListQuery {
            owner,
            configurations,
            filter: request.filter,
            sort_by: request.sort_by.unwrap_or(SortField::CreatedAt),
            direction: request.direction,
            offset: request.offset.unwrap_or(0),
            limit: request.limit.unwrap_or(ListQuery::DEFAULT_LIMIT).min(ListQuery::MAX_LIMIT),
            count_up_to: (!is_better_auths).then_some(ListQuery::COUNT_UP_TO),
        };
        let mut page = self.store.list(&query).await?;
        let now = self.clock.now();
        page.keys = page.keys.into_iter().map(|key| key.as_of(now)).collect();
        for Unreadable { id, column } in &page.unreadable {
            tracing::warn!(id = id.as_ref().map(tracing::field::display), column, "a key cannot be read");
        }
        Ok(page)
    }

    /// Returns the owner and the configurations of the keys of `whose` within `reach`; `None` = no keys.
    pub(super) async fn readable(
        &self,
        reach: Reach<'_>,
        whose: Whose,
        config_id: Option<ConfigId>,
    ) -> Result<Option<(Option<OwnerId>, ConfigFilter)>, ServiceError> {
        let (owner, references) = match (whose, reach) {
            (Whose::Nobodys, _) => return Ok(None),
            (Whose::Callers, Reach::Everyone) => (None, None),
            (Whose::Callers, Reach::User(user)) => (Some(user.into()), Some(References::User)),
            (Whose::Callers, Reach::Owner(owner)) => (Some(owner.clone()), None),
            (Whose::Users(owner), reach) => {
                reach.check_user(&owner)?;
                (Some(owner), Some(References::User))
            }
            (Whose::Organizations(organization), reach) => {
                self.authorize(reach, Deed::Read, &organization).await?;
                (Some(OwnerId::from(&organization)), Some(References::Organization))
            }
            (Whose::Owners(owner), Reach::Everyone) => (Some(owner), None),
            (Whose::Owners(_), _) => return Err(ErrorCode::Unauthorized.into()),
        };
        let of_owners = references.map_or(ConfigFilter::Any, |references| self.policy.owned_by(references));
        Ok(Some((owner, narrowed(of_owners, config_id))))
    }
}

impl Keys {
    /// Returns the owners whose events `whose` means, for a caller who may see them; `None` = all owners.
    ///
    /// # Errors
    ///
    /// Returns `UNAUTHORIZED`; a member's missing right; [`ServiceError::Store`] if the store fails.
    pub async fn owners_of_events(&self, caller: &Caller, whose: Whose) -> Result<Option<Vec<OwnerId>>, ServiceError> {
        let reach = caller.manages(Deed::Read, ErrorCode::Unauthorized)?;
        Ok(match (whose, reach) {
            (Whose::Nobodys, _) => Some(Vec::new()),
            (Whose::Callers, Reach::Everyone) => None,
            (Whose::Callers, Reach::User(user)) => Some(vec![user.into()]),
            (Whose::Callers, Reach::Owner(owner)) => Some(vec![owner.clone()]),
            (Whose::Users(owner), reach) => {
                reach.check_user(&owner)?;
                Some(vec![owner])
            }
            (Whose::Organizations(organization), reach) => {
                self.authorize(reach, Deed::Read, &organization).await?;
                Some(vec![OwnerId::from(&organization)])
            }
            (Whose::Owners(owner), Reach::Everyone) => Some(vec![owner]),
            (Whose::Owners(_), _) => return Err(ErrorCode::Unauthorized.into()),
        })
    }
}

impl Reach<'_> {
    /// Checks that this user's keys are within reach.
    pub(crate) fn check_user(self, owner: &OwnerId) -> Result<(), ErrorCode> {
        let is_within = match self {
            Self::Everyone => true,
            Self::User(user) => *user == *owner,
            Self::Owner(other) => other == owner,
        };
        if is_within { Ok(()) } else { Err(ErrorCode::Unauthorized) }
    }
}

/// Narrows the filter to the requested configuration.
fn narrowed(filter: ConfigFilter, asked: Option<ConfigId>) -> ConfigFilter {
    match asked {
        None => filter,
        Some(id) if filter.includes(&id) => ConfigFilter::AnyOf(vec![id]),
        Some(_) => ConfigFilter::AnyOf(Vec::new()),
    }
}
