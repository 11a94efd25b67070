use keymint_domain::event::Origin;
use keymint_domain::identity::erased_email;
use keymint_domain::{Timestamp, UserId};
use keymint_ports::{Erased, StoreError};

use super::link;
use crate::connection::end;
use crate::{Statement, WriteConnection, events};

/// Erases the names and addresses of a user. Returns `None` if there is no such user.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn erase_user(
    connection: &mut dyn WriteConnection,
    id: &UserId,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<Erased>, StoreError> {
    connection.begin().await?;
    let outcome = erase_all(connection, id, now, origin).await;
    end(connection, outcome).await
}

async fn erase_all(
    connection: &mut dyn WriteConnection,
    id: &UserId,
    now: Timestamp,
    origin: &Origin,
) -> Result<Option<Erased>, StoreError> {
    const ERASE: &str =
        r#"update "user" set "name" = '', "email" = $2, "image" = null, "updatedAt" = $3 where "id" = $1"#;
    const REMOVE_ACCOUNTS: &str = r#"delete from "account" where "userId" = $1"#;
    const REMOVE_SESSIONS: &str = r#"delete from "session" where "userId" = $1"#;
    const FORGET_NETWORKS: &str = r#"delete from "keymint_key_network"
        where "keyId" in (select "keyId" from "keymint_activity" where "ownerId" = $1)"#;
    // Deleted keys have names, and nobody wants these keys back.
    const FORGET_DELETED: &str = r#"delete from "keymint_deleted_key" where "referenceId" = $1"#;
    const FORGET_LAST: &str = r#"update "keymint_activity" set "lastNetwork" = null
        where "ownerId" = $1 and "lastNetwork" is not null"#;
    let erase = Statement::new(ERASE).bind(id.as_str()).bind(erased_email(id)).bind(now);
    if connection.execute(erase).await? == 0 {
        return Ok(None);
    }
    connection.execute(Statement::new(REMOVE_ACCOUNTS).bind(id.as_str())).await?;
    let sessions = connection.execute(Statement::new(REMOVE_SESSIONS).bind(id.as_str())).await?;
    for forget in [FORGET_NETWORKS, FORGET_LAST, FORGET_DELETED] {
        connection.execute(Statement::new(forget).bind(id.as_str())).await?;
    }
    link::forget_user(connection, id).await?;
    let events = events::erase_personal(connection, id).await?;
    events::insert(connection, origin.user_erased(id, events, sessions)).await?;
    Ok(Some(Erased { events, sessions }))
}
