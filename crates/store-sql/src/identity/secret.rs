use keymint_ports::StoreError;

use crate::connection::fetch_optional;
use crate::{RowReader, Statement, WriteConnection};

/// Keeps the first secret that is offered. Returns the one that is kept.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn keep_secret(connection: &mut dyn WriteConnection, offered: &str) -> Result<String, StoreError> {
    // One statement is atomic. The update changes nothing, but makes it return the row that is kept already.
    const KEEP: &str = r#"insert into "keymint_secret" ("id", "secret") values (1, $1)
        on conflict ("id") do update set "secret" = "keymint_secret"."secret" returning "secret""#;
    let kept = fetch_optional(connection, Statement::new(KEEP).bind(offered), |row| {
        Ok(RowReader::new(row, "keymint_secret", "id").required_text("secret")?.to_owned())
    });
    kept.await?.ok_or_else(|| StoreError::unavailable("no secret came back"))
}
