use std::num::NonZeroU32;

use keymint_domain::Timestamp;
use keymint_domain::metering::{JournalPart, UsePage, process_of_journal};
use keymint_ports::StoreError;

use super::count;
use crate::connection::{end, fetch_all, fetch_optional};
use crate::{ReadConnection, Row, RowReader, Statement, WriteConnection};

const JOURNAL: &str = "keymint_usage_journal";

/// The lock of those who write to journals and who close them, so that no part is kept behind the back of who has closed
/// its journal.
const LOCK: &str = "keymint usage journal";

/// Keeps a part of a journal. Returns `false` if the journal was closed before.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn write_journal(connection: &mut dyn WriteConnection, part: &JournalPart) -> Result<bool, StoreError> {
    connection.begin().await?;
    let outcome = write_once(connection, part).await;
    end(connection, outcome).await
}

async fn write_once(connection: &mut dyn WriteConnection, part: &JournalPart) -> Result<bool, StoreError> {
    // The number stays when the part has gone.
    const MARK: &str = r#"insert into "keymint_usage_flush" ("process", "number", "at") values ($1, $2, $3)
        on conflict ("process") do update set "number" = excluded."number", "at" = excluded."at""#;
    const INSERT: &str =
        r#"insert into "keymint_usage_journal" ("journal", "number", "at", "uses") values ($1, $2, $3, $4)"#;
    connection.lock(LOCK).await?;
    let JournalPart { journal, number, at, page } = part;
    let process = process_of_journal(journal);
    let find = format!(
        r#"select "process", "number" from "keymint_usage_flush" where "process" {}"#,
        connection.dialect().one_of("$1")
    );
    let find = Statement::new(find).bind(vec![&**journal, &*process]);
    let marks = fetch_all(connection, find, |row| {
        let row = RowReader::new(row, "keymint_usage_flush", "process");
        Ok((row.required_text("process")?.to_owned(), row.required("number", row.number("number")?)?))
    });
    let marks = marks.await?;
    if marks.iter().any(|(marked, last)| *marked == **journal && last >= number) {
        return Ok(true);
    }
    if marks.iter().any(|(marked, _)| *marked == *process) {
        return Ok(false);
    }
    connection.execute(Statement::new(MARK).bind(&**journal).bind(count(*number)).bind(*at)).await?;
    let insert = Statement::new(INSERT).bind(&**journal).bind(count(*number)).bind(*at).bind(page.as_str());
    connection.execute(insert).await?;
    Ok(true)
}

/// Closes a journal that nobody has touched since an instant. Returns its name.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn take_over_journal(
    connection: &mut dyn WriteConnection,
    untouched_since: Timestamp,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    connection.begin().await?;
    let outcome = take_over_once(connection, untouched_since, now).await;
    end(connection, outcome).await
}

async fn take_over_once(
    connection: &mut dyn WriteConnection,
    untouched_since: Timestamp,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    const FIND: &str = r#"select w."process" from "keymint_usage_flush" as w where w."at" < $1
        and w."process" in (select "journal" from "keymint_usage_journal")
        and not exists (select 1 from "keymint_usage_flush" as a where a."process" = w."process" || $2 and a."at" >= $1)
        order by w."at", w."process" limit 1"#;
    const CLOSE: &str = r#"insert into "keymint_usage_flush" ("process", "number", "at") values ($1, 0, $2)
        on conflict ("process") do update set "at" = excluded."at""#;
    connection.lock(LOCK).await?;
    let suffix = process_of_journal("");
    let find = Statement::new(FIND).bind(untouched_since).bind(&*suffix);
    let read = |row: &dyn Row| {
        let row = RowReader::new(row, "keymint_usage_flush", "process");
        row.required_text("process").map(str::to_owned)
    };
    let Some(journal) = fetch_optional(connection, find, read).await? else { return Ok(None) };
    let process = process_of_journal(&journal);
    connection.execute(Statement::new(CLOSE).bind(&*process).bind(now)).await?;
    Ok(Some(journal))
}

/// Reads the first part of a journal behind one with this number.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn read_journal(
    connection: &mut dyn ReadConnection,
    journal: &str,
    after: u64,
) -> Result<Option<JournalPart>, StoreError> {
    const FIND: &str = r#"select "number", "at", "uses" from "keymint_usage_journal"
        where "journal" = $1 and "number" > $2 order by "number" limit 1"#;
    let find = Statement::new(FIND).bind(journal).bind(count(after));
    fetch_optional(connection, find, |row| {
        let row = RowReader::new(row, JOURNAL, "number");
        let page = UsePage::parse(row.required_text("uses")?.to_owned()).map_err(|_| row.corrupt("uses"))?;
        let number = row.required("number", row.number("number")?)?;
        Ok(JournalPart { journal: journal.into(), number, at: row.required_instant("at")?, page })
    })
    .await
}

/// Removes the first parts of a journal. Returns their number.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn remove_journal(
    connection: &mut dyn WriteConnection,
    journal: &str,
    limit: NonZeroU32,
) -> Result<u32, StoreError> {
    const REMOVE: &str = r#"delete from "keymint_usage_journal" where "journal" = $1 and "number" in (
        select "number" from "keymint_usage_journal" where "journal" = $1 order by "number" limit $2)"#;
    let remove = Statement::new(REMOVE).bind(journal).bind(i64::from(limit.get()));
    let removed = connection.execute(remove).await?;
    Ok(u32::try_from(removed).unwrap_or(u32::MAX))
}
