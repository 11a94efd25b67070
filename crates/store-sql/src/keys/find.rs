use keymint_domain::key::StoredKey;
use keymint_domain::{ApiKey, ConfigId, KeyId, OwnerId};
use keymint_ports::{KeyStub, StoreError};

use super::place::{find_by_id, lock_row};
use crate::columns::COLUMN_LIST;
use crate::{ReadConnection, Row, RowReader, Statement, read_key};

/// Finds the key of an id.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn find(connection: &mut dyn ReadConnection, id: &KeyId) -> Result<Option<ApiKey>, StoreError> {
    let find = || Statement::new(format!(r#"select {COLUMN_LIST} from "apikey" where "id" = $1"#)).bind(id.as_str());
    find_by_id(connection, id, find, read_key).await
}

/// Finds the key of an id, locked until the transaction ends.
pub(super) async fn find_and_lock(
    connection: &mut dyn ReadConnection,
    id: &KeyId,
) -> Result<Option<ApiKey>, StoreError> {
    lock_row(connection, id, COLUMN_LIST, read_key).await
}

/// Finds what can be read of the key of an id.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn find_stub(connection: &mut dyn ReadConnection, id: &KeyId) -> Result<Option<KeyStub>, StoreError> {
    const FIND: &str =
        r#"select "id", "referenceId", "configId", "key", "keymint_second_key" from "apikey" where "id" = $1"#;
    find_by_id(connection, id, || Statement::new(FIND).bind(id.as_str()), |row| Ok(read_stub(row))).await
}

pub(super) fn read_stub(row: &dyn Row) -> KeyStub {
    let row = RowReader::new(row, "apikey", "id");
    KeyStub {
        owner: row.parsed("referenceId", OwnerId::from_stored).ok(),
        config_id: row.text("configId").ok().map(ConfigId::from_optional),
        stored: ["key", "keymint_second_key"]
            .into_iter()
            .filter_map(|column| row.text(column).ok().flatten())
            .map(StoredKey::from_stored)
            .collect(),
    }
}
