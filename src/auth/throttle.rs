//! How often a secret may be guessed. A try is counted as failed before it is made and given
//! back when it was right, so that tries at the same time cannot overshoot.
//!
//! Per account five tries are free, then the wait doubles from 1 s to 15 min; after a hundred
//! failures in a row the account is closed to strangers (NIST SP 800-63B-4 §3.2.2). Devices that
//! know the account have counters of their own, and are held back by nobody else's. Per address
//! fifty failures in 15 min.

use std::net::IpAddr;

use serde_json::json;

use super::{
    By, Error, Result,
    authority::require_user,
    device::{Claims, Device},
    token::unknown_name,
    users as people,
};
use crate::{
    app::App,
    config::OnOff,
    db::{
        Tx, UserId,
        audit::{Action, Entry, Target},
        throttles::{self, Kind, LONGEST_MS, MOST_FAILURES, MOST_OF_ADDRESS, Throttle},
        users::User,
    },
};

/// Before the keyed hash of a name that nobody has, where others have the id of the account.
pub const UNKNOWN: &str = "? ";

/// Who tries: the account, if there is one, and what the browser says of itself.
#[derive(Clone, Copy)]
pub struct Tries<'a> {
    pub account: Option<&'a User>,
    pub typed_name: &'a str,
    pub devices: &'a Claims,
}

/// A try that is counted as failed until it is known better.
#[derive(Debug)]
#[must_use]
pub struct Try {
    counted: Vec<(Kind, String, i64)>,
    /// It came from a device that the account knows.
    pub device: Option<Device>,
}

impl Try {
    fn free() -> Self {
        Self { counted: Vec::new(), device: None }
    }

    /// The secret was right: the counters of the account begin anew, for strangers too, since
    /// its owner is here; the address gets its failure back.
    pub async fn was_right(&self, tx: &mut Tx, user: &User) -> Result<()> {
        if self.counted.is_empty() {
            return Ok(());
        }
        let counted = |sought| {
            let of_kind = self.counted.iter().find(|(kind, ..)| *kind == sought);
            of_kind.map(|(_, key, _)| key.as_str())
        };
        let (device, address) = (counted(Kind::Device), counted(Kind::Address));
        Ok(throttles::was_right(tx, user.id, device, address).await?)
    }

    /// The secret was not looked at.
    pub async fn was_none(&self, app: &App) -> Result<()> {
        if self.counted.is_empty() {
            return Ok(());
        }
        let mut tx = app.db.begin_aside().await?;
        for (kind, key, failures) in &self.counted {
            match kind {
                Kind::Address => throttles::give_back(&mut tx, *kind, key).await?,
                Kind::Account | Kind::Device => {
                    throttles::undo(&mut tx, *kind, key, *failures, app.pen.clock.now_ms()).await?
                }
            };
        }
        Ok(tx.commit().await?)
    }

    /// Records that the account is closed to strangers now, if this was the failure that did it.
    pub async fn note_closing(&self, app: &App, tx: &mut Tx, by: &By, user: &User) -> Result<()> {
        let closes = |(kind, _, failures): &(Kind, String, i64)| {
            *kind == Kind::Account && *failures == MOST_FAILURES
        };
        if self.counted.iter().any(closes) {
            let entry = Entry::new(Action::ThrottleClose, people::target(user))
                .detail(json!({ "failures": MOST_FAILURES }));
            app.pen.record(tx, by, entry).await?;
        }
        Ok(())
    }
}

/// Counts a try at the secret of an account.
///
/// # Errors
/// [`Error::HeldBack`] when it has to wait; then it is neither made nor counted.
pub async fn begin(app: &App, by: &By, tries: Tries<'_>) -> Result<Try> {
    if app.settings.throttle == OnOff::Off {
        return Ok(Try::free());
    }
    let device = tries.account.and_then(|user| tries.devices.device(app, user));
    let device = match device {
        Some(device) if !is_stranger(app, &device).await? => Some(device),
        _ => None,
    };
    let counters = match &device {
        Some(device) => vec![(Kind::Device, device.key.clone())],
        None => vec![(Kind::Account, account_key(app, &tries)), (Kind::Address, network_of(by))],
    };
    require_free(app, &counters).await?;
    // What is decided later, right or wrong, is written with what became of it.
    let counted = count(app, app.db.begin_relaxed().await?, counters).await?;
    Ok(Try { counted, device })
}

/// Whether this address may try something that no account is known of, such as a link.
///
/// # Errors
/// [`Error::HeldBack`] when it has to wait.
pub async fn check_address(app: &App, by: &By) -> Result<()> {
    if app.settings.throttle == OnOff::Off {
        return Ok(());
    }
    match wait(app, Kind::Address, &network_of(by)).await? {
        Some(wait) => Err(held_back(app, Kind::Address, wait)),
        None => Ok(()),
    }
}

/// Counts such a try after it has failed.
///
/// # Errors
/// [`Error::HeldBack`] when others at the same time have used up what was free.
pub async fn count_at_address(app: &App, by: &By) -> Result<()> {
    if app.settings.throttle == OnOff::Off {
        return Ok(());
    }
    let counters = vec![(Kind::Address, network_of(by))];
    require_free(app, &counters).await?;
    count(app, app.db.begin_aside().await?, counters).await.map(|_| ())
}

/// What holds back strangers who try this account, if anything does.
pub async fn find(app: &App, user: &User) -> Result<Option<Throttle>> {
    Ok(throttles::find(&app.db, Kind::Account, &user.id.to_string()).await?)
}

