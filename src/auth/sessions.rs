//! Sessions from login to end: who they belong to, how long they live, how they stop.

mod touched;

use std::sync::Arc;

use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    Actor, By, Refusal, Result,
    access::{CurrentSession, CurrentUser},
    authority::{Change, granted_roles, require},
    cache::{Cookie, Known},
    lifetime::{self, Life, bury_within},
    throttle::Try,
    token::Token,
    users,
};
use crate::{
    app::App,
    config::Settings,
    db::{
        Tx, UserId,
        audit::{Action, Entry, Target},
        lifetimes,
        sessions::{self, NewSession, Session},
        users::User,
    },
};

use touched::seen;
pub use touched::{Touched, write_touched};

/// So many characters are kept of what a browser calls itself.
const USER_AGENT_CHARS: usize = 300;

/// A session that has just been opened: what its cookies carry.
pub struct Opened {
    pub session: Token,
    /// For the cookie that other subdomains send, when there is a `cookie_domain`.
    pub check: Option<Token>,
    /// How long a persistent cookie lives; `None`: as long as the browser runs.
    pub max_age: Option<Duration>,
}

/// How a login wants its session.
pub struct Wanted<'a> {
    pub remember: bool,
    pub user_agent: &'a str,
    /// The session that this browser had before; it ends.
    pub replaces: Option<Token>,
    /// The try that it comes from, which was right.
    pub tried: Option<&'a Try>,
}

/// Idle and absolute limit of a session, from now on.
fn limits(settings: &Settings, remember: bool) -> (Duration, Duration) {
    if remember {
        (settings.remember_timeout, settings.remember_timeout)
    } else {
        (settings.idle_timeout, settings.absolute_timeout)
    }
}

/// The same of one that is there, with the limits of its user's roles.
fn idle(settings: &Settings, session: &CurrentSession) -> Duration {
    let (idle, _) = limits(settings, session.remember);
    session.role_idle.map_or(idle, |limit| limit.min(idle))
}

/// Opens a session for a user whose password was right. `None` when the account was closed, or
/// its password changed, since `user` was read.
pub async fn open(app: &App, by: &By, user: &User, wanted: Wanted<'_>) -> Result<Option<Opened>> {
    let now = app.now();
    let (idle, absolute) = limits(&app.settings, wanted.remember);
    let session = Token::new(&app.pen.random)?;
    let check = match app.settings.cookie_domain {
        Some(_) => Some(Token::new(&app.pen.random)?),
        None => None,
    };
    let row = NewSession {
        id: app.pen.clock.new_id(),
        digest: session.digest(),
        check_digest: check.map(Token::digest),
        user_id: user.id,
        remember: wanted.remember,
        created_at: now,
        idle_expires_at: now + idle.min(absolute),
        absolute_expires_at: now + absolute,
        ip: by.ip.clone(),
        user_agent: wanted
            .user_agent
            .chars()
            .filter(|c| !c.is_control())
            .take(USER_AGENT_CHARS)
            .collect(),
    };
    let mut tx = app.db.begin_aside().await?;
    let noted = lifetimes::note_login(&mut tx, user.id, user.session_epoch, now).await?;
    let Some(limits) = noted else { return Ok(None) };
    let replaced = match wanted.replaces {
        Some(old) => sessions::delete_by_digest(&mut tx, &old.digest()).await?,
        None => false,
    };
    if replaced {
        tx.takes_away();
    }
    if let Some(tried) = wanted.tried {
        tried.was_right(&mut tx, user).await?;
    }
    let by = By { actor: Actor::User { id: user.id, name: user.username.clone() }, ..by.clone() };
    bury_within(&mut tx, user.id, limits, now).await?;
    let most = i64::try_from(app.settings.max_sessions).unwrap_or(i64::MAX);
    if sessions::create(&mut tx, &row).await? >= most {
        end_oldest(app, &mut tx, &by, user, (row.id, most - 1)).await?;
    }
    let entry = Entry::new(Action::SessionCreate, target(row.id, user.id, &user.username))
        .detail(json!({ "remember": wanted.remember, "replaces_another": replaced }));
    app.pen.record(&mut tx, &by, entry).await?;
    tx.commit().await?;
    let ends_after = limits.absolute.map_or(absolute, |limit| limit.min(absolute));
    Ok(Some(Opened { session, check, max_age: wanted.remember.then_some(ends_after) }))
}

