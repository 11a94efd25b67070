use keymint_domain::event::{EventQuery, SealedEvent};

use super::Audit;
use crate::{Context, ServiceError};

/// A page of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditPage {
    /// The events.
    pub events: Vec<SealedEvent>,
    /// The cursor of the next page; `None` = this is the last one.
    pub next: Option<String>,
}

impl Audit {
    /// Reads a page of the log: the first, or the one that a cursor of an earlier page leads to.
    ///
    /// If reads are recorded, this one is recorded first: nobody reads the log unseen.
    ///
    /// # Errors
    ///
    /// Returns `INVALID_CURSOR` for a cursor of another query, and [`ServiceError::Store`] if the store fails.
    pub async fn read<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        query: EventQuery,
        cursor: Option<&str>,
    ) -> Result<AuditPage, ServiceError> {
        let query = match cursor {
            Some(cursor) => query.at_cursor(&self.key, cursor)?,
            None => query,
        };
        self.note_read(context, &query).await?;
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        // One event more tells if there is another page.
        let mut events =
            self.store.list_events(&EventQuery { limit: query.limit.saturating_add(1), ..query.clone() }).await?;
        let is_last = events.len() <= limit;
        events.truncate(limit);
        let next = events.last().filter(|_| !is_last).map(|last| query.cursor(&self.key, last.position));
        Ok(AuditPage { events, next })
    }

    /// Records that somebody reads what `query` asks for, if reads are recorded.
    ///
    /// # Errors
    ///
    /// Returns [`ServiceError::Store`] if the store fails.
    pub async fn note_read<'a>(
        &self,
        context: impl Into<Context<'a>> + Send,
        query: &EventQuery,
    ) -> Result<(), ServiceError> {
        if !self.log_reads {
            return Ok(());
        }
        let context = context.into();
        self.note(context.actor(), &context.source, |origin| origin.audit_read(query)).await
    }
}
