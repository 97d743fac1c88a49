//! Making, changing and removing users.

use serde_json::json;
use uuid::Uuid;

use super::{
    By, Refusal, Result, admins,
    grants::{self, Until},
    hasher::Verdict,
    link,
    name::{self, Email, RoleName, Username},
    password::Password,
    token::Token,
};
use crate::{
    app::App,
    db::{
        Tx, UserId,
        audit::{self, Entry, Target},
        grants as grant_rows,
        links::{self, LinkKind},
        login_keys::{self, Kind},
        sessions,
        users::{self, Status, User},
    },
};

/// A user to make.
pub struct NewUser<'a> {
    pub username: Username,
    pub email: Option<Email>,
    pub display_name: String,
    pub roles: &'a [RoleName],
    pub password: FirstPassword<'a>,
}

pub enum FirstPassword<'a> {
    Chosen(&'a Password),
    /// A link with which the user chooses it.
    Invite,
}

pub struct Created {
    pub user: User,
    /// The token of the invitation, if that was asked for.
    pub invitation: Option<Token>,
}

/// The user with this name, e-mail or id.
///
/// # Errors
/// [`Refusal::NoUser`] when there is none.
pub async fn find(app: &App, typed: &str) -> Result<User> {
    let by_id = typed.trim().parse::<Uuid>().ok().map(UserId);
    let found = match (by_id, name::key(typed)) {
        (Some(id), _) => users::find(&app.db, id).await?.filter(is_there),
        (None, Some(key)) => users::find_by_key(&app.db, &key).await?,
        (None, None) => None,
    };
    found.ok_or_else(|| Refusal::NoUser(typed.chars().take(80).collect()).into())
}

/// Makes a user with their roles and, if asked to, an invitation.
pub async fn create(app: &App, by: &By, new: NewUser<'_>) -> Result<Created> {
    let hash = match &new.password {
        FirstPassword::Chosen(password) => Some(app.hasher.hash(password).await?),
        FirstPassword::Invite => None,
    };
    let mut tx = app.db.begin().await?;
    let watch = admins::watch(&mut tx).await?;
    let user = insert(app, &mut tx, by, &new, hash).await?;
    let invitation = match new.password {
        FirstPassword::Chosen(_) => None,
        FirstPassword::Invite => {
            Some(link::make_in(app, &mut tx, by, LinkKind::Invitation, Some(&user)).await?)
        }
    };
    watch.settle(&mut tx).await?;
    tx.commit().await?;
    Ok(Created { user, invitation })
}

/// The part of [`create`] inside a transaction that has the turn of the admins.
pub(super) async fn insert(
    app: &App,
    tx: &mut Tx,
    by: &By,
    new: &NewUser<'_>,
    password_hash: Option<String>,
) -> Result<User> {
    let user = User {
        id: UserId(app.pen.clock.new_id()),
        status: Status::Active,
        username: new.username.as_str().to_owned(),
        email: new.email.as_ref().map(|email| email.as_str().to_owned()),
        display_name: new.display_name.clone(),
        password_hash,
        session_epoch: 0,
        created_at: app.now(),
        last_login_at: None,
    };
    users::create(tx, &user).await?;
    take_name(tx, user.id, &new.username).await?;
    if let Some(email) = &new.email {
        let taken = || Refusal::EmailTaken(email.as_str().to_owned());
        login_keys::create(tx, user.id, Kind::Email, email.key()).await.map_err(unless(taken))?;
    }
    let entry = Entry::new("user.create", target(&user))
        .detail(json!({ "has_password": user.password_hash.is_some() }))
        .personal("email", user.email.clone())
        .personal("display_name", user.display_name.clone());
    app.pen.record(tx, by, entry).await?;
    for role in new.roles {
        grants::grant_in(app, tx, by, &user, role, Until::Always, "").await?;
    }
    Ok(user)
}

/// Gives the user a new password and ends their sessions, but `keep`. Returns how many ended.
pub async fn set_password(
    app: &App,
    by: &By,
    id: UserId,
    password: &Password,
    keep: Option<Uuid>,
) -> Result<u64> {
    let hash = app.hasher.hash(password).await?;
    let mut tx = app.db.begin().await?;
    let user = in_tx(&mut tx, id).await?;
    let ended = set_password_in(app, &mut tx, by, &user, &hash, keep).await?;
    tx.commit().await?;
    Ok(ended)
}