/// Ends the oldest sessions of a user, but the new one and so many beside it. The login has the
/// user's row, so that of many at once each sees those before it.
async fn end_oldest(app: &App, tx: &mut Tx, by: &By, user: &User, kept: (Uuid, i64)) -> Result<()> {
    for id in sessions::delete_oldest(tx, user.id, kept, app.now()).await? {
        tx.takes_away();
        let entry = Entry::new(Action::SessionEnd, target(id, user.id, &user.username))
            .detail(json!({ "reason": "limit" }));
        app.pen.record(tx, by, entry).await?;
    }
    Ok(())
}

/// What memory knows of this cookie. Counts as a use of the session; that it was asked is for the
/// caller to count.
pub fn remembered(app: &App, cookie: Cookie, token: Token) -> Option<Arc<Known>> {
    let (epoch, now) = (app.db.revision.epoch()?, app.now());
    let known = app.cache.get((cookie, token.key()), epoch, now)?;
    seen(app, &known, now);
    Some(known)
}

/// The user whose cookie this is: from memory, else in one round trip. Counts as a use of the
/// session.
pub async fn identify(app: &App, cookie: Cookie, token: Token) -> Result<Option<Arc<CurrentUser>>> {
    if let Some(known) = remembered(app, cookie, token) {
        app.metrics.lookups.hits.inc();
        return Ok(Some(known.user.clone()));
    }
    app.metrics.lookups.misses.inc();
    let now = app.now();
    // Before the database is asked: an answer that a change overtakes belongs to what was.
    let epoch = app.db.revision.epoch();
    let Some(known) = look_up(app, cookie, &token.digest(), now).await? else {
        return former(app, cookie, token, now).await;
    };
    if let Some(epoch) = epoch {
        app.cache.put((cookie, token.key()), epoch, known.clone());
    }
    seen(app, &known, now);
    Ok(Some(known.user.clone()))
}

async fn look_up(
    app: &App,
    cookie: Cookie,
    digest: &str,
    now: OffsetDateTime,
) -> Result<Option<Arc<Known>>> {
    let found = match cookie {
        Cookie::Session => sessions::find_current(&app.db, digest, now).await?,
        Cookie::Check => sessions::find_current_by_check(&app.db, digest, now).await?,
    };
    let Some((row, life)) = found.and_then(|row| Life::of(&row, now).map(|life| (row, life)))
    else {
        return Ok(None);
    };
    let proved_until = row.proved_at.map(|at| at + app.settings.step_up_after);
    let proved_until = proved_until.filter(|end| cookie == Cookie::Session && now < *end);
    let ends = [Some(life.ends_at), row.next_end, proved_until];
    let until = ends.into_iter().flatten().min().unwrap_or(now);
    let user =
        CurrentUser::of(row, &life, proved_until.is_some(), |joined| app.cache.names(joined));
    let idle = (idle(&app.settings, &user.session), life.idle_until);
    Ok(Some(Arc::new(Known::new(user, (now, until), idle))))
}

/// By the id that the session had before: sent before the browser knew the one it has now.
async fn former(
    app: &App,
    cookie: Cookie,
    token: Token,
    now: OffsetDateTime,
) -> Result<Option<Arc<CurrentUser>>> {
    if cookie == Cookie::Check {
        return Ok(None);
    }
    let found = sessions::find_current_by_former(&app.db, &token.digest(), now).await?;
    let known = found.and_then(|row| {
        let life = Life::of(&row, now)?;
        let user = CurrentUser::of(row, &life, false, |joined| app.cache.names(joined));
        let idle = (idle(&app.settings, &user.session), life.idle_until);
        Some(Known::new(user, (now, life.ends_at), idle))
    });
    Ok(known.map(|known| {
        seen(app, &known, now);
        known.user.clone()
    }))
}

/// Ends the session of this request.
pub async fn log_out(app: &App, by: &By, user: &CurrentUser) -> Result<()> {
    end_one(app, by, user.session.id, user.id, &user.username).await.map(|_| ())
}

/// Ends one session by its id.
///
/// # Errors
/// [`Refusal::NoSession`] when there is none.
pub async fn end(app: &App, by: &By, id: Uuid) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let session = endable_in(app, &mut tx, by, id).await?;
    drop(tx);
    match end_one(app, by, id, session.user_id, &session.username).await? {
        true => Ok(()),
        false => Err(Refusal::NoSession(id.to_string()).into()),
    }
}

/// The session, if `by` may end it.
///
/// # Errors
/// [`Refusal::NoSession`] when there is none.
pub async fn endable(app: &App, by: &By, id: Uuid) -> Result<Session> {
    endable_in(app, &mut app.db.begin_read().await?, by, id).await
}

