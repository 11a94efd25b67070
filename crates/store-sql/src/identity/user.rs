use keymint_domain::identity::{Email, NewUser, PasswordHash, User};
use keymint_domain::link::LinkPurpose;
use keymint_domain::{RowId, Timestamp, UserId};
use keymint_ports::{Credential, NewPassword, StoreError};

use crate::connection::fetch_optional;
use crate::row::read_ban;
use crate::{Layout, ReadConnection, Row, RowReader, Statement, WriteConnection};

/// Returns the columns that a statement selects of the users `u`, for [`read_user`]. Names that other tables have too
/// get an alias.
pub(super) fn user_columns(layout: Layout) -> String {
    format!(
        r#"u."id" as "user_id", u."name", u."email", u."emailVerified", u."image",
            u."createdAt" as "user_created_at", u."updatedAt" as "user_updated_at", {} as "user_role", {}"#,
        if layout.has_role { r#"u."role""# } else { "null" },
        layout.owner_columns.selected(),
    )
}

/// Adds the user, and the account that holds the password.
pub(super) async fn insert(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    new: &NewUser,
) -> Result<(), StoreError> {
    const INSERT: &str = r#"insert into "user" ("id", "name", "email", "emailVerified", "image", "createdAt", "updatedAt")
        values ($1, $2, $3, $4, $5, $6, $7)"#;
    let NewUser { user, account_id, password_hash } = new;
    // Nobody is banned or has a role before they exist.
    let User { id, name, email, email_verified, image, created_at, updated_at, ban: _, role: _ } = user;
    let insert = Statement::new(INSERT).bind(id.as_str()).bind(name.as_str()).bind(email.as_str());
    let insert = insert.bind(*email_verified).bind(image.as_deref()).bind(*created_at).bind(*updated_at);
    connection.execute(insert).await?;
    insert_account(connection, layout, id, account_id, password_hash, *created_at).await
}

/// Adds the account that holds a user's password.
async fn insert_account(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    user: &UserId,
    id: &RowId,
    password_hash: &PasswordHash,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (column, value) = if layout.has_issuer { (r#", "issuer""#, ", 'local:credential'") } else { ("", "") };
    let insert = Statement::new(format!(
        r#"insert into "account" ("id", "accountId", "providerId", "userId", "password", "createdAt", "updatedAt"{column})
            values ($1, $2, 'credential', $2, $3, $4, $5{value})"#
    ));
    let insert = insert.bind(id.as_str()).bind(user.as_str()).bind(password_hash.as_str());
    connection.execute(insert.bind(now).bind(now)).await?;
    Ok(())
}

/// Makes other changes of a user's password wait until this one is committed. Each removes rows that another may have locked:
/// without it two would wait for each other.
pub(super) async fn lock_password(connection: &mut dyn WriteConnection, id: &UserId) -> Result<(), StoreError> {
    Ok(connection.lock(&format!("keymint password of {}", id.as_str())).await?)
}

/// Sets the password of a user who exists, in their account, or in a new one if they have none, and removes their resets.
pub(super) async fn set_password(
    connection: &mut dyn WriteConnection,
    layout: Layout,
    id: &UserId,
    password: &NewPassword,
    now: Timestamp,
) -> Result<(), StoreError> {
    const UPDATE: &str = r#"update "account" set "password" = $2, "updatedAt" = $3
        where "userId" = $1 and "providerId" = 'credential' and "accountId" = $1"#;
    const REMOVE_RESETS: &str = r#"delete from "keymint_link" where "userId" = $1 and "purpose" = $2"#;
    let NewPassword { hash, account_id } = password;
    connection.execute(Statement::new(REMOVE_RESETS).bind(id.as_str()).bind(LinkPurpose::RESET)).await?;
    let update = Statement::new(UPDATE).bind(id.as_str()).bind(hash.as_str()).bind(now);
    if connection.execute(update).await? == 0 {
        insert_account(connection, layout, id, account_id, hash, now).await?;
    }
    Ok(())
}

/// Finds a user.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn find_user(
    connection: &mut dyn ReadConnection,
    layout: Layout,
    id: &UserId,
) -> Result<Option<User>, StoreError> {
    let find = format!(r#"select {} from "user" as u where u."id" = $1"#, user_columns(layout));
    fetch_optional(connection, Statement::new(find).bind(id.as_str()), read_user).await
}

/// Finds the user of an address, with the password of their oldest account for it.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn find_credential(
    connection: &mut dyn ReadConnection,
    layout: Layout,
    email: &Email,
) -> Result<Option<Credential>, StoreError> {
    let find = format!(
        r#"select {}, a."id" as "account_id", a."password" from "user" as u left join "account" as a
            on a."userId" = u."id" and a."providerId" = 'credential' and a."accountId" = u."id"
        where u."email" = $1 order by a."createdAt", a."id"{} limit 1"#,
        user_columns(layout),
        connection.dialect().by_bytes(),
    );
    fetch_optional(connection, Statement::new(find).bind(email.as_str()), read_credential).await
}

fn read_credential(row: &dyn Row) -> Result<Credential, StoreError> {
    let account = RowReader::new(row, "account", "account_id");
    Ok(Credential { user: read_user(row)?, password_hash: account.text("password")?.map(PasswordHash::from_stored) })
}

/// Reads the columns of [`user_columns`].
pub(super) fn read_user(row: &dyn Row) -> Result<User, StoreError> {
    let row = RowReader::new(row, "user", "user_id");
    Ok(User {
        id: row.own_name("id", row.parsed("user_id", UserId::parse))?,
        name: row.required_text("name")?.to_owned(),
        email: row.required_text("email")?.to_owned(),
        email_verified: row.required("emailVerified", row.flag("emailVerified")?)?,
        image: row.text("image")?.map(str::to_owned),
        created_at: row.own_name("createdAt", row.required_instant("user_created_at"))?,
        updated_at: row.own_name("updatedAt", row.required_instant("user_updated_at"))?,
        ban: read_ban(&row)?,
        role: row.own_name("role", row.text("user_role"))?.map(str::to_owned),
    })
}
