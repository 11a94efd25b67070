use keymint_domain::event::Origin;
use keymint_domain::identity::{Client, Session, SessionToken, User};
use keymint_domain::value::RowId;
use keymint_domain::{Timestamp, UserId};
use keymint_ports::StoreError;

use super::user::{read_user, user_columns};
use crate::connection::{end, fetch_optional};
use crate::{Layout, ReadConnection, Row, RowReader, Statement, WriteConnection, events};

/// Adds a session. Returns `false` if its user does not exist.
///
/// # Errors
/// [`StoreError::Duplicate`], [`StoreError::Unavailable`]
pub async fn insert_session(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    session: &Session,
    origin: &Origin,
) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = insert_and_record(connection, layout, session, origin).await;
    match end(connection, outcome).await {
        Err(StoreError::Dangling) => Ok(false),
        outcome => outcome.map(|()| true),
    }
}

async fn insert_and_record(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    session: &Session,
    origin: &Origin,
) -> Result<(), StoreError> {
    insert(connection, layout, session).await?;
    events::insert(connection, origin.signed_in(session)).await?;
    Ok(())
}

pub(super) async fn insert(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    session: &Session,
) -> Result<(), StoreError> {
    let has_organization = layout.has_active_organization;
    let (column, value) = if has_organization { (r#", "activeOrganizationId""#, ", $9") } else { ("", "") };
    let Session { id, token, user_id, expires_at, created_at, updated_at, client, active_organization_id } = session;
    let Client { ip_address, user_agent } = client;
    let mut insert = Statement::new(format!(
        r#"insert into "session" ("id", "token", "userId", "expiresAt", "createdAt", "updatedAt", "ipAddress",
            "userAgent"{column}) values ($1, $2, $3, $4, $5, $6, $7, $8{value})"#
    ))
    .bind(id.as_str())
    .bind(token.expose())
    .bind(user_id.as_str())
    .bind(*expires_at)
    .bind(*created_at)
    .bind(*updated_at)
    .bind(ip_address.as_deref())
    .bind(user_agent.as_deref());
    if has_organization {
        insert = insert.bind(active_organization_id.as_deref());
    }
    connection.execute(insert).await?;
    Ok(())
}

/// Finds a session with its user.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn find_session(
    connection: &mut dyn ReadConnection,
    layout: Layout,
    token: &SessionToken,
) -> Result<Option<(Session, User)>, StoreError> {
    let find = format!(
        r#"select {}, {} from "session" as s join "user" as u on u."id" = s."userId" where s."token" = $1"#,
        session_columns(layout),
        user_columns(layout),
    );
    let read = |row: &dyn Row| Ok((read_session(row)?, read_user(row)?));
    fetch_optional(connection, Statement::new(find).bind(token.expose()), read).await
}

/// Moves the end of a session. Returns `false` if there is none.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn refresh_session(
    connection: &mut dyn WriteConnection,
    token: &SessionToken,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const REFRESH: &str = r#"update "session" set "expiresAt" = $2, "updatedAt" = $3 where "token" = $1"#;
    let refresh = Statement::new(REFRESH).bind(token.expose()).bind(expires_at).bind(now);
    Ok(connection.execute(refresh).await? == 1)
}

/// Removes a session. Returns `false` if there is none.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn remove_session(
    connection: &mut dyn WriteConnection,
    token: &SessionToken,
    origin: &Origin,
) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = find_and_remove(connection, token, origin).await;
    end(connection, outcome).await
}

async fn find_and_remove(
    connection: &mut dyn WriteConnection,
    token: &SessionToken,
    origin: &Origin,
) -> Result<bool, StoreError> {
    const REMOVE: &str = r#"delete from "session" where "token" = $1 returning "id", "userId""#;
    let remove = Statement::new(REMOVE).bind(token.expose());
    let removed = fetch_optional(connection, remove, |row| {
        Ok(RowReader::new(row, "session", "id").parsed("userId", UserId::parse).ok())
    });
    let Some(user) = removed.await? else {
        return Ok(false);
    };
    events::insert(connection, user.and_then(|user| origin.signed_out(&user))).await?;
    Ok(true)
}

/// Returns the columns that a statement selects of the sessions `s`, for [`read_session`].
pub(super) fn session_columns(layout: Layout) -> String {
    let organization = if layout.has_active_organization { r#"s."activeOrganizationId""# } else { "null" };
    format!(
        r#"s."id", s."token", s."userId", s."expiresAt", s."createdAt", s."updatedAt", s."ipAddress", s."userAgent",
            {organization} as "activeOrganizationId""#
    )
}

pub(super) fn read_session(row: &dyn Row) -> Result<Session, StoreError> {
    let row = RowReader::new(row, "session", "id");
    Ok(Session {
        id: row.parsed("id", RowId::parse)?,
        token: SessionToken::new(row.required_text("token")?),
        user_id: row.parsed("userId", UserId::parse)?,
        expires_at: row.required_instant("expiresAt")?,
        created_at: row.required_instant("createdAt")?,
        updated_at: row.required_instant("updatedAt")?,
        client: Client {
            ip_address: row.text("ipAddress")?.map(str::to_owned),
            user_agent: row.text("userAgent")?.map(str::to_owned),
        },
        active_organization_id: row.text("activeOrganizationId")?.map(str::to_owned),
    })
}
