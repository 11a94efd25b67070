use keymint_ports::StoreError;
use sqlx::query;
use sqlx::sqlite::SqliteConnection;

use crate::error::store_error;
use crate::row::Reader;

pub(super) async fn keep(connection: &mut SqliteConnection, offered: &str) -> Result<String, StoreError> {
    // One statement is atomic. The update changes nothing, but makes it return the row that is kept already.
    const KEEP: &str = r#"insert into "keymint_secret" ("id", "secret") values (1, ?1)
        on conflict ("id") do update set "secret" = "keymint_secret"."secret" returning "secret""#;
    // All rows, so that the statement comes to its end, where it is committed.
    let rows = query(KEEP).bind(offered).fetch_all(connection).await.map_err(store_error)?;
    let row = rows.first().ok_or_else(|| StoreError::unavailable("no secret came back"))?;
    let row = Reader::new(row, "keymint_secret", "id");
    Ok(row.required("secret", row.text("secret")?)?.to_owned())
}
