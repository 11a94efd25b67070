use keymint_domain::event::Origin;
use keymint_domain::{Timestamp, UserId};
use keymint_ports::StoreError;

use crate::connection::{end, fetch_optional};
use crate::{ReadConnection, Statement, WriteConnection, events};

/// Returns `true` if there is any user.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn has_users(connection: &mut dyn ReadConnection) -> Result<bool, StoreError> {
    is_any(connection, Statement::new(r#"select 1 from "user" limit 1"#)).await
}

/// Returns `true` if this user is kept as an operator.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn is_operator(connection: &mut dyn ReadConnection, id: &UserId) -> Result<bool, StoreError> {
    const FIND: &str = r#"select 1 from "keymint_operator" where "userId" = $1"#;
    is_any(connection, Statement::new(FIND).bind(id.as_str())).await
}

/// Returns `true` if any user is kept as an operator. Other programs remove users, too.
pub(super) async fn has_operator(connection: &mut dyn ReadConnection) -> Result<bool, StoreError> {
    const FIND: &str = r#"select 1 from "keymint_operator" as o join "user" as u on u."id" = o."userId" limit 1"#;
    is_any(connection, Statement::new(FIND)).await
}

pub(super) async fn is_user(connection: &mut dyn ReadConnection, id: &UserId) -> Result<bool, StoreError> {
    is_any(connection, Statement::new(r#"select 1 from "user" where "id" = $1"#).bind(id.as_str())).await
}

async fn is_any(connection: &mut dyn ReadConnection, find: Statement<'_>) -> Result<bool, StoreError> {
    Ok(fetch_optional(connection, find, |_| Ok(())).await?.is_some())
}

/// Keeps a user as an operator. Returns `None` if there is no such user.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn make_operator(
    connection: &mut dyn WriteConnection,
    id: &UserId,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<bool>, StoreError> {
    connection.begin().await?;
    let outcome = keep(connection, id, now, origin).await;
    end(connection, outcome).await
}

async fn keep(
    connection: &mut dyn WriteConnection,
    id: &UserId,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<bool>, StoreError> {
    let is_new = insert(connection, id, now).await?;
    if is_new {
        events::insert(connection, origin.operator_added(id, false)).await?;
        return Ok(Some(true));
    }
    Ok(is_user(connection, id).await?.then_some(false))
}

/// Adds the row of an operator. Returns `false` if there is one, or no such user.
pub(super) async fn insert(
    connection: &mut dyn WriteConnection,
    id: &UserId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const INSERT: &str = r#"insert into "keymint_operator" ("userId", "since")
        select "id", $2 from "user" where "id" = $1 on conflict ("userId") do nothing"#;
    Ok(connection.execute(Statement::new(INSERT).bind(id.as_str()).bind(now)).await? == 1)
}

/// Keeps a user as an operator no longer. Returns `false` if they were none.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn remove_operator(
    connection: &mut dyn WriteConnection,
    id: &UserId,
    origin: &Origin,
) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = remove(connection, id, origin).await;
    end(connection, outcome).await
}

async fn remove(connection: &mut dyn WriteConnection, id: &UserId, origin: &Origin) -> Result<bool, StoreError> {
    let delete = Statement::new(r#"delete from "keymint_operator" where "userId" = $1"#).bind(id.as_str());
    let was_kept = connection.execute(delete).await? == 1;
    if was_kept {
        events::insert(connection, origin.operator_removed(id)).await?;
    }
    Ok(was_kept)
}
