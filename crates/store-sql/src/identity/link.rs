use std::num::NonZeroU32;

use keymint_domain::event::Origin;
use keymint_domain::link::{Link, LinkPurpose, TokenHash};
use keymint_domain::portal::{PortalGrant, PortalRights, PortalSession, ReturnUrl};
use keymint_domain::{OwnerId, RowId, Timestamp, UserId};
use keymint_ports::{Claimant, NewPassword, StoreError};

use super::{insert_all, operator, user};
use crate::connection::{end, fetch_optional};
use crate::{Layout, ReadConnection, Row, RowReader, Statement, WriteConnection, events};

const LINK: &str = "keymint_link";
const LINK_COLUMNS: &str = r#""hash", "purpose", "userId", "owner", "may", "returnUrl", "sessionSeconds", "createdAt",
    "expiresAt""#;
const SESSION: &str = "keymint_portal_session";
const SESSION_COLUMNS: &str = r#""id", "hash", "owner", "may", "returnUrl", "createdAt", "expiresAt""#;

/// Adds a link. Returns `false` if it can have no use.
///
/// # Errors
/// [`StoreError::Duplicate`], [`StoreError::Unavailable`]
pub async fn insert_link(
    connection: &mut dyn WriteConnection,
    link: &Link,
    origin: &Origin,
) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = insert_if_possible(connection, link, origin).await;
    end(connection, outcome).await
}

async fn insert_if_possible(
    connection: &mut dyn WriteConnection,
    link: &Link,
    origin: &Origin,
) -> Result<bool, StoreError> {
    let is_possible = match &link.purpose {
        LinkPurpose::Claim => !operator::has_operator(connection).await?,
        LinkPurpose::Reset(user) => operator::is_user(connection, user).await?,
        LinkPurpose::Portal(_) | LinkPurpose::Form => true,
    };
    if is_possible {
        connection.execute(insert(link)).await?;
        events::insert(connection, origin.link_created(link)).await?;
    }
    Ok(is_possible)
}

fn insert(link: &Link) -> Statement<'_> {
    let Link { hash, purpose, created_at, expires_at } = link;
    let (user, grant) = match purpose {
        LinkPurpose::Claim | LinkPurpose::Form => (None, None),
        LinkPurpose::Reset(user) => (Some(user), None),
        LinkPurpose::Portal(grant) => (None, Some(grant)),
    };
    let insert = format!(r#"insert into "{LINK}" ({LINK_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"#);
    let insert = Statement::new(insert).bind(hash.as_str()).bind(purpose.name()).bind(user.map(UserId::as_str));
    let insert = match grant {
        None => insert.bind(None::<&str>).bind(None::<&str>).bind(None::<&str>).bind(None::<i64>),
        Some(PortalGrant { owner, may, return_url, lifetime_seconds }) => insert
            .bind(owner.as_str())
            .bind(may.to_string())
            .bind(return_url.as_ref().map(ReturnUrl::as_str))
            .bind(i64::from(*lifetime_seconds)),
    };
    insert.bind(*created_at).bind(*expires_at)
}

/// Finds a link.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn find_link(connection: &mut dyn ReadConnection, hash: &TokenHash) -> Result<Option<Link>, StoreError> {
    let find = format!(r#"select {LINK_COLUMNS} from "{LINK}" where "hash" = $1"#);
    fetch_optional(connection, Statement::new(find).bind(hash.as_str()), read_link).await
}

