//! Making, changing and removing users.

mod passwords;

use serde_json::json;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    By, Refusal, Result, admins,
    authority::{Change, require, require_user},
    grants::{self, Until},
    link,
    name::{self, Email, RoleName, Username},
    password::Password,
    token::Token,
};
pub(super) use passwords::set_password_in;
pub use passwords::{change_own_password, set_generated_password, set_password};

use crate::{
    app::App,
    db::{
        Db, Tx, UserId,
        audit::{self, Action, Entry, Target},
        grants as grant_rows,
        links::{self, LinkKind},
        login_keys::{self, Kind},
        sessions, tallies, throttles,
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
    /// Made by the program: good for one login within seven days, which sets a new one.
    Generated(&'a Password),
    /// A link with which the user chooses it.
    Invite,
}

/// How long a password that the program made can be used.
const GENERATED_LIFETIME: Duration = Duration::days(7);

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
        FirstPassword::Chosen(password) | FirstPassword::Generated(password) => {
            Some(app.hasher.hash(by, password).await?)
        }
        FirstPassword::Invite => None,
    };
    let mut tx = app.db.begin().await?;
    let watch = admins::watch(&mut tx).await?;
    require(app, &mut tx, by, Change::CreateUser).await?;
    let user = insert(app, &mut tx, by, &new, hash).await?;
    let invitation = match new.password {
        FirstPassword::Chosen(_) | FirstPassword::Generated(_) => None,
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
    let profile = Profile {
        username: new.username.clone(),
        email: new.email.clone(),
        display_name: new.display_name.clone(),
    };
    let expires_at = match new.password {
        FirstPassword::Generated(_) => Some(app.now() + GENERATED_LIFETIME),
        FirstPassword::Chosen(_) | FirstPassword::Invite => None,
    };
    let user = insert_profile(app, tx, by, &profile, (password_hash, expires_at)).await?;
    for role in new.roles {
        grants::grant_in(app, tx, by, &user, role, Until::Always, "").await?;
    }
    Ok(user)
}

/// Makes a user without roles, whose password has this hash and, if it is good for one login,
/// this end.
pub(super) async fn insert_profile(
    app: &App,
    tx: &mut Tx,
    by: &By,
    profile: &Profile,
    (password_hash, password_expires_at): (Option<String>, Option<OffsetDateTime>),
) -> Result<User> {
    if profile.email.is_some() {
        require(app, tx, by, Change::Email).await?;
    }
    let user = User {
        id: UserId(app.pen.clock.new_id()),
        status: Status::Active,
        username: profile.username.as_str().to_owned(),
        email: profile.email.as_ref().map(|email| email.as_str().to_owned()),
        display_name: profile.display_name.clone(),
        password_hash,
        password_expires_at,
        version: 0,
        session_epoch: 0,
        device_epoch: 0,
        created_at: app.now(),
        last_login_at: None,
    };
    users::create(tx, &user).await?;
    take_name(tx, user.id, &profile.username).await?;
    take_email(tx, user.id, profile.email.as_ref()).await?;
    let entry = Entry::new(Action::UserCreate, target(&user))
        .detail(json!({ "has_password": user.password_hash.is_some() }))
        .personal("email", user.email.clone())
        .personal("display_name", user.display_name.clone());
    app.pen.record(tx, by, entry).await?;
    tallies::add(tx, tallies::ACTIVE, 1).await?;
    Ok(user)
}

/// Closes the account: nobody logs in to it, and its sessions end now.
pub async fn disable(app: &App, by: &By, id: UserId) -> Result<()> {
    set_status(app, by, id, Status::Disabled).await
}

/// Opens the account again.
pub async fn enable(app: &App, by: &By, id: UserId) -> Result<()> {
    set_status(app, by, id, Status::Active).await
}

async fn set_status(app: &App, by: &By, id: UserId, status: Status) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let watch = admins::watch(&mut tx).await?;
    let user = in_tx(&mut tx, id).await?;
    set_status_in(app, &mut tx, by, &user, status).await?;
    watch.settle(&mut tx).await?;
    Ok(tx.commit().await?)
}

pub(super) async fn set_status_in(
    app: &App,
    tx: &mut Tx,
    by: &By,
    user: &User,
    status: Status,
) -> Result<()> {
    if user.status == status {
        return Ok(());
    }
    require_user(app, tx, by, user.id).await?;
    users::set_status(tx, user.id, status).await?;
    let (action, detail, one_more, one_less) = if status == Status::Active {
        (Action::UserEnable, json!({}), tallies::ACTIVE, tallies::DISABLED)
    } else {
        users::end_epoch(tx, user.id).await?;
        links::delete_of_user(tx, user.id).await?;
        let ended = sessions::delete_of_user(tx, user.id, None).await?;
        let detail = json!({ "sessions_ended": ended });
        (Action::UserDisable, detail, tallies::DISABLED, tallies::ACTIVE)
    };
    tallies::add(tx, one_more, 1).await?;
    tallies::add(tx, one_less, -1).await?;
    Ok(app.pen.record(tx, by, Entry::new(action, target(user)).detail(detail)).await?)
}

/// How a user is called and reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub username: Username,
    pub email: Option<Email>,
    pub display_name: String,
}

