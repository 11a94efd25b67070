use keymint_domain::ApiKey;
use keymint_domain::key::{ForeignGroup, ForeignLookup, StoredKey};
use keymint_ports::StoreError;

use super::moving::{Rewrite, wait_for_moves};
use crate::columns::COLUMN_LIST;
use crate::connection::{end, fetch_all, fetch_optional};
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
    let forms: Vec<_> = forms.iter().map(StoredKey::as_str).collect();
    if keys.is_empty() && wait_for_moves(connection, forms.clone()).await? {
        // One that was hashed anew meanwhile is under its new text.
        let find = format!(r#"select {COLUMN_LIST} from "apikey" where "key" {}"#, connection.dialect().one_of("$1"));
        keys = fetch_all(connection, Statement::new(find).bind(forms), read_key).await?;
    }
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
    let Some(hash) = &key.details.foreign else { return Ok(false) };
    connection.forget(&key.details.stored);
    connection.forget(stored);
    let dialect = connection.dialect();
    let (id, before, lookup) = (key.details.id.as_str(), key.details.stored.as_str(), ForeignLookup::rehashed(hash));
    let rewrite = Rewrite {
        id,
        set: vec![
            ("key", stored.as_str().into()),
            ("keymint_foreign_hash", None::<&str>.into()),
            ("keymint_foreign_lookup", lookup.as_str().to_owned().into()),
        ],
    };
    if !dialect.is_sharded() {
        let mut rehash = rewrite.in_place("apikey");
        let hash = rehash.placeholder(hash.as_stored());
        rehash.push(&format!(r#" and "keymint_foreign_hash" = {hash}"#));
        return Ok(connection.execute(rehash).await? == 1);
    }
    // A write, which also keeps Citus from moving the shard.
    let lock = r#"update "apikey" set "enabled" = "enabled"
        where "id" = $1 and "key" = $2 and "keymint_foreign_hash" = $3 returning "id""#;
    let lock = Statement::new(lock).bind(id).bind(before).bind(hash.as_stored());
    connection.begin().await?;
    let outcome = lock_and_move(connection, lock, rewrite.in_shards(before, stored.as_str())).await;
    end(connection, outcome).await
}

/// Moves a row to the shard of another text, if it is the one that `lock` finds.
async fn lock_and_move(
    connection: &mut dyn WriteConnection,
    lock: Statement<'_>,
    moves: Vec<Statement<'_>>,
) -> Result<bool, StoreError> {
    if fetch_optional(connection, lock, |_| Ok(())).await?.is_none() {
        return Ok(false);
    }
    for statement in moves {
        connection.execute(statement).await?;
    }
    Ok(true)
}
