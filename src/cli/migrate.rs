//! `migrate`: bring the schema up to date, or say how far it is from that.

use super::{Failure, Outcome, Place, output};
use crate::{
    app::OpenError,
    config::{Pooler, Settings},
    db::{self, Schema},
};

pub async fn run(place: &Place, check: bool) -> Outcome {
    // Through a pooler neither the lock of migrations nor a statement of them would hold.
    let mut settings = Settings::of_environment(place.config.as_deref())?;
    let pooler = std::mem::replace(&mut settings.postgres_pooler, Pooler::Off);
    db::require_direct(&place.database_url, pooler).await.map_err(OpenError::from)?;
    if !check {
        let db = db::connect(&place.database_url, Pooler::Off).await.map_err(OpenError::from)?;
        let applied = db.migrate().await.map_err(OpenError::from)?;
        drop(db);
        // Keys are made by whoever first meets a database.
        place.open_by(settings).await?;
        for name in &applied {
            output::line(&format!("applied {name}"))?;
        }
        if applied.is_empty() {
            output::line("the schema is up to date")?;
        }
        return Ok(());
    }
    match db::schema_at(&place.database_url).await? {
        Schema::Behind(pending) => {
            for name in pending {
                output::line(&format!("pending {name}"))?;
            }
            Err(Failure::Pending)
        }
        schema => {
            schema.accept().map_err(OpenError::from)?;
            output::line("the schema is up to date")
        }
    }
}
