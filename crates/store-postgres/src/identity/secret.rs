use keymint_ports::StoreError;
use sqlx::postgres::PgConnection;
use sqlx::query;

use crate::error::store_error;
use crate::row::Reader;

pub(super) async fn keep(connection: &mut PgConnection, offered: &str) -> Result<String, StoreError> {
    // One statement is atomic. The update changes nothing, but makes it return the row that is kept already.
    const KEEP: &str = r#"insert into "keymint_secret" ("id", "secret") values (1, $1)
        on conflict ("id") do update set "secret" = "keymint_secret"."secret" returning "secret""#;
    let row = query(KEEP).bind(offered).fetch_one(connection).await.map_err(store_error)?;
    let row = Reader::new(&row, "keymint_secret", "id");
    Ok(row.required("secret", row.text("secret")?)?.to_owned())
}
