//! Proving who one is with a name and a password. Every failure does the same work and gives
//! the same answer.

use serde_json::json;
use uuid::Uuid;

use super::{
    Actor, By, Error, Result,
    device::Claims,
    hasher::Verdict,
    link, name,
    password::Password,
    throttle::{self, Tries, Try},
    token::{Token, unknown_name},
    users as people,
};
use crate::{
    app::App,
    db::{
        UserId,
        audit::{Action, Entry, Target},
        links::LinkKind,
        users::{self, Status, User},
    },
};

/// What somebody types, and what their browser says of itself.
#[derive(Clone, Copy)]
pub struct Typed<'a> {
    pub name: &'a str,
    pub password: &'a str,
    pub devices: &'a Claims,
}

/// What a right name and password open.
pub enum Proof {
    /// The try is given back with the session that it opens.
    User(Box<User>, Try),
    /// The password was good for this one login: a link with which the user sets a new one.
    OneTime(Token),
}

/// The user with this name or e-mail and this password, if the account is active.
///
/// # Errors
/// [`Error::Busy`] when more logins wait than the queue holds, [`Error::HeldBack`] when too many
/// failed before.
pub async fn authenticate(app: &App, by: &By, typed: Typed<'_>) -> Result<Option<Proof>> {
    app.hasher.admit(by)?;
    // What nobody can be called is looked up too, as the empty name.
    let key = name::key(typed.name).unwrap_or_default();
    let found = users::find_to_log_in(&app.db, &key).await?;
    let tries = Tries { account: found.as_ref(), typed_name: typed.name, devices: typed.devices };
    let tried = throttle::begin(app, by, tries).await?;
    let active = found.as_ref().filter(|user| user.status == Status::Active);
    let usable = active.filter(|user| user.password_expires_at.is_none_or(|end| end > app.now()));
    let hash = usable.and_then(|user| user.password_hash.clone());
    // A password that nobody can have is compared too, as the empty one.
    let password = Password::typed(typed.password);
    let is_possible = password.is_some();
    let password = match password.or_else(|| Password::typed("")) {
        Some(password) => password,
        None => return Ok(None),
    };
    let verdict = match app.hasher.verify(by, &password, hash.as_deref()).await {
        Ok(verdict) => verdict,
        Err(busy) => {
            tried.was_none(app).await?;
            return Err(busy.into());
        }
    };
    match (found, hash, verdict) {
        (Some(user), Some(hash), Verdict::Right | Verdict::RightButOld) if is_possible => {
            if user.password_expires_at.is_some() {
                return one_time(app, by, (&user, &hash), &tried).await;
            }
            if verdict == Verdict::RightButOld {
                renew(app, by, &user, (&hash, &password)).await?;
            }
            Ok(Some(Proof::User(Box::new(user), tried)))
        }
        (found, _, _) => {
            refuse(app, by, (found.as_ref(), typed.name), &tried).await?;
            Ok(None)
        }
    }
}

/// Spends a password that is good for one login.
async fn one_time(
    app: &App,
    by: &By,
    (user, hash): (&User, &str),
    tried: &Try,
) -> Result<Option<Proof>> {
    let mut tx = app.db.begin().await?;
    if !users::spend_password(&mut tx, user.id, hash, app.now()).await? {
        drop(tx);
        refuse(app, by, (Some(user), ""), tried).await?;
        return Ok(None);
    }
    let by = By { actor: Actor::User { id: user.id, name: user.username.clone() }, ..by.clone() };
    tried.was_right(&mut tx, user).await?;
    let token = link::make_in(app, &mut tx, &by, LinkKind::Password, Some(user)).await?;
    tx.commit().await?;
    Ok(Some(Proof::OneTime(token)))
}

/// Hashes the password anew with today's parameters; when too many wait for that, another login
/// does it.
async fn renew(app: &App, by: &By, user: &User, (old, password): (&str, &Password)) -> Result<()> {
    let new = match app.hasher.hash(by, password).await {
        Err(Error::Busy(_)) => return Ok(()),
        hashed => hashed?,
    };
    let mut tx = app.db.begin_aside().await?;
    if users::renew_hash(&mut tx, user.id, old, &new).await? {
        let entry = Entry::new(Action::UserHashRenew, people::target(user));
        app.pen.record(&mut tx, &By::new(Actor::System), entry).await?;
    }
    Ok(tx.commit().await?)
}

/// Records the failure: with the account, or with a keyed hash of a name that nobody has.
async fn refuse(
    app: &App,
    by: &By,
    (found, typed_name): (Option<&User>, &str),
    tried: &Try,
) -> Result<()> {
    let mut tx = app.db.begin_aside().await?;
    // Asked for nobody too, so that the work is the same.
    let id = found.map_or(UserId(Uuid::nil()), |user| user.id);
    let still_there = match people::in_tx(&mut tx, id).await {
        Ok(user) => Some(user),
        // Unknown, or removed meanwhile: nobody has this name.
        Err(Error::Refused(_)) => None,
        Err(error) => return Err(error),
    };
    let entry = match still_there {
        Some(user) => {
            tracing::info!(user = %user.id, "login refused");
            tried.note_closing(app, &mut tx, by, &user).await?;
            Entry::new(Action::LoginRefuse, people::target(&user)).detail(json!({}))
        }
        None => {
            let name = unknown_name(&app.keys, typed_name);
            tracing::info!(unknown_name = name, "login refused");
            // Kept where a known name is kept, so that both write as much.
            Entry::new(Action::LoginRefuse, Target::Nobody).personal("unknown_name", name)
        }
    };
    app.pen.record(&mut tx, by, entry).await?;
    Ok(tx.commit().await?)
}
