use keymint_domain::identity::{Client, Session, SessionToken, User};
use keymint_domain::value::RowId;
use keymint_domain::{Timestamp, UserId};
use keymint_ports::StoreError;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::query;

use super::user::{self, user_columns};
use crate::error::store_error;
use crate::instant::Instant;
use crate::layout::Layout;
use crate::row::Reader;

pub(super) async fn insert(connection: &mut PgConnection, layout: Layout, session: &Session) -> Result<(), StoreError> {
    macro_rules! insert {
        ($column:literal, $value:literal) => {
            concat!(
                r#"insert into "session" ("id", "token", "userId", "expiresAt", "createdAt", "updatedAt", "ipAddress","#,
                r#" "userAgent""#,
                $column,
                ") values ($1, $2, $3, $4, $5, $6, $7, $8",
                $value,
                ")"
            )
        };
    }
    let has_organization = layout.has_active_organization;
    let statement = if has_organization { insert!(r#", "activeOrganizationId""#, ", $9") } else { insert!("", "") };
    let Session { id, token, user_id, expires_at, created_at, updated_at, client, active_organization_id } = session;
    let Client { ip_address, user_agent } = client;
    let mut insert = query(statement)
        .bind(id.as_str())
        .bind(token.expose())
        .bind(user_id.as_str())
        .bind(Instant(*expires_at))
        .bind(Instant(*created_at))
        .bind(Instant(*updated_at))
        .bind(ip_address.as_deref())
        .bind(user_agent.as_deref());
    if has_organization {
        insert = insert.bind(active_organization_id.as_deref());
    }
    insert.execute(connection).await.map_err(store_error)?;
    Ok(())
}

pub(super) async fn find(
    connection: &mut PgConnection,
    layout: Layout,
    token: &SessionToken,
) -> Result<Option<(Session, User)>, StoreError> {
    macro_rules! find {
        ($ban_columns:ident, $active_organization:literal) => {
            concat!(
                r#"select s."id", s."token", s."userId", s."expiresAt", s."createdAt", s."updatedAt", s."ipAddress","#,
                r#" s."userAgent", "#,
                $active_organization,
                r#" as "activeOrganizationId", "#,
                user_columns!($ban_columns),
                r#" from "session" as s join "user" as u on u."id" = s."userId" where s."token" = $1"#,
            )
        };
    }
    let find = if layout.has_active_organization {
        by_owner_columns!(layout.owner_columns, find, r#"s."activeOrganizationId""#)
    } else {
        by_owner_columns!(layout.owner_columns, find, "null::text")
    };
    let row = query(find).bind(token.expose()).fetch_optional(connection).await.map_err(store_error)?;
    row.as_ref().map(|row| Ok((read(row)?, user::read(row)?))).transpose()
}

pub(super) async fn refresh(
    connection: &mut PgConnection,
    token: &SessionToken,
    expires_at: Timestamp,
    now: Timestamp,
) -> Result<bool, StoreError> {
    const REFRESH: &str = r#"update "session" set "expiresAt" = $2, "updatedAt" = $3 where "token" = $1"#;
    let refresh = query(REFRESH).bind(token.expose()).bind(Instant(expires_at)).bind(Instant(now));
    Ok(refresh.execute(connection).await.map_err(store_error)?.rows_affected() == 1)
}

pub(super) async fn remove(connection: &mut PgConnection, token: &SessionToken) -> Result<bool, StoreError> {
    const REMOVE: &str = r#"delete from "session" where "token" = $1"#;
    let remove = query(REMOVE).bind(token.expose()).execute(connection).await;
    Ok(remove.map_err(store_error)?.rows_affected() == 1)
}

fn read(row: &PgRow) -> Result<Session, StoreError> {
    let row = Reader::new(row, "session", "id");
    Ok(Session {
        id: row.parsed("id", RowId::parse)?,
        token: SessionToken::new(row.required("token", row.text("token")?)?),
        user_id: row.parsed("userId", UserId::parse)?,
        expires_at: row.required("expiresAt", row.instant("expiresAt")?)?,
        created_at: row.required("createdAt", row.instant("createdAt")?)?,
        updated_at: row.required("updatedAt", row.instant("updatedAt")?)?,
        client: Client {
            ip_address: row.text("ipAddress")?.map(str::to_owned),
            user_agent: row.text("userAgent")?.map(str::to_owned),
        },
        active_organization_id: row.text("activeOrganizationId")?.map(str::to_owned),
    })
}
