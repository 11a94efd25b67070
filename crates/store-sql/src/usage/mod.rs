//! Statements on the tables of statistics: `keymint_usage`, `keymint_usage_unknown`, `keymint_activity`,
//! `keymint_usage_flush` and `keymint_usage_journal`.

mod add;
mod journal;
mod retire;
mod sum;

use keymint_domain::address::Network;
use keymint_domain::metering::{Activity, Hour, LastUse, UnknownHour, UnknownNetwork, UnknownSource};
use keymint_domain::{ConfigId, KeyId, OwnerId};
use keymint_ports::StoreError;

use crate::connection::fetch_all;
use crate::{ReadConnection, Row, RowReader, Statement};

pub use add::add;
pub use journal::{read_journal, remove_journal, take_over_journal, write_journal};
pub use retire::{remove, roll_up};
pub use sum::{sum, sum_by_key, sum_of, sum_unknown};

const USAGE: &str = "keymint_usage";
const UNKNOWN: &str = "keymint_usage_unknown";
const ACTIVITY: &str = "keymint_activity";

/// Finds what is known about keys.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn find_activities(connection: &mut dyn ReadConnection, keys: &[KeyId]) -> Result<Vec<Activity>, StoreError> {
    let find = format!(
        r#"select "keyId", "ownerId", "configId", "lastUsedAt", "lastNetwork" from "keymint_activity" where "keyId" {}"#,
        connection.dialect().one_of("$1"),
    );
    let keys: Vec<_> = keys.iter().map(KeyId::as_str).collect();
    fetch_all(connection, Statement::new(find).bind(keys), read_activity).await
}

fn read_activity(row: &dyn Row) -> Result<Activity, StoreError> {
    let row = RowReader::new(row, ACTIVITY, "keyId");
    let network = read_network(&row, "lastNetwork")?;
    Ok(Activity {
        key: row.id()?,
        owner: row.parsed("ownerId", OwnerId::from_stored)?,
        config_id: row.parsed("configId", ConfigId::parse)?,
        last_use: row.instant("lastUsedAt")?.map(|at| LastUse { at, network }),
    })
}

/// Reads the network of a last use; `None` = it is not known.
fn read_network(row: &RowReader<'_>, column: &'static str) -> Result<Option<Network>, StoreError> {
    let network = row.text(column)?.map(|network| UnknownNetwork::parse(network).ok_or(row.corrupt(column)));
    Ok(match network.transpose()? {
        Some(UnknownNetwork::Of(network)) => Some(network),
        Some(UnknownNetwork::Unknown | UnknownNetwork::Any) | None => None,
    })
}

fn read_unknown(row: &dyn Row) -> Result<UnknownHour, StoreError> {
    let row = RowReader::new(row, UNKNOWN, "configId");
    let (config_id, prefix) = (row.required_text("configId")?, row.required_text("prefix")?);
    let source = UnknownSource {
        config_id: ConfigId::parse(config_id).ok(),
        prefix: Some(prefix).filter(|prefix| !prefix.is_empty()).map(Box::from),
        network: row.parsed("network", |network| UnknownNetwork::parse(network).ok_or(()))?,
    };
    Ok(UnknownHour { hour: read_hour(&row)?, source, calls: row.required("calls", row.number("calls")?)? })
}

fn read_hour(row: &RowReader<'_>) -> Result<Hour, StoreError> {
    let number = row.required("hour", row.integer("hour")?)?;
    Ok(Hour::from_number(number))
}

/// Returns a count as the column holds it.
pub(crate) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
