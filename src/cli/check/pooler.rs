//! Whether a pooler stands before Postgres, and the settings say so.

use super::Report;
use crate::{config::Pooler, db};

const TOPIC: &str = "postgres_pooler";

/// Says nothing where there is none and none is set, or where it cannot be connected to.
pub async fn look(report: &mut Report, url: &str, set: Pooler) {
    if !db::is_postgres(url) {
        return;
    }
    match set {
        Pooler::Off => {
            if let Ok(true) = db::is_shared(url).await {
                report.fail(
                    TOPIC,
                    "there is a pooler in transaction mode, and it is off: statements fail by chance",
                    "set it: ROLECALL_POSTGRES_POOLER=transaction",
                );
            }
        }
        Pooler::Transaction => match db::is_direct(url).await {
            Ok(true) => report.warn(
                TOPIC,
                "it is transaction, and the database URL leads to Postgres itself",
                "unset it: without a pooler each statement waits for two answers more",
            ),
            Ok(false) => report.ok(TOPIC, "there is one, and each statement has a transaction"),
            Err(_) => {}
        },
    }
}
