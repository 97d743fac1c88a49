//! Giving a user another password.

use serde_json::json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{GENERATED_LIFETIME, in_tx, target};
use crate::{
    app::App,
    auth::{
        By, Refusal, Result,
        device::Claims,
        hasher::Verdict,
        password::Password,
        throttle::{self, Tries},
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
    let hash = app.hasher.hash(password).await?;
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

/// Changes one's own password. Ends the other sessions; returns how many.
///
/// # Errors
/// [`Refusal::WrongPassword`] when `current` is not the one.
pub async fn change_own_password(
    app: &App,
    by: &By,
    session: (UserId, Uuid),
    current: (&str, &Claims),
    new: &Password,
) -> Result<u64> {
    let ((id, session), (current, devices)) = (session, current);
    let user = users::find(&app.db, id).await?.ok_or(Refusal::WrongPassword)?;
    let tries = Tries { account: Some(&user), typed_name: "", devices };
    let tried = throttle::begin(app, by, tries).await?;
    let current = Password::typed(current).ok_or(Refusal::WrongPassword)?;
    match app.hasher.verify(&current, user.password_hash.as_deref()).await {
        Ok(Verdict::Wrong) => {
            let mut tx = app.db.begin().await?;
            let entry = Entry::new(Action::UserPasswordRefuse, target(&user));
            app.pen.record(&mut tx, by, entry).await?;
            tried.note_closing(app, &mut tx, by, &user).await?;
            tx.commit().await?;
            return Err(Refusal::WrongPassword.into());
        }
        Ok(Verdict::Right | Verdict::RightButOld) => {}
        Err(busy) => {
            tried.was_none(app).await?;
            return Err(busy.into());
        }
    }
    let hash = app.hasher.hash(new).await?;
    let mut tx = app.db.begin().await?;
    // Whoever reset the password or closed the account meanwhile has the last word.
    let is_same = users::hold(&mut tx, id, user.session_epoch).await?;
    if !is_same || sessions::find_in(&mut tx, session).await?.is_none() {
        return Err(Refusal::WrongPassword.into());
    }
    tried.was_right(&mut tx, &user).await?;
    let ended = set_password_in(app, &mut tx, by, &user, (&hash, None), Some(session)).await?;
    tx.commit().await?;
    Ok(ended)
}
