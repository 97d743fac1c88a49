//! The whole trail, record by record, as it is at one moment.

use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::Uuid;

use super::{BATCH, By};
use crate::{
    app::App,
    auth::Result,
    db::{
        Tx,
        audit::{Action, Entry, Target},
        seals::{self, Stored},
    },
};

/// Where the reading is.
pub struct Export {
    tx: Tx,
    since: OffsetDateTime,
    sealed: Option<i64>,
    unsealed: Uuid,
}

/// Puts on record that the trail is exported, and begins it. The record is in the export.
pub async fn begin(
    app: &App,
    by: &By,
    format: &str,
    since: Option<OffsetDateTime>,
) -> Result<Export> {
    let shown = since.and_then(|since| since.format(&Rfc3339).ok());
    let since = since.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let records = seals::count_since(&app.db, since).await?;
    let detail = json!({ "format": format, "since": shown, "records": records });
    let mut tx = app.db.begin_aside().await?;
    let entry = Entry::new(Action::AuditExport, Target::Audit).detail(detail);
    app.pen.record(&mut tx, by, entry).await?;
    tx.commit().await?;
    let tx = app.db.begin_read().await?;
    Ok(Export { tx, since, sealed: Some(0), unsealed: Uuid::nil() })
}

impl Export {
    /// The next records: those of the chain in its order, then those without a seal. Empty at
    /// the end.
    pub async fn next(&mut self) -> Result<Vec<Stored>> {
        if let Some(after) = self.sealed {
            let rows = seals::list_since(&mut self.tx, after, self.since, BATCH).await?;
            self.sealed = rows.last().and_then(|last| last.number);
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
        let (after, since) = (self.unsealed, self.since);
        let rows = seals::list_unsealed_since(&mut self.tx, after, since, BATCH).await?;
        self.unsealed = rows.last().map_or(Uuid::max(), |last| last.audit_id);
        Ok(rows)
    }
}