/// Lets everybody try this account again, as if nobody had failed. Returns how many counters
/// that were.
pub async fn clear(app: &App, by: &By, id: UserId) -> Result<u64> {
    let mut tx = app.db.begin_aside().await?;
    let user = people::in_tx(&mut tx, id).await?;
    require_user(app, &mut tx, by, id).await?;
    let cleared = throttles::delete_of_user(&mut tx, id).await?;
    record_cleared(app, tx, by, (people::target(&user), cleared)).await
}

/// The same for a name that nobody has.
pub async fn clear_unknown(app: &App, by: &By, typed: &str) -> Result<u64> {
    let mut tx = app.db.begin_aside().await?;
    let cleared = throttles::delete(&mut tx, Kind::Account, &unknown_key(app, typed)).await?;
    record_cleared(app, tx, by, (Target::Throttles, cleared)).await
}

/// The same for a network, of which this is an address.
pub async fn clear_address(app: &App, by: &By, address: IpAddr) -> Result<u64> {
    let mut tx = app.db.begin_aside().await?;
    let cleared = throttles::delete(&mut tx, Kind::Address, &network(address)).await?;
    record_cleared(app, tx, by, (Target::Throttles, cleared)).await
}

/// The same for everybody.
pub async fn clear_all(app: &App, by: &By) -> Result<u64> {
    let mut tx = app.db.begin_aside().await?;
    let cleared = throttles::delete_all(&mut tx).await?;
    record_cleared(app, tx, by, (Target::Throttles, cleared)).await
}

async fn record_cleared(
    app: &App,
    mut tx: Tx,
    by: &By,
    (target, cleared): (Target, u64),
) -> Result<u64> {
    if cleared > 0 {
        let entry = Entry::new(Action::ThrottleClear, target).detail(json!({ "cleared": cleared }));
        app.pen.record(&mut tx, by, entry).await?;
        tx.commit().await?;
    }
    Ok(cleared)
}

/// Forgets what is long ago: addresses when their window has passed, others after 30 days.
pub async fn sweep(app: &App) -> Result<()> {
    let now = app.pen.clock.now_ms();
    let mut tx = app.db.begin_aside().await?;
    throttles::delete_old(&mut tx, now - LONGEST_MS, now - 30 * 24 * 3_600_000).await?;
    Ok(tx.commit().await?)
}

/// When the next try is let through, in milliseconds since 1970; `None`: not by waiting.
pub fn free_at(throttle: &Throttle, now: i64) -> Option<i64> {
    match throttle.kind {
        Kind::Address if throttle.failures < MOST_OF_ADDRESS => Some(now),
        Kind::Address => Some(throttle.since + LONGEST_MS),
        _ if throttle.failures >= MOST_FAILURES => None,
        _ => Some(throttle.free_at),
    }
}

async fn is_stranger(app: &App, device: &Device) -> Result<bool> {
    let found = throttles::find(&app.db, Kind::Device, &device.key).await?;
    Ok(found.is_some_and(|throttle| throttle.failures >= MOST_FAILURES))
}

/// Whoever is held back is told so without taking the turn of writers.
async fn require_free(app: &App, counters: &[(Kind, String)]) -> Result<()> {
    let (Some(first), Some(last)) = (counters.first(), counters.last()) else { return Ok(()) };
    let found = throttles::find_two(&app.db, [first, last]).await?;
    let now = app.pen.clock.now_ms();
    match found.iter().find_map(|one| Some((one.kind, wait_of(one, now)?))) {
        Some((by, wait)) => Err(held_back(app, by, wait)),
        None => Ok(()),
    }
}

async fn count(
    app: &App,
    mut tx: Tx,
    counters: Vec<(Kind, String)>,
) -> Result<Vec<(Kind, String, i64)>> {
    let now = app.pen.clock.now_ms();
    let mut counted = Vec::with_capacity(counters.len());
    for (kind, key) in counters {
        let failures = match kind {
            Kind::Address => throttles::take_address(&mut tx, &key, now).await?,
            Kind::Account | Kind::Device => throttles::take(&mut tx, kind, &key, now).await?,
        };
        match failures {
            Some(failures) => counted.push((kind, key, failures)),
            None => {
                drop(tx);
                let wait = wait(app, kind, &key).await?.unwrap_or(1);
                return Err(held_back(app, kind, wait));
            }
        }
    }
    tx.commit().await?;
    Ok(counted)
}

fn held_back(app: &App, by: Kind, wait: u64) -> Error {
    app.metrics.held_back(by);
    Error::HeldBack(wait)
}

/// How many seconds this counter holds back, if it does.
async fn wait(app: &App, kind: Kind, key: &str) -> Result<Option<u64>> {
    let now = app.pen.clock.now_ms();
    let found = throttles::find(&app.db, kind, key).await?;
    Ok(found.and_then(|throttle| wait_of(&throttle, now)))
}

fn wait_of(throttle: &Throttle, now: i64) -> Option<u64> {
    let left = free_at(throttle, now).map_or(LONGEST_MS, |free_at| free_at - now);
    // A wait beyond the longest comes from a clock that was wrong.
    let is_held_back = (1..=LONGEST_MS).contains(&left);
    is_held_back.then(|| left.unsigned_abs().div_ceil(1000))
}

/// One counter however the account is called; for a name that nobody has, of that name.
fn account_key(app: &App, tries: &Tries<'_>) -> String {
    match tries.account {
        Some(user) => user.id.to_string(),
        None => unknown_key(app, tries.typed_name),
    }
}

fn unknown_key(app: &App, typed: &str) -> String {
    format!("{UNKNOWN}{}", unknown_name(&app.keys, typed))
}

/// The network of the client: who has one IPv6 address has 2^64.
pub fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        ip @ IpAddr::V4(_) => ip.to_string(),
    }
}

/// Clients of a unix socket without a proxy that says more are one.
pub(super) fn network_of(by: &By) -> String {
    by.ip.parse().map_or_else(|_| "unknown".to_owned(), network)
}
