//! Granting roles and taking them back.

mod seen;

use serde_json::json;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    Actor, By, Refusal, Result, admins,
    authority::{Change, require},
    lifetime::{bury_by, bury_of},
    name::RoleName,
    users,
};
use crate::{
    app::App,
    db::{
        Tx, UserId,
        audit::{Action, Entry},
        grants::{self, Grant},
        roles,
        users::User,
    },
};

pub use seen::Seen;

/// Most characters of the reason of a grant.
pub const REASON_CHARS: usize = 500;

/// How long a grant holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until {
    Always,
    /// Refused from this second on.
    At(OffsetDateTime),
}

/// Grants the role, or changes the end and the reason of a grant that is there.
pub async fn grant(
    app: &App,
    by: &By,
    user_id: UserId,
    role: &RoleName,
    until: Until,
    reason: &str,
) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let watch = admins::watch(&mut tx).await?;
    let user = users::in_tx(&mut tx, user_id).await?;
    grant_in(app, &mut tx, by, &user, role, until, reason).await?;
    watch.settle(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// What a form says of a grant. What it leaves out takes nothing from one that is there.
pub struct Typed<'a> {
    pub role: &'a RoleName,
    pub ends_at: Option<OffsetDateTime>,
    pub reason: &'a str,
    /// What the form was made of; `None`: it does not say.
    pub seen: Option<&'a Seen>,
}

/// The same as a form says it. Returns until when the grant now holds.
///
/// # Errors
/// [`Refusal::Changed`] when the grant is not what the form was made of, [`Refusal::HasRole`]
/// when it is and the form says nothing new of it.
pub async fn grant_as_typed(
    app: &App,
    by: &By,
    user_id: UserId,
    typed: &Typed<'_>,
) -> Result<Until> {
    let Typed { role, ends_at, reason, seen } = *typed;
    let mut tx = app.db.begin().await?;
    let watch = admins::watch(&mut tx).await?;
    let user = users::in_tx(&mut tx, user_id).await?;
    let found = grants::find(&mut tx, user_id, role.as_str()).await?;
    let held = found.filter(|grant| grant.holds_at(app.now()));
    if seen.is_some_and(|seen| !seen.is_now(role.as_str(), held.as_ref())) {
        return Err(Refusal::Changed.into());
    }
    let says_nothing = ends_at.is_none() && reason.trim().is_empty();
    if held.is_some() && says_nothing {
        return Err(Refusal::HasRole(user.username, role.as_str().to_owned()).into());
    }
    let kept = held.as_ref().map_or((None, ""), |held| (held.ends_at, held.reason.as_str()));
    let until = ends_at.or(kept.0).map_or(Until::Always, Until::At);
    let reason = if reason.trim().is_empty() { kept.1 } else { reason };
    grant_in(app, &mut tx, by, &user, role, until, reason).await?;
    watch.settle(&mut tx).await?;
    tx.commit().await?;
    Ok(until)
}

pub(super) async fn grant_in(
    app: &App,
    tx: &mut Tx,
    by: &By,
    user: &User,
    role: &RoleName,
    until: Until,
    reason: &str,
) -> Result<()> {
    let (now, reason) = (app.now(), reason.trim());
    if !roles::exists(tx, role.as_str()).await? {
        return Err(Refusal::NoRole(role.as_str().to_owned()).into());
    }
    if reason.chars().count() > REASON_CHARS || reason.chars().any(char::is_control) {
        return Err(Refusal::Reason.into());
    }
    let ends_at = match until {
        Until::Always => None,
        Until::At(end) if end <= now => return Err(Refusal::EndInPast.into()),
        Until::At(end) => Some(end),
    };
    let change = Change::Grant { to: user.id, role: role.as_str() };
    require(app, tx, by, change).await?;
    let before = grants::find(tx, user.id, role.as_str()).await?;
    if before.as_ref().is_some_and(|grant| !grant.holds_at(now)) {
        record_ends_of(app, tx, Some(user.id), "").await?;
    }
    let held = before.as_ref().filter(|grant| grant.holds_at(now));
    if held.is_some_and(|grant| grant.ends_at == ends_at && grant.reason == reason) {
        return Ok(());
    }
    let grant = Grant {
        user_id: user.id,
        role_name: role.as_str().to_owned(),
        granted_at: now,
        granted_by: by.actor.label(),
        granted_by_id: by.actor.id().map(|id| id.0),
        reason: reason.to_owned(),
        ends_at,
    };
    grants::save(tx, &grant).await?;
    let entry = Entry::new(Action::GrantCreate, users::target(user)).detail(json!({
        "role": role.as_str(),
        "before": held.map(described),
        "after": described(&grant),
    }));
    Ok(app.pen.record(tx, by, entry).await?)
}

