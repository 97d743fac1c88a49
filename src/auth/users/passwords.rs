//! Giving a user another password.

use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{GENERATED_LIFETIME, in_tx, target};
use crate::{
    app::App,
    auth::{
        By, Refusal, Result,
        password::Password,
        sessions::Opened,
        step_up::{self, Mine},
    },
    db::{
        Tx, UserId,
        audit::{Action, Entry},
        links, sessions,
        throttles::{self, Kind},
        users::{self, User},
    },
};

/// Gives the user a new password and ends their sessions, but `keep`. Returns how many ended.
pub async fn set_password(
    app: &App,
    by: &By,
    id: UserId,
    password: &Password,
    keep: Option<Uuid>,
) -> Result<u64> {
    set_password_until(app, by, id, password, keep, None).await
}

/// Gives the user a password that the program made: good for one login within seven days.
pub async fn set_generated_password(
    app: &App,
    by: &By,
    id: UserId,
    password: &Password,
) -> Result<u64> {
    let expires_at = app.now() + GENERATED_LIFETIME;
    set_password_until(app, by, id, password, None, Some(expires_at)).await
}

async fn set_password_until(
    app: &App,
    by: &By,
    id: UserId,
    password: &Password,
    keep: Option<Uuid>,
    expires_at: Option<OffsetDateTime>,
) -> Result<u64> {
    let hash = app.hasher.hash(by, password).await?;
    let mut tx = app.db.begin().await?;
    let user = in_tx(&mut tx, id).await?;
    let ended = set_password_in(app, &mut tx, by, &user, (&hash, expires_at), keep).await?;
    tx.commit().await?;
    Ok(ended)
}

pub(in crate::auth) async fn set_password_in(
    app: &App,
    tx: &mut Tx,
    by: &By,
    user: &User,
    (hash, expires_at): (&str, Option<OffsetDateTime>),
    keep: Option<Uuid>,
) -> Result<u64> {
    users::set_password(tx, user.id, hash, expires_at).await?;
    throttles::delete(tx, Kind::Account, &user.id.to_string()).await?;
    if keep.is_none() {
        users::forget_devices(tx, user.id).await?;
    }
    links::delete_of_user(tx, user.id).await?;
    let ended = sessions::delete_of_user(tx, user.id, keep).await?;
    let entry = Entry::new(Action::UserPassword, target(user))
        .detail(json!({ "sessions_ended": ended, "one_time": expires_at.is_some() }));
    app.pen.record(tx, by, entry).await?;
    Ok(ended)
}

/// Changes one's own password. Ends the other sessions; returns how many, and the new id of
/// this one.
///
/// # Errors
/// [`Refusal::WrongPassword`] when `current` is not the one.
pub async fn change_own_password(
    app: &App,
    by: &By,
    mine: Mine<'_>,
    current: &str,
    new: &Password,
) -> Result<(u64, Opened)> {
    let (user, tried) = step_up::prove(app, by, &mine, current).await?;
    let hash = app.hasher.hash(by, new).await?;
    let mut tx = app.db.begin().await?;
    // Whoever reset the password or closed the account meanwhile has the last word.
    if !users::hold(&mut tx, user.id, user.session_epoch).await? {
        return Err(Refusal::WrongPassword.into());
    }
    tried.was_right(&mut tx, &user).await?;
    let opened = step_up::renew(app, &mut tx, &mine).await?.ok_or(Refusal::Changed)?;
    let keep = Some(mine.user.session.id);
    let ended = set_password_in(app, &mut tx, by, &user, (&hash, None), keep).await?;
    tx.commit().await?;
    Ok((ended, opened))
}
