//! What is done beside the requests: writing down uses of sessions, sweeping, sealing, following.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::{
    app::App,
    auth::{grants, sessions, throttle, trail},
    db::{self, leases},
};

/// Uses of sessions are written down this often.
const WRITE_EVERY: Duration = Duration::from_secs(5);
/// Expired sessions are looked for every so many writes.
const SWEEP_EVERY: u32 = 12;
/// The next node sweeps when the one that did has been gone so many milliseconds.
const SWEEP_LEASE_MS: i64 = 120_000;
/// Records are sealed this often.
const SEAL_EVERY: Duration = Duration::from_millis(200);
/// A database that says nothing for so long is asked again.
const SEAL_PATIENCE: Duration = Duration::from_secs(2);
/// What others changed is looked for this often.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);
const FOLLOW_PATIENCE: Duration = Duration::from_millis(800);

/// The chores, until they are finished.
pub struct Chores {
    app: App,
    tasks: JoinSet<()>,
}

impl Chores {
    pub fn begin(app: &App) -> Self {
        let mut tasks = JoinSet::new();
        tasks.spawn(writing(app.clone()));
        tasks.spawn(sealing(app.clone()));
        tasks.spawn(following(app.clone()));
        Self { app: app.clone(), tasks }
    }

    /// Ends them, does once more what must not be left undone, and closes the database.
    pub async fn finish(mut self) {
        self.tasks.shutdown().await;
        if let Err(error) = sessions::write_touched(&self.app).await {
            tracing::warn!(%error, "the last uses of sessions were not written down");
        }
        let last = trail::seal_before_leaving(&self.app);
        if let Err(error) = db::with_patience(SEAL_PATIENCE, last).await {
            tracing::warn!(%error, "the last audit records were not sealed; the next start does it");
        }
        #[cfg(feature = "otlp")]
        if let Some(traces) = &self.app.traces {
            traces.stop().await;
        }
        self.app.db.close().await;
    }
}

/// Writes down uses of sessions and ends of grants, follows the keys, and sweeps.
async fn writing(app: App) {
    for round in 0u32.. {
        tokio::time::sleep(WRITE_EVERY).await;
        if let Err(error) = sessions::write_touched(&app).await {
            tracing::warn!(%error, "uses of sessions were not written down; trying again");
        }
        if let Err(error) = grants::record_ends(&app).await {
            tracing::warn!(%error, "ended grants were not recorded; trying again");
        }
        if let Err(error) = app.keys.follow(&app.db).await {
            tracing::warn!(%error, "could not see which keys are in use; trying again");
        }
        if round % SWEEP_EVERY != 0 || !is_sweeper(&app).await {
            continue;
        }
        if let Err(error) = sessions::sweep(&app).await {
            tracing::warn!(%error, "expired sessions were not swept; trying again");
        }
        if let Err(error) = throttle::sweep(&app).await {
            tracing::warn!(%error, "old failed tries were not swept; trying again");
        }
    }
}

/// Whether this is the node that sweeps. Without an answer nobody does, until the next time.
async fn is_sweeper(app: &App) -> bool {
    let now = app.pen.clock.now_ms();
    let lease = leases::take_alone(&app.db, leases::SWEEP, &app.node, now, SWEEP_LEASE_MS);
    lease.await.unwrap_or_else(|error| {
        tracing::warn!(%error, "could not ask who sweeps; trying again");
        false
    })
}

/// Seals audit records beside the requests, so that none waits for the chain.
async fn sealing(app: App) {
    let mut ticks = tokio::time::interval(SEAL_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut fails = false;
    loop {
        ticks.tick().await;
        let sealed = db::with_patience(SEAL_PATIENCE, trail::seal_as_node(&app)).await;
        match &sealed {
            Err(error) if !fails => {
                tracing::warn!(%error, "audit records were not sealed; trying again");
            }
            Ok(_) if fails => tracing::info!("audit records are sealed again"),
            _ => {}
        }
        fails = sealed.is_err();
    }
}

/// Sees what other processes changed of who may do what. Without an answer nothing is remembered
/// any more, and each request asks the database itself.
async fn following(app: App) {
    let mut ticks = tokio::time::interval(FOLLOW_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut fails = false;
    loop {
        ticks.tick().await;
        let followed = db::with_patience(FOLLOW_PATIENCE, app.db.follow_revision()).await;
        if let (Err(error), false) = (&followed, fails) {
            tracing::warn!(%error, "the revision was not answered; trying again");
        }
        fails = followed.is_err();
    }
}