async fn endable_in(app: &App, tx: &mut Tx, by: &By, id: Uuid) -> Result<Session> {
    let found = sessions::find_in(tx, id).await?;
    let session = found.ok_or_else(|| Refusal::NoSession(id.to_string()))?;
    require_for(app, tx, by, session.user_id).await?;
    Ok(session)
}

async fn end_one(app: &App, by: &By, id: Uuid, user_id: UserId, name: &str) -> Result<bool> {
    let mut tx = app.db.begin().await?;
    let ended = sessions::delete(&mut tx, id).await?;
    if ended {
        app.pen
            .record(&mut tx, by, Entry::new(Action::SessionEnd, target(id, user_id, name)))
            .await?;
        tx.commit().await?;
    }
    Ok(ended)
}

/// Ends all sessions of a user; a login that has begun opens none. Returns how many.
pub async fn end_of_user(app: &App, by: &By, user_id: UserId) -> Result<u64> {
    let mut tx = app.db.begin().await?;
    let user = users::in_tx(&mut tx, user_id).await?;
    require_for(app, &mut tx, by, user_id).await?;
    crate::db::users::end_epoch(&mut tx, user_id).await?;
    let ended = sessions::delete_of_user(&mut tx, user_id, None).await?;
    let entry =
        Entry::new(Action::UserSessionsEnd, users::target(&user)).detail(json!({ "ended": ended }));
    app.pen.record(&mut tx, by, entry).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Ends every session there is. Returns how many.
pub async fn end_all(app: &App, by: &By) -> Result<u64> {
    let mut tx = app.db.begin().await?;
    crate::db::users::end_all_epochs(&mut tx).await?;
    let ended = sessions::delete_all(&mut tx).await?;
    let entry =
        Entry::new(Action::SessionsEndAll, Target::Sessions).detail(json!({ "ended": ended }));
    app.pen.record(&mut tx, by, entry).await?;
    tx.commit().await?;
    Ok(ended)
}

/// One's own sessions anybody may end.
async fn require_for(app: &App, tx: &mut Tx, by: &By, user_id: UserId) -> Result<()> {
    if by.actor.id() == Some(user_id) {
        return Ok(());
    }
    let roles = granted_roles(app, tx, user_id).await?;
    require(app, tx, by, Change::Sessions { id: user_id, roles: &roles }).await
}

/// Ends one of the user's own sessions. Returns how many: none when it is not one of theirs, or
/// has ended.
pub async fn end_own(app: &App, by: &By, user: &CurrentUser, id: Uuid) -> Result<u64> {
    match find_own(app, user, id).await? {
        Some(_) => end_one(app, by, id, user.id, &user.username).await.map(u64::from),
        None => Ok(0),
    }
}

/// One of the user's own live sessions.
pub async fn find_own(app: &App, user: &CurrentUser, id: Uuid) -> Result<Option<Session>> {
    let own = sessions::list_of_user(&app.db, user.id, app.now()).await?;
    Ok(own.into_iter().find(|one| one.id == id))
}

/// Ends the other sessions of the user of this one. Returns how many.
pub async fn end_others(app: &App, by: &By, user: &CurrentUser) -> Result<u64> {
    let mut tx = app.db.begin().await?;
    let ended = sessions::delete_of_user(&mut tx, user.id, Some(user.session.id)).await?;
    let whose = Target::User { id: user.id, name: user.username.clone() };
    let entry = Entry::new(Action::UserSessionsEnd, whose).detail(json!({ "ended": ended }));
    app.pen.record(&mut tx, by, entry).await?;
    tx.commit().await?;
    Ok(ended)
}

pub(super) fn target(id: Uuid, user_id: UserId, name: &str) -> Target {
    Target::Session { id, user_id, name: name.to_owned() }
}

/// So many rows go at a time, so that no writer waits long.
const BATCH: u16 = 200;

/// Deletes expired sessions in small batches, so that no writer waits long.
pub async fn sweep(app: &App) -> Result<()> {
    loop {
        let mut tx = app.db.begin_aside().await?;
        let deleted = sessions::delete_expired(&mut tx, app.now(), BATCH.into()).await?;
        tx.commit().await?;
        app.metrics.swept(deleted);
        if deleted < u64::from(BATCH) {
            break;
        }
    }
    lifetime::sweep(app, BATCH.into()).await?;
    app.metrics.swept_at(app.now());
    Ok(())
}
