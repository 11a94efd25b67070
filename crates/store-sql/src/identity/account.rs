//! Changes that users make to their own accounts, and operators to those of others.

use std::num::NonZeroU32;

use keymint_domain::event::Origin;
use keymint_domain::identity::{EditUser, NewUser, PasswordHash, Session, SessionToken, User};
use keymint_domain::verify::Ban;
use keymint_domain::{Timestamp, UserId};
use keymint_ports::{BanOutcome, ListedUser, NewPassword, SessionsAfter, StoreError};

use super::operator::is_user;
use super::session::{read_session, session_columns};
use super::user::{self, read_user, user_columns};
use crate::connection::{end, fetch_all, fetch_optional};
use crate::{Layout, OwnerColumns, ReadConnection, Row, RowReader, Statement, WriteConnection, events};

/// Adds a user with an account, without a session.
///
/// # Errors
/// [`StoreError::Duplicate`], [`StoreError::Unavailable`]
pub async fn insert_user_alone(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    new: &NewUser,
    origin: &Origin,
) -> Result<(), StoreError> {
    // Keys may be there before their owner is.
    connection.forget_all();
    connection.begin().await?;
    let outcome = insert_and_record(connection, layout, new, origin).await;
    end(connection, outcome).await
}

async fn insert_and_record(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    new: &NewUser,
    origin: &Origin,
) -> Result<(), StoreError> {
    user::insert(connection, layout, new).await?;
    events::insert(connection, origin.user_created(&new.user)).await?;
    Ok(())
}

/// Lists users in the order of their ids.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn list_users(
    connection: &mut dyn ReadConnection,
    layout: Layout,
    after: Option<&UserId>,
    limit: NonZeroU32,
) -> Result<Vec<ListedUser>, StoreError> {
    let by_bytes = connection.dialect().by_bytes();
    let list = format!(
        r#"select {}, o."since" as "operator_since" from "user" as u
            left join "keymint_operator" as o on o."userId" = u."id"
            where u."id"{by_bytes} > $1 order by u."id"{by_bytes} limit $2"#,
        user_columns(layout),
    );
    let list = Statement::new(list).bind(after.map_or("", UserId::as_str)).bind(i64::from(limit.get()));
    let read = |row: &dyn Row| {
        let is_operator = RowReader::new(row, "keymint_operator", "user_id").instant("operator_since")?.is_some();
        Ok(ListedUser { user: read_user(row)?, is_operator })
    };
    fetch_all(connection, list, read).await
}

/// Finds the hash of a user's password, that of their oldest account for it.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn find_password(
    connection: &mut dyn ReadConnection,
    id: &UserId,
) -> Result<Option<PasswordHash>, StoreError> {
    let find = format!(
        r#"select "id", "password" from "account"
            where "userId" = $1 and "providerId" = 'credential' and "accountId" = $1
            order by "createdAt", "id"{} limit 1"#,
        connection.dialect().by_bytes(),
    );
    let found = fetch_optional(connection, Statement::new(find).bind(id.as_str()), |row| {
        Ok(RowReader::new(row, "account", "id").text("password")?.map(PasswordHash::from_stored))
    });
    Ok(found.await?.flatten())
}

/// Sets the password of a user. Returns `false` if there is no such user.
///
/// # Errors
/// [`StoreError::Duplicate`], [`StoreError::Unavailable`]
pub async fn set_password(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    id: &UserId,
    password: &NewPassword,
    after: &SessionsAfter,
    now: Timestamp,
    origin: &Origin,
) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = replace_password(connection, layout, id, password, after, now, origin).await;
    end(connection, outcome).await
}

async fn replace_password(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    id: &UserId,
    password: &NewPassword,
    after: &SessionsAfter,
    now: Timestamp,
    origin: &Origin,
) -> Result<bool, StoreError> {
    user::lock_password(connection, id).await?;
    if !is_user(connection, id).await? {
        return Ok(false);
    }
    user::set_password(connection, layout, id, password, now).await?;
    let ended = match after {
        SessionsAfter::All => 0,
        SessionsAfter::None | SessionsAfter::Only(_) => delete_sessions(connection, id, None).await?,
    };
    if let SessionsAfter::Only(session) = after {
        super::session::insert(connection, layout, session).await?;
    }
    events::insert(connection, origin.password_changed(id, false, ended)).await?;
    Ok(true)
}

