//! The password entered again in a session that is open: changes to people and roles ask for it
//! when the last time is long ago, and a change of the password always. The session gets another
//! id with it, so that a stolen cookie is worth nothing from then on.

use time::Duration;

use super::{
    By, Refusal, Result,
    access::CurrentUser,
    device::Claims,
    hasher::Verdict,
    password::Password,
    sessions::{self, Opened},
    throttle::{self, Tries, Try},
    token::Token,
    users as people,
};
use crate::{
    app::App,
    db::{
        Tx,
        audit::{Action, Entry},
        sessions::{self as rows, Renewal},
        users::{self, User},
    },
};

/// How long requests that are on their way find the session by its old id. They prove nothing
/// with it.
const OLD_ID_ANSWERS: Duration = Duration::seconds(10);

/// The session in which the password is entered, and what its browser says of itself.
#[derive(Clone, Copy)]
pub struct Mine<'a> {
    pub user: &'a CurrentUser,
    pub token: Token,
    pub devices: &'a Claims,
}

/// Takes the password again. Returns the new id of the session, in which it counts for
/// `step_up_after`.
///
/// # Errors
/// [`Refusal::WrongPassword`]; [`Refusal::Changed`] when the session has another id already;
/// [`super::Error::HeldBack`] and [`super::Error::Busy`] as at a login.
pub async fn step_up(app: &App, by: &By, mine: Mine<'_>, password: &str) -> Result<Opened> {
    let (user, tried) = prove(app, by, &mine, password).await?;
    let mut tx = app.db.begin().await?;
    if !users::hold(&mut tx, user.id, user.session_epoch).await? {
        return Err(Refusal::WrongPassword.into());
    }
    tried.was_right(&mut tx, &user).await?;
    let opened = renew(app, &mut tx, &mine).await?;
    if opened.is_some() {
        let target = sessions::target(mine.user.session.id, user.id, &user.username);
        app.pen.record(&mut tx, by, Entry::new(Action::SessionProve, target)).await?;
    }
    tx.commit().await?;
    opened.ok_or(Refusal::Changed.into())
}

/// Whether this is the password of the session's user; a try like one at the login. A failure
/// is recorded and stays counted.
pub(super) async fn prove(
    app: &App,
    by: &By,
    mine: &Mine<'_>,
    password: &str,
) -> Result<(User, Try)> {
    let user = users::find(&app.db, mine.user.id).await?.ok_or(Refusal::WrongPassword)?;
    let tries = Tries { account: Some(&user), typed_name: "", devices: mine.devices };
    let tried = throttle::begin(app, by, tries).await?;
    let verdict = match Password::typed(password) {
        Some(password) => app.hasher.verify(by, &password, user.password_hash.as_deref()).await,
        None => Ok(Verdict::Wrong),
    };
    match verdict {
        Ok(Verdict::Right | Verdict::RightButOld) => Ok((user, tried)),
        Ok(Verdict::Wrong) => {
            let mut tx = app.db.begin_aside().await?;
            let entry = Entry::new(Action::UserPasswordRefuse, people::target(&user));
            app.pen.record(&mut tx, by, entry).await?;
            tried.note_closing(app, &mut tx, by, &user).await?;
            tx.commit().await?;
            Err(Refusal::WrongPassword.into())
        }
        Err(busy) => {
            tried.was_none(app).await?;
            Err(busy.into())
        }
    }
}

/// Gives the session another id. `None` when the one it was asked with is not its id any more.
pub(super) async fn renew(app: &App, tx: &mut Tx, mine: &Mine<'_>) -> Result<Option<Opened>> {
    let session = mine.user.session;
    let (new, now) = (Token::new(&app.pen.random)?, app.now());
    let (old_digest, new_digest) = (&mine.token.digest(), &new.digest());
    let renewal = Renewal { old_digest, new_digest, now, old_until: now + OLD_ID_ANSWERS };
    let is_renewed = rows::renew(tx, session.id, renewal).await?;
    let max_age = session.remember.then(|| session.ends_at - now);
    Ok(is_renewed.then_some(Opened { session: new, check: None, max_age }))
}