/// Removes a link of this purpose. Of any number of calls one gets it: the others wait for its row, and find none.
async fn take(
    connection: &mut dyn WriteConnection,
    hash: &TokenHash,
    purpose: &'static str,
    now: Timestamp,
) -> Result<Option<LinkPurpose>, StoreError> {
    let take = format!(r#"delete from "{LINK}" where "hash" = $1 and "purpose" = $2 returning {LINK_COLUMNS}"#);
    let taken = fetch_optional(connection, Statement::new(take).bind(hash.as_str()).bind(purpose), read_link).await?;
    Ok(taken.filter(|link| link.is_valid(now)).map(|link| link.purpose))
}

/// Commits the use of a link. If there was none, or it could not be used, everything stays as it was.
async fn end_use<T: Send>(
    connection: &mut dyn WriteConnection,
    outcome: Result<Option<T>, StoreError>,
) -> Result<Option<T>, StoreError> {
    match outcome {
        Ok(None) => {
            connection.rollback().await?;
            Ok(None)
        }
        outcome => match end(connection, outcome).await {
            // The user was removed in the meantime.
            Err(StoreError::Dangling) => Ok(None),
            outcome => outcome,
        },
    }
}

/// Uses a claim.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Duplicate`], [`StoreError::Unavailable`]
pub async fn claim(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    hash: &TokenHash,
    claimant: &Claimant,
    now: Timestamp,
    origin: &Origin,
) -> Result<bool, StoreError> {
    if matches!(claimant, Claimant::New(..)) {
        // Keys may be there before their owner is.
        connection.forget_all();
    }
    connection.begin().await?;
    let outcome = take_and_claim(connection, layout, hash, claimant, now, origin).await;
    Ok(end_use(connection, outcome).await?.is_some())
}

async fn take_and_claim(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    hash: &TokenHash,
    claimant: &Claimant,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<()>, StoreError> {
    connection.lock("keymint first operator").await?;
    let claim = take(connection, hash, LinkPurpose::CLAIM, now).await?;
    if claim.is_none() || operator::has_operator(connection).await? {
        return Ok(None);
    }
    let user = match claimant {
        Claimant::New(new, session) => {
            insert_all(connection, layout, new, session, origin).await?;
            &new.user.id
        }
        Claimant::User(user) => user,
    };
    if !operator::insert(connection, user, now).await? {
        return Ok(None);
    }
    events::insert(connection, origin.operator_added(user, true)).await?;
    Ok(Some(()))
}

/// Uses a reset. Returns the user.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn reset_password(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    hash: &TokenHash,
    password: &NewPassword,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<UserId>, StoreError> {
    connection.begin().await?;
    let outcome = take_and_reset(connection, layout, hash, password, now, origin).await;
    end_use(connection, outcome).await
}

async fn take_and_reset(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    hash: &TokenHash,
    password: &NewPassword,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<UserId>, StoreError> {
    const REMOVE_SESSIONS: &str = r#"delete from "session" where "userId" = $1"#;
    // The user's other resets are removed, too: their uses wait for each other before they lock a row.
    let Some(LinkPurpose::Reset(id)) = find_link(connection, hash).await?.map(|link| link.purpose) else {
        return Ok(None);
    };
    user::lock_password(connection, &id).await?;
    if take(connection, hash, LinkPurpose::RESET, now).await?.is_none() {
        return Ok(None);
    }
    if !operator::is_user(connection, &id).await? {
        return Ok(None);
    }
    user::set_password(connection, layout, &id, password, now).await?;
    let sessions = connection.execute(Statement::new(REMOVE_SESSIONS).bind(id.as_str())).await?;
    events::insert(connection, origin.password_changed(&id, true, sessions)).await?;
    Ok(Some(id))
}

/// Uses the link of a portal.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Duplicate`], [`StoreError::Unavailable`]
pub async fn open_portal_session(
    connection: &mut dyn WriteConnection,
    link: &TokenHash,
    id: &RowId,
    token: &TokenHash,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<PortalSession>, StoreError> {
    connection.begin().await?;
    let outcome = take_and_open(connection, link, id, token, now, origin).await;
    end_use(connection, outcome).await
}

async fn take_and_open(
    connection: &mut dyn WriteConnection,
    link: &TokenHash,
    id: &RowId,
    token: &TokenHash,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<PortalSession>, StoreError> {
    let Some(LinkPurpose::Portal(grant)) = take(connection, link, LinkPurpose::PORTAL, now).await? else {
        return Ok(None);
    };
    let session = grant.open(id.clone(), token.clone(), now);
    let PortalSession { id, hash, owner, may, return_url, created_at, expires_at } = &session;
    let insert = format!(r#"insert into "{SESSION}" ({SESSION_COLUMNS}) values ($1, $2, $3, $4, $5, $6, $7)"#);
    let insert = Statement::new(insert).bind(id.as_str()).bind(hash.as_str()).bind(owner.as_str());
    let insert = insert.bind(may.to_string()).bind(return_url.as_ref().map(ReturnUrl::as_str));
    connection.execute(insert.bind(*created_at).bind(*expires_at)).await?;
    events::insert(connection, origin.portal_session_opened(&session)).await?;
    Ok(Some(session))
}

/// Finds a portal session.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn find_portal_session(
    connection: &mut dyn ReadConnection,
    token: &TokenHash,
) -> Result<Option<PortalSession>, StoreError> {
    let find = format!(r#"select {SESSION_COLUMNS} from "{SESSION}" where "hash" = $1"#);
    fetch_optional(connection, Statement::new(find).bind(token.as_str()), read_session).await
}

/// Ends a portal session. Returns `false` if there was none.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn remove_portal_session(
    connection: &mut dyn WriteConnection,
    token: &TokenHash,
    origin: &Origin,
) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = find_and_remove(connection, token, origin).await;
    end(connection, outcome).await
}

async fn find_and_remove(
    connection: &mut dyn WriteConnection,
    token: &TokenHash,
    origin: &Origin,
) -> Result<bool, StoreError> {
    let remove = format!(r#"delete from "{SESSION}" where "hash" = $1 returning {SESSION_COLUMNS}"#);
    let remove = Statement::new(remove).bind(token.as_str());
    let Some(session) = fetch_optional(connection, remove, read_session).await? else {
        return Ok(false);
    };
    events::insert(connection, origin.portal_session_ended(&session)).await?;
    Ok(true)
}

/// Removes links and portal sessions that have ended. Returns the larger of the two numbers.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn purge_links(
    connection: &mut dyn WriteConnection,
    now: Timestamp,
    limit: NonZeroU32,
) -> Result<u32, StoreError> {
    let mut most = 0;
    for table in [LINK, SESSION] {
        let purge = format!(
            r#"delete from "{table}" where "hash" in
                (select "hash" from "{table}" where "expiresAt" <= $1 order by "expiresAt" limit $2)"#
        );
        let purge = Statement::new(purge).bind(now).bind(i64::from(limit.get()));
        most = most.max(connection.execute(purge).await?);
    }
    Ok(u32::try_from(most).unwrap_or(u32::MAX))
}

/// Removes the links of a user, and the portal sessions on their keys.
pub(super) async fn forget_user(connection: &mut dyn WriteConnection, id: &UserId) -> Result<(), StoreError> {
    for forget in [
        r#"delete from "keymint_link" where "userId" = $1"#,
        r#"delete from "keymint_link" where "owner" = $1"#,
        r#"delete from "keymint_portal_session" where "owner" = $1"#,
        r#"delete from "keymint_operator" where "userId" = $1"#,
    ] {
        connection.execute(Statement::new(forget).bind(id.as_str())).await?;
    }
    Ok(())
}

fn read_link(row: &dyn Row) -> Result<Link, StoreError> {
    // An error names the row by its purpose: nobody should see the hash.
    let row = RowReader::new(row, LINK, "purpose");
    let purpose = match row.required_text("purpose")? {
        LinkPurpose::CLAIM => LinkPurpose::Claim,
        LinkPurpose::FORM => LinkPurpose::Form,
        LinkPurpose::RESET => LinkPurpose::Reset(row.parsed("userId", UserId::parse)?),
        LinkPurpose::PORTAL => LinkPurpose::Portal(PortalGrant {
            owner: row.parsed("owner", OwnerId::from_stored)?,
            may: row.parsed("may", PortalRights::from_stored)?,
            return_url: row.optional_parsed("returnUrl", ReturnUrl::parse)?,
            lifetime_seconds: row
                .number("sessionSeconds")?
                .and_then(|seconds| u32::try_from(seconds).ok())
                .ok_or_else(|| row.corrupt("sessionSeconds"))?,
        }),
        _ => return Err(row.corrupt("purpose")),
    };
    Ok(Link {
        hash: TokenHash::from_stored(row.required_text("hash")?),
        purpose,
        created_at: row.required_instant("createdAt")?,
        expires_at: row.required_instant("expiresAt")?,
    })
}

fn read_session(row: &dyn Row) -> Result<PortalSession, StoreError> {
    let row = RowReader::new(row, SESSION, "id");
    Ok(PortalSession {
        id: row.parsed("id", RowId::parse)?,
        hash: TokenHash::from_stored(row.required_text("hash")?),
        owner: row.parsed("owner", OwnerId::from_stored)?,
        may: row.parsed("may", PortalRights::from_stored)?,
        return_url: row.optional_parsed("returnUrl", ReturnUrl::parse)?,
        created_at: row.required_instant("createdAt")?,
        expires_at: row.required_instant("expiresAt")?,
    })
}