/// Changes the profile; id, roles and sessions stay. `version`: the one that the editor saw.
///
/// # Errors
/// [`Refusal::Changed`] when somebody else was faster.
pub async fn edit(
    app: &App,
    by: &By,
    id: UserId,
    profile: &Profile,
    version: Option<i64>,
) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let user = in_tx(&mut tx, id).await?;
    if version.is_some_and(|seen| seen != user.version) {
        return Err(Refusal::Changed.into());
    }
    if edit_in(app, &mut tx, by, &user, profile).await? {
        tx.commit().await?;
    }
    Ok(())
}

/// Gives the user another name; id, roles and sessions stay.
pub async fn rename(app: &App, by: &By, id: UserId, new: &Username) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let user = in_tx(&mut tx, id).await?;
    let email = user.email.as_deref().map(Email::parse).transpose()?;
    let display_name = user.display_name.clone();
    let profile = Profile { username: new.clone(), email, display_name };
    if edit_in(app, &mut tx, by, &user, &profile).await? {
        tx.commit().await?;
    }
    Ok(())
}

/// Returns whether that changes anything.
pub(super) async fn edit_in(
    app: &App,
    tx: &mut Tx,
    by: &By,
    user: &User,
    profile: &Profile,
) -> Result<bool> {
    let new = User {
        username: profile.username.as_str().to_owned(),
        email: profile.email.as_ref().map(|email| email.as_str().to_owned()),
        display_name: profile.display_name.clone(),
        ..user.clone()
    };
    if new == *user {
        return Ok(false);
    }
    require_user(app, tx, by, user.id).await?;
    if new.username != user.username {
        login_keys::delete(tx, user.id, Kind::Name).await?;
        login_keys::delete_look(tx, user.id).await?;
        take_name(tx, user.id, &profile.username).await?;
    }
    if new.email != user.email {
        require(app, tx, by, Change::Email).await?;
        login_keys::delete(tx, user.id, Kind::Email).await?;
        take_email(tx, user.id, profile.email.as_ref()).await?;
    }
    users::set_profile(tx, &new).await?;
    let personal = |user: &User| {
        let User { username, email, display_name, .. } = user;
        json!({ "username": username, "email": email, "display_name": display_name })
    };
    let entry = Entry::new(Action::UserEdit, target(user))
        .personal("before", personal(user))
        .personal("after", personal(&new));
    app.pen.record(tx, by, entry).await?;
    Ok(true)
}

/// Deletes all there is of the user but the id, which is never given out again.
pub async fn remove(app: &App, by: &By, id: UserId) -> Result<()> {
    let mut tx = app.db.begin().await?;
    let watch = admins::watch(&mut tx).await?;
    let user = in_tx(&mut tx, id).await?;
    remove_in(app, &mut tx, by, &user).await?;
    watch.settle(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn remove_in(app: &App, tx: &mut Tx, by: &By, user: &User) -> Result<()> {
    let id = user.id;
    require_user(app, tx, by, id).await?;
    let tally = if user.status == Status::Active { tallies::ACTIVE } else { tallies::DISABLED };
    tallies::add(tx, tally, -1).await?;
    let sessions_ended = sessions::delete_of_user(tx, id, None).await?;
    grants::record_ends_of(app, tx, Some(id), "").await?;
    let grants_ended = grant_rows::delete_of_user(tx, id).await?;
    links::delete_of_user(tx, id).await?;
    throttles::delete_of_user(tx, id).await?;
    users::remove(tx, id).await?;
    let entry = Entry::new(Action::UserRemove, target(user))
        .detail(json!({ "sessions_ended": sessions_ended, "grants_ended": grants_ended }));
    app.pen.record(tx, by, entry).await?;
    audit::forget(tx, id).await?;
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
    login_keys::create(tx, id, Kind::Name, name.as_str()).await.map_err(unless(taken))?;
    let alike = || Refusal::NameLooksTaken(name.as_str().to_owned());
    login_keys::create_look(tx, id, &name.look()).await.map_err(unless(alike))
}

/// Notes what the names look like that are older than this rule.
pub async fn fill_looks(db: &Db) -> sqlx::Result<()> {
    if !login_keys::lacks_looks(db).await? {
        return Ok(());
    }
    // One transaction: what is killed half way begins anew.
    let mut tx = db.begin().await?;
    let mut after = String::new();
    loop {
        let page = users::list_in(&mut tx, after.as_bytes(), 1000).await?;
        let Some(last) = page.last() else { break };
        after = last.username.clone();
        for user in &page {
            login_keys::fill_look(&mut tx, user.id, &name::look(&user.username)).await?;
        }
    }
    tx.commit().await
}

async fn take_email(tx: &mut Tx, id: UserId, email: Option<&Email>) -> Result<()> {
    let Some(email) = email else { return Ok(()) };
    let taken = || Refusal::EmailTaken(email.as_str().to_owned());
    login_keys::create(tx, id, Kind::Email, email.key()).await.map_err(unless(taken))
}

/// A unique violation is a refusal; anything else a failure.
fn unless(refusal: impl FnOnce() -> Refusal) -> impl FnOnce(sqlx::Error) -> super::Error {
    move |error| match error.as_database_error() {
        Some(database) if database.is_unique_violation() => refusal().into(),
        _ => error.into(),
    }
}