async fn delete_sessions(
    connection: &mut dyn WriteConnection,
    id: &UserId,
    kept: Option<&SessionToken>,
) -> Result<u64, StoreError> {
    let mut remove = Statement::new(r#"delete from "session" where "userId" = $1"#).bind(id.as_str());
    if let Some(kept) = kept {
        let placeholder = remove.placeholder(kept.expose());
        remove.push(&format!(r#" and "token" <> {placeholder}"#));
    }
    Ok(connection.execute(remove).await?)
}

/// Lists the sessions of a user, the oldest first.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn list_sessions(
    connection: &mut dyn ReadConnection,
    layout: Layout,
    id: &UserId,
) -> Result<Vec<Session>, StoreError> {
    let list = format!(
        r#"select {} from "session" as s where s."userId" = $1 order by s."createdAt", s."id"{}"#,
        session_columns(layout),
        connection.dialect().by_bytes(),
    );
    fetch_all(connection, Statement::new(list).bind(id.as_str()), read_session).await
}

/// Ends the sessions of a user, except `kept`. Returns their number.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn remove_sessions(
    connection: &mut dyn WriteConnection,
    id: &UserId,
    kept: Option<&SessionToken>,
    origin: &Origin,
) -> Result<u64, StoreError> {
    connection.begin().await?;
    let outcome = remove_and_record(connection, id, kept, origin).await;
    end(connection, outcome).await
}

async fn remove_and_record(
    connection: &mut dyn WriteConnection,
    id: &UserId,
    kept: Option<&SessionToken>,
    origin: &Origin,
) -> Result<u64, StoreError> {
    let ended = delete_sessions(connection, id, kept).await?;
    if ended > 0 {
        events::insert(connection, origin.sessions_ended(id, ended)).await?;
    }
    Ok(ended)
}

/// Changes the row of a user. Returns `None` if there is no such user.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn update_user(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    id: &UserId,
    edit: &EditUser,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<User>, StoreError> {
    connection.begin().await?;
    let outcome = update_and_record(connection, layout, id, edit, now, origin).await;
    end(connection, outcome).await
}

async fn update_and_record(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    id: &UserId,
    edit: &EditUser,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<User>, StoreError> {
    let EditUser { name, image } = edit;
    let mut update = Statement::new(r#"update "user" set "updatedAt" = $2"#).bind(id.as_str()).bind(now);
    if let Some(name) = name {
        let placeholder = update.placeholder(name.as_str());
        update.push(&format!(r#", "name" = {placeholder}"#));
    }
    if let Some(image) = image {
        let placeholder = update.placeholder(image.as_deref());
        update.push(&format!(r#", "image" = {placeholder}"#));
    }
    update.push(r#" where "id" = $1"#);
    if connection.execute(update).await? == 0 {
        return Ok(None);
    }
    events::insert(connection, origin.user_updated(id, edit)).await?;
    user::find_user(connection, layout, id).await
}

/// Bans a user, or takes their ban back. Returns `None` if there is no such user.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn set_ban(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    id: &UserId,
    ban: Option<Ban>,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<BanOutcome>, StoreError> {
    // Remembered rows of keys hold the ban of their owner.
    connection.forget_all();
    connection.begin().await?;
    let outcome = ban_and_record(connection, layout, id, ban, now, origin).await;
    end(connection, outcome).await
}

async fn ban_and_record(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    id: &UserId,
    ban: Option<Ban>,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<BanOutcome>, StoreError> {
    const BAN: &str = r#"update "user" set "banned" = $2, "updatedAt" = $3 where "id" = $1"#;
    const BAN_UNTIL: &str = r#"update "user" set "banned" = $2, "updatedAt" = $3, "banExpires" = $4 where "id" = $1"#;
    let until = ban.and_then(|ban| ban.until);
    let update = match layout.owner_columns {
        OwnerColumns::NoBan => None,
        OwnerColumns::Banned if until.is_some() => None,
        OwnerColumns::Banned => Some(Statement::new(BAN).bind(id.as_str()).bind(ban.is_some()).bind(now)),
        OwnerColumns::BannedUntil => {
            Some(Statement::new(BAN_UNTIL).bind(id.as_str()).bind(ban.is_some()).bind(now).bind(until))
        }
    };
    let Some(update) = update else {
        return Ok(is_user(connection, id).await?.then_some(BanOutcome::NoColumns));
    };
    if connection.execute(update).await? == 0 {
        return Ok(None);
    }
    let sessions = if ban.is_some() { delete_sessions(connection, id, None).await? } else { 0 };
    events::insert(connection, origin.ban_set(id, ban, sessions)).await?;
    Ok(Some(BanOutcome::Set { sessions }))
}
