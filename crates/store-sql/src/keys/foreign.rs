use keymint_domain::ApiKey;
use keymint_domain::key::{ForeignGroup, ForeignLookup, StoredKey};
use keymint_ports::StoreError;

use crate::columns::COLUMN_LIST;
use crate::connection::{fetch_all, fetch_optional};
use crate::{ReadConnection, Row, RowReader, Statement, WriteConnection, read_key};

/// Lists the groups of lookups that keys with foreign hashes have. Each of them takes one step on the index.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn foreign_groups(connection: &mut dyn ReadConnection) -> Result<Vec<ForeignGroup>, StoreError> {
    const NEXT: &str = r#"select min("keymint_foreign_lookup") as "lookup" from "apikey"
        where "keymint_foreign_lookup" >= $1 and "keymint_foreign_lookup" is not null"#;
    let (mut groups, mut from) = (Vec::new(), String::new());
    loop {
        let read = |row: &dyn Row| {
            let lookup = RowReader::new(row, "apikey", "id").text("lookup")?;
            Ok(lookup.map(ForeignLookup::from_stored))
        };
        let next = fetch_optional(connection, Statement::new(NEXT).bind(&*from), read).await?;
        let Some(lookup) = next.flatten() else { return Ok(groups) };
        groups.extend(lookup.group());
        from = lookup.behind_group();
    }
}

/// Finds the keys that have one of these lookups, and those that are stored under one of these texts.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn find_foreign(
    connection: &mut dyn ReadConnection,
    lookups: &[ForeignLookup],
    forms: &[StoredKey],
) -> Result<Vec<ApiKey>, StoreError> {
    let (one_of_lookups, one_of_forms) = (connection.dialect().one_of("$1"), connection.dialect().one_of("$2"));
    let find = Statement::new(format!(
        r#"select {COLUMN_LIST} from "apikey"
            where "keymint_foreign_lookup" {one_of_lookups} and "keymint_foreign_lookup" is not null
        union all select {COLUMN_LIST} from "apikey" where "key" {one_of_forms}"#
    ));
    let find = find.bind(lookups.iter().map(ForeignLookup::as_str).collect::<Vec<_>>());
    let find = find.bind(forms.iter().map(StoredKey::as_str).collect::<Vec<_>>());
    let mut keys = fetch_all(connection, find, read_key).await?;
    keys.sort_by(|one, other| one.details.id.cmp(&other.details.id));
    Ok(keys)
}

/// Stores a key under another text, and clears its foreign hash, unless somebody else has done so.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn rehash(
    connection: &mut dyn WriteConnection,
    key: &ApiKey,
    stored: &StoredKey,
) -> Result<bool, StoreError> {
    const REHASH: &str = r#"update "apikey"
        set "key" = $1, "keymint_foreign_hash" = null, "keymint_foreign_lookup" = $2
        where "id" = $3 and "keymint_foreign_hash" = $4"#;
    let Some(hash) = &key.details.foreign else { return Ok(false) };
    connection.forget(&key.details.stored);
    connection.forget(stored);
    let rehash = Statement::new(REHASH)
        .bind(stored.as_str())
        .bind(ForeignLookup::rehashed(hash).as_str().to_owned())
        .bind(key.details.id.as_str())
        .bind(hash.as_stored());
    Ok(connection.execute(rehash).await? == 1)
}
