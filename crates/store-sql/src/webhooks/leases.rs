use keymint_domain::Timestamp;
use keymint_domain::webhook::WebhookId;
use keymint_ports::{StoreError, WebhookLease};

use super::{WEBHOOK, WEBHOOK_COLUMNS, read_webhook};
use crate::connection::{fetch_all, fetch_optional};
use crate::{Row, RowReader, Statement, WriteConnection};

/// Takes or renews the lease of an active endpoint.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn lease_webhook(
    connection: &mut dyn WriteConnection,
    id: &WebhookId,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<WebhookLease>, StoreError> {
    let lease = format!(
        r#"update "keymint_webhook" set "leasedTo" = $2, "leasedUntil" = $4,
            "fence" = case when "leasedTo" = $2 and "leasedUntil" > $3 then "fence" else "fence" + 1 end
            where "id" = $1 and "state" = 'active' and ("leasedTo" is null or "leasedTo" = $2 or "leasedUntil" <= $3)
            returning {WEBHOOK_COLUMNS}, "fence""#
    );
    let lease = Statement::new(lease).bind(id.as_str()).bind(holder).bind(now).bind(until);
    fetch_optional(connection, lease, read_lease).await
}

fn read_lease(row: &dyn Row) -> Result<WebhookLease, StoreError> {
    let webhook = read_webhook(row)?;
    let row = RowReader::new(row, WEBHOOK, "id");
    Ok(WebhookLease { webhook, fence: row.required("fence", row.number("fence")?)? })
}

/// Renews the unexpired leases of a holder.
///
/// # Errors
/// [`StoreError::Corrupt`], [`StoreError::Unavailable`]
pub async fn renew_webhook_leases(
    connection: &mut dyn WriteConnection,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<WebhookId>, StoreError> {
    const RENEW: &str = r#"update "keymint_webhook" set "leasedUntil" = $3 where "leasedTo" = $1 and "leasedUntil" > $2
        returning "id""#;
    let renew = Statement::new(RENEW).bind(holder).bind(now).bind(until);
    fetch_all(connection, renew, |row| RowReader::new(row, WEBHOOK, "id").parsed("id", WebhookId::parse)).await
}

/// Ends all leases of a holder.
///
/// # Errors
/// [`StoreError::Unavailable`]
pub async fn release_webhook_leases(connection: &mut dyn WriteConnection, holder: &str) -> Result<(), StoreError> {
    const RELEASE: &str =
        r#"update "keymint_webhook" set "leasedTo" = null, "leasedUntil" = null where "leasedTo" = $1"#;
    connection.execute(Statement::new(RELEASE).bind(holder)).await?;
    Ok(())
}
