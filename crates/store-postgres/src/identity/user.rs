use keymint_domain::UserId;
use keymint_domain::identity::{Email, NewUser, PasswordHash, User};
use keymint_ports::{Credential, StoreError};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::query;

use crate::error::store_error;
use crate::instant::Instant;
use crate::layout::Layout;
use crate::owner::{OwnerColumns, read_ban};
use crate::row::Reader;

/// What a statement selects of the users `u`; [`read`] takes it. Names that other tables have too say whose they are.
macro_rules! user_columns {
    ($ban_columns:ident) => {
        concat!(
            r#"u."id" as "user_id", u."name", u."email", u."emailVerified", u."image", "#,
            r#"u."createdAt" as "user_created_at", u."updatedAt" as "user_updated_at", "#,
            ban_columns!($ban_columns),
        )
    };
}
pub(super) use user_columns;

/// Adds the user, and the account that holds the password.
pub(super) async fn insert(connection: &mut PgConnection, layout: Layout, new: &NewUser) -> Result<(), StoreError> {
    const INSERT: &str = r#"insert into "user" ("id", "name", "email", "emailVerified", "image", "createdAt", "updatedAt")
        values ($1, $2, $3, $4, $5, $6, $7)"#;
    let NewUser { user, account_id, password_hash } = new;
    // Nobody is banned before they exist.
    let User { id, name, email, email_verified, image, created_at, updated_at, ban: _ } = user;
    let (created_at, updated_at) = (Instant(*created_at), Instant(*updated_at));
    let insert = query(INSERT).bind(id.as_str()).bind(name).bind(email).bind(*email_verified).bind(image.as_deref());
    insert.bind(created_at).bind(updated_at).execute(&mut *connection).await.map_err(store_error)?;

    let insert = query(insert_account(layout)).bind(account_id.as_str()).bind(id.as_str()).bind(password_hash.as_str());
    insert.bind(created_at).bind(updated_at).execute(connection).await.map_err(store_error)?;
    Ok(())
}

fn insert_account(layout: Layout) -> &'static str {
    macro_rules! insert {
        ($column:literal, $value:literal) => {
            concat!(
                r#"insert into "account" ("id", "accountId", "providerId", "userId", "password", "createdAt", "updatedAt""#,
                $column,
                ") values ($1, $2, 'credential', $2, $3, $4, $5",
                $value,
                ")"
            )
        };
    }
    if layout.has_issuer { insert!(r#", "issuer""#, ", 'local:credential'") } else { insert!("", "") }
}

pub(super) async fn find(
    connection: &mut PgConnection,
    owner_columns: OwnerColumns,
    id: &UserId,
) -> Result<Option<User>, StoreError> {
    macro_rules! find {
        ($ban_columns:ident) => {
            concat!("select ", user_columns!($ban_columns), r#" from "user" as u where u."id" = $1"#)
        };
    }
    let row = query(by_owner_columns!(owner_columns, find))
        .bind(id.as_str())
        .fetch_optional(connection)
        .await
        .map_err(store_error)?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn find_credential(
    connection: &mut PgConnection,
    owner_columns: OwnerColumns,
    email: &Email,
) -> Result<Option<Credential>, StoreError> {
    macro_rules! find {
        ($ban_columns:ident) => {
            concat!(
                "select ",
                user_columns!($ban_columns),
                r#", a."id" as "account_id", a."password" from "user" as u left join "account" as a"#,
                r#" on a."userId" = u."id" and a."providerId" = 'credential' and a."accountId" = u."id""#,
                r#" where u."email" = $1 order by a."createdAt", a."id" collate "C" limit 1"#,
            )
        };
    }
    let row = query(by_owner_columns!(owner_columns, find))
        .bind(email.as_str())
        .fetch_optional(connection)
        .await
        .map_err(store_error)?;
    row.as_ref().map(read_credential).transpose()
}

fn read_credential(row: &PgRow) -> Result<Credential, StoreError> {
    let account = Reader::new(row, "account", "account_id");
    Ok(Credential { user: read(row)?, password_hash: account.text("password")?.map(PasswordHash::from_stored) })
}

/// Reads what `user_columns!` selects.
pub(super) fn read(row: &PgRow) -> Result<User, StoreError> {
    let row = Reader::new(row, "user", "user_id");
    let instant = |column, selected_as| {
        row.own_name(column, row.instant(selected_as).and_then(|instant| row.required(selected_as, instant)))
    };
    Ok(User {
        id: row.own_name("id", row.parsed("user_id", UserId::parse))?,
        name: row.required("name", row.text("name")?)?.to_owned(),
        email: row.required("email", row.text("email")?)?.to_owned(),
        email_verified: row.required("emailVerified", row.flag("emailVerified")?)?,
        image: row.text("image")?.map(str::to_owned),
        created_at: instant("createdAt", "user_created_at")?,
        updated_at: instant("updatedAt", "user_updated_at")?,
        ban: read_ban(&row)?,
    })
}
