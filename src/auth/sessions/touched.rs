//! When sessions were last used: noted in memory, off the request's path, and written down in
//! batches.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

use time::OffsetDateTime;
use uuid::Uuid;

use super::{BATCH, limits};
use crate::{
    app::App,
    auth::{Result, access::CurrentSession, cache::Known},
    db::sessions,
};

/// Uses of sessions that are not written down yet: off the request's path, in batches, at most
/// once a minute for each session.
#[derive(Debug, Default)]
pub struct Touched(Mutex<HashMap<Uuid, Use>>);

#[derive(Debug, Clone, Copy)]
struct Use {
    session: CurrentSession,
    seen: OffsetDateTime,
}

impl Touched {
    fn note(&self, session: &CurrentSession, now: OffsetDateTime) {
        self.lock().insert(session.id, Use { session: *session, seen: now });
    }

    fn noted(&self) -> Vec<Use> {
        self.lock().values().copied().collect()
    }

    /// These are written down; what was noted meanwhile is not.
    fn forget(&self, written: &[Use]) {
        let mut touched = self.lock();
        for one in written {
            if touched.get(&one.session.id).is_some_and(|noted| noted.seen == one.seen) {
                touched.remove(&one.session.id);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Use>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Noted at the time at which the session was found alive: a clock that jumps after that must not
/// make it live longer.
pub(super) fn seen(app: &App, known: &Known, now: OffsetDateTime) {
    if known.note(now) {
        app.touched.note(&known.user.session, now);
    }
}

/// Writes down the uses noted so far; what could not be written is kept for the next time.
pub async fn write_touched(app: &App) -> Result<()> {
    let mut noted = app.touched.noted();
    // Nodes that write the same rows take them in the same order.
    noted.sort_by_key(|one| (one.seen, one.session.remember, one.session.id));
    for alike in noted.chunk_by(|one, next| {
        (one.seen, one.session.remember) == (next.seen, next.session.remember)
    }) {
        for batch in alike.chunks(BATCH.into()) {
            let Some(Use { session, seen }) = batch.first() else { continue };
            let (idle, _) = limits(&app.settings, session.remember);
            let ids: Vec<_> = batch.iter().map(|one| one.session.id).collect();
            // Uses that are not a minute old may be forgotten with the machine.
            let mut tx = app.db.begin_relaxed().await?;
            sessions::touch(&mut tx, &ids, *seen, *seen + idle).await?;
            tx.commit().await?;
            app.touched.forget(batch);
        }
    }
    Ok(())
}