/// Takes the role back.
///
/// # Errors
/// [`Refusal::NotGranted`] when the user does not have it by a grant.
pub async fn revoke(app: &App, by: &By, user_id: UserId, role: &RoleName) -> Result<()> {
    revoke_as_seen(app, by, user_id, role, None).await
}

/// The same from a page that showed the grant.
///
/// # Errors
/// [`Refusal::Changed`] when a grant holds that is not the one it showed, [`Refusal::NotGranted`]
/// when there is none.
pub async fn revoke_as_seen(
    app: &App,
    by: &By,
    user_id: UserId,
    role: &RoleName,
    seen: Option<&Seen>,
) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let watch = admins::watch(&mut tx).await?;
    let user = users::in_tx(&mut tx, user_id).await?;
    let found = grants::find(&mut tx, user_id, role.as_str()).await?;
    // One that has ended meanwhile does what they want already.
    let held = found.filter(|grant| grant.holds_at(app.now()));
    let is_other = |seen: &Seen| held.is_some() && !seen.is_now(role.as_str(), held.as_ref());
    if seen.is_some_and(is_other) {
        return Err(Refusal::Changed.into());
    }
    revoke_in(app, &mut tx, by, &user, role).await?;
    watch.settle(&mut tx).await?;
    Ok(tx.commit().await?)
}

pub(super) async fn revoke_in(
    app: &App,
    tx: &mut Tx,
    by: &By,
    user: &User,
    role: &RoleName,
) -> Result<()> {
    let Some(grant) = grants::find(tx, user.id, role.as_str()).await? else {
        let name = user.username.clone();
        return Err(Refusal::NotGranted(name, role.as_str().to_owned()).into());
    };
    require(app, tx, by, Change::Revoke { role: role.as_str() }).await?;
    record_ends_of(app, tx, Some(user.id), "").await?;
    bury_of(tx, user.id, app.now()).await?;
    grants::delete(tx, user.id, role.as_str()).await?;
    record_revoked(app, tx, by, user, &grant).await
}

/// Records the grants that have ended by themselves since this was last done.
pub async fn record_ends(app: &App) -> Result<()> {
    const BATCH: i64 = 100;
    loop {
        let mut tx = app.db.begin_aside().await?;
        let ended = grants::take_ended(&mut tx, app.now(), BATCH).await?;
        record_each(app, &mut tx, &ended).await?;
        tx.commit().await?;
        if ended.len() < BATCH as usize {
            return Ok(());
        }
    }
}

/// The same for those of one user, or of one role, before something takes their place.
pub(super) async fn record_ends_of(
    app: &App,
    tx: &mut Tx,
    user_id: Option<UserId>,
    role: &str,
) -> Result<()> {
    let ended = grants::take_ended_of(tx, app.now(), user_id, role).await?;
    record_each(app, tx, &ended).await
}

async fn record_each(app: &App, tx: &mut Tx, ended: &[Grant]) -> Result<()> {
    for grant in ended {
        if let Some(end) = grant.ends_at {
            bury_by(tx, grant.user_id, &grant.role_name, end).await?;
        }
        let user = users::in_tx(tx, grant.user_id).await?;
        let entry = Entry::new(Action::GrantEnd, users::target(&user))
            .detail(json!({ "role": grant.role_name, "before": described(grant) }));
        app.pen.record(tx, &By::new(Actor::System), entry).await?;
    }
    Ok(())
}

/// Records that the holders of a role lose it, before the role is deleted. Of a role that more
/// hold than a transaction can tell of, the record of the role says how many. Returns how many.
pub(super) async fn record_losses(app: &App, tx: &mut Tx, by: &By, role: &str) -> Result<u64> {
    const MOST: usize = 1000;
    record_ends_of(app, tx, None, role).await?;
    let mut held = grants::list_of_role_in(tx, role, MOST as i64 + 1).await?;
    held.retain(|grant| grant.holds_at(app.now()));
    if held.len() > MOST {
        return Ok(grants::count_of_role_in(tx, role, app.now()).await?.unsigned_abs());
    }
    for grant in &held {
        let user = users::in_tx(tx, grant.user_id).await?;
        record_revoked(app, tx, by, &user, grant).await?;
    }
    Ok(held.len() as u64)
}

async fn record_revoked(app: &App, tx: &mut Tx, by: &By, user: &User, grant: &Grant) -> Result<()> {
    let entry = Entry::new(Action::GrantDelete, users::target(user))
        .detail(json!({ "role": grant.role_name, "before": described(grant) }));
    Ok(app.pen.record(tx, by, entry).await?)
}

fn described(grant: &Grant) -> serde_json::Value {
    let end = grant.ends_at.and_then(|end| end.format(&Rfc3339).ok());
    json!({ "until": end, "reason": grant.reason })
}