pub(super) async fn set_password_in(
    app: &App,
    tx: &mut Tx,
    by: &By,
    user: &User,
    hash: &str,
    keep: Option<Uuid>,
) -> Result<u64> {
    users::set_password(tx, user.id, Some(hash)).await?;
    links::delete_of_user(tx, user.id).await?;
    let ended = sessions::delete_of_user(tx, user.id, keep).await?;
    let entry =
        Entry::new("user.password", target(user)).detail(json!({ "sessions_ended": ended }));
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
    id: UserId,
    session: Uuid,
    current: &str,
    new: &Password,
) -> Result<u64> {
    let user = users::find(&app.db, id).await?.ok_or(Refusal::WrongPassword)?;
    let verified = match Password::typed(current) {
        Some(current) => app.hasher.verify(&current, user.password_hash.as_deref()).await?,
        None => Verdict::Wrong,
    };
    if verified == Verdict::Wrong {
        return Err(Refusal::WrongPassword.into());
    }
    let hash = app.hasher.hash(new).await?;
    let mut tx = app.db.begin().await?;
    // Whoever reset the password or closed the account meanwhile has the last word.
    let is_same = users::hold(&mut tx, id, user.session_epoch).await?;
    if !is_same || sessions::find_in(&mut tx, session).await?.is_none() {
        return Err(Refusal::WrongPassword.into());
    }
    let ended = set_password_in(app, &mut tx, by, &user, &hash, Some(session)).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Closes the account: nobody logs in to it, and its sessions end now.
pub async fn disable(app: &App, by: &By, id: UserId) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let watch = admins::watch(&mut tx).await?;
    let user = in_tx(&mut tx, id).await?;
    if user.status == Status::Active {
        users::set_status(&mut tx, id, Status::Disabled).await?;
        users::end_epoch(&mut tx, id).await?;
        let ended = sessions::delete_of_user(&mut tx, id, None).await?;
        let entry =
            Entry::new("user.disable", target(&user)).detail(json!({ "sessions_ended": ended }));
        app.pen.record(&mut tx, by, entry).await?;
        watch.settle(&mut tx).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Opens the account again.
pub async fn enable(app: &App, by: &By, id: UserId) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let user = in_tx(&mut tx, id).await?;
    if user.status == Status::Disabled {
        users::set_status(&mut tx, id, Status::Active).await?;
        app.pen.record(&mut tx, by, Entry::new("user.enable", target(&user))).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Gives the user another name; id, roles and sessions stay.
pub async fn rename(app: &App, by: &By, id: UserId, new: &Username) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let user = in_tx(&mut tx, id).await?;
    if user.username == new.as_str() {
        return Ok(());
    }
    login_keys::delete(&mut tx, id, Kind::Name).await?;
    take_name(&mut tx, id, new).await?;
    users::set_username(&mut tx, id, new.as_str()).await?;
    let entry = Entry::new("user.rename", target(&user))
        .personal("before", user.username.clone())
        .personal("after", new.as_str());
    app.pen.record(&mut tx, by, entry).await?;
    tx.commit().await?;
    Ok(())
}

/// Deletes all there is of the user but the id, which is never given out again.
pub async fn remove(app: &App, by: &By, id: UserId) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let watch = admins::watch(&mut tx).await?;
    let user = in_tx(&mut tx, id).await?;
    let sessions_ended = sessions::delete_of_user(&mut tx, id, None).await?;
    let grants_ended = grant_rows::delete_of_user(&mut tx, id).await?;
    links::delete_of_user(&mut tx, id).await?;
    users::remove(&mut tx, id).await?;
    let entry = Entry::new("user.remove", target(&user))
        .detail(json!({ "sessions_ended": sessions_ended, "grants_ended": grants_ended }));
    app.pen.record(&mut tx, by, entry).await?;
    audit::forget(&mut tx, id).await?;
    watch.settle(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// The user as the transaction sees them. Their row is held until it ends, which orders all
/// changes of one user, and their removal, after one another.
pub(super) async fn in_tx(tx: &mut Tx, id: UserId) -> Result<User> {
    let is_there = users::take(tx, id).await?;
    let found = users::find_in(tx, id).await?.filter(|_| is_there);
    found.ok_or_else(|| Refusal::NoUser(id.to_string()).into())
}

pub(super) fn target(user: &User) -> Target {
    Target::User { id: user.id, name: user.username.clone() }
}

fn is_there(user: &User) -> bool {
    user.status != Status::Removed
}

async fn take_name(tx: &mut Tx, id: UserId, name: &Username) -> Result<()> {
    let taken = || Refusal::NameTaken(name.as_str().to_owned());
    login_keys::create(tx, id, Kind::Name, name.as_str()).await.map_err(unless(taken))
}

/// A unique violation is a refusal; anything else a failure.
fn unless(refusal: impl FnOnce() -> Refusal) -> impl FnOnce(sqlx::Error) -> super::Error {
    move |error| match error.as_database_error() {
        Some(database) if database.is_unique_violation() => refusal().into(),
        _ => error.into(),
    }
}
