//! Links that open a choose-a-password page once: for the first admin, for a new user, for one
//! who has lost the password. Made once, kept as digest, shown to whoever made them.

use serde_json::json;
use time::Duration;
use uuid::Uuid;

use super::{
    Actor, By, Error, Refusal, Result,
    authority::{Authority, Change, granted_roles, require_user},
    grants::{self, Until},
    name::{ADMIN, RoleName, Username},
    password::Password,
    throttle,
    token::Token,
    users::{self, FirstPassword, NewUser},
};
use crate::{
    app::App,
    db::{
        Tx, UserId,
        audit::{Action, Entry, Target},
        grants as grant_rows,
        links::{self, Link, LinkKind},
        turns,
        users::{Status, User},
    },
};

fn lifetime(kind: LinkKind) -> Duration {
    match kind {
        LinkKind::Invitation => Duration::days(7),
        LinkKind::Setup | LinkKind::Password => Duration::hours(1),
    }
}

/// The address that a person opens.
pub fn url(app: &App, token: Token) -> String {
    app.settings.public_url.join(&route(token))
}

/// The same as a route.
pub fn route(token: Token) -> String {
    format!("/link?token={}", token.reveal())
}

/// Makes a link with which the user sets a password; the one made before is void.
pub async fn make(app: &App, by: &By, user_id: UserId) -> Result<Token> {
    let mut tx = app.db.begin().await?;
    let user = users::in_tx(&mut tx, user_id).await?;
    if user.status != Status::Active {
        return Err(Refusal::Disabled(user.username).into());
    }
    // One's own password is changed with the current one.
    if by.actor.id() == Some(user_id) {
        return Err(Refusal::OwnLink.into());
    }
    require_user(app, &mut tx, by, user_id).await?;
    let token = make_in(app, &mut tx, by, LinkKind::Password, Some(&user)).await?;
    tx.commit().await?;
    Ok(token)
}

/// Makes an invitation for each of these who is active and has no password; one that was made for
/// them before is void.
pub async fn invite(app: &App, by: &By, ids: &[UserId]) -> Result<Vec<(User, Token)>> {
    let mut invited = Vec::new();
    let mut tx = app.db.begin().await?;
    for id in ids {
        let user = crate::db::users::find_in(&mut tx, *id).await?;
        let Some(user) = user.filter(User::awaits_password) else { continue };
        require_user(app, &mut tx, by, user.id).await?;
        let token = make_in(app, &mut tx, by, LinkKind::Invitation, Some(&user)).await?;
        invited.push((user, token));
    }
    tx.commit().await?;
    Ok(invited)
}

/// Whether there is no admin yet.
pub async fn is_setup_due(app: &App) -> Result<bool> {
    let mut tx = app.db.begin().await?;
    Ok(grant_rows::count_admins(&mut tx, app.now()).await? == 0)
}

/// Makes the link that makes the first admin. `None` when there is an admin.
pub async fn make_setup(app: &App, by: &By) -> Result<Option<Token>> {
    let mut tx = app.db.begin().await?;
    turns::take(&mut tx, turns::ADMINS).await?;
    if grant_rows::count_admins(&mut tx, app.now()).await? > 0 {
        return Ok(None);
    }
    let token = make_in(app, &mut tx, by, LinkKind::Setup, None).await?;
    tx.commit().await?;
    Ok(Some(token))
}

pub(super) async fn make_in(
    app: &App,
    tx: &mut Tx,
    by: &By,
    kind: LinkKind,
    user: Option<&User>,
) -> Result<Token> {
    let (now, token) = (app.now(), Token::new(&app.pen.random)?);
    let made_by_id = by.actor.id().map(|id| id.0);
    let link = Link { kind, user_id: user.map(|user| user.id), made_by_id };
    links::create(tx, &token.digest(), &link, now, now + lifetime(kind)).await?;
    let (action, target) = match (kind, user) {
        (LinkKind::Invitation, Some(user)) => (Action::LinkInvite, users::target(user)),
        (_, Some(user)) => (Action::LinkPassword, users::target(user)),
        (_, None) => (Action::LinkSetup, Target::Nobody),
    };
    app.pen.record(tx, by, Entry::new(action, target)).await?;
    Ok(token)
}

/// Whom a link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opens {
    Setup,
    PasswordOf(User),
}

/// What the link would do. Spends nothing.
///
/// # Errors
/// [`Refusal::LinkInvalid`] when it is unknown, spent or expired, or its user may not log in;
/// [`Refusal::SetupDone`] when there is an admin already; [`Error::HeldBack`] when too many
/// invalid ones came from this address.
pub async fn peek(app: &App, by: &By, token: &str) -> Result<(Token, Opens)> {
    throttle::check_address(app, by).await?;
    let found = look_up(app, token).await;
    if let Err(Error::Refused(Refusal::LinkInvalid)) = found {
        throttle::count_at_address(app, by).await?;
    }
    found
}

async fn look_up(app: &App, token: &str) -> Result<(Token, Opens)> {
    let token = Token::parse(token).ok_or(Refusal::LinkInvalid)?;
    let link = links::find(&app.db, &token.digest(), app.now()).await?;
    let link = link.ok_or(Refusal::LinkInvalid)?;
    let Some(user_id) = link.user_id else {
        return if is_setup_due(app).await? {
            Ok((token, Opens::Setup))
        } else {
            Err(Refusal::SetupDone.into())
        };
    };
    let user = crate::db::users::find(&app.db, user_id).await?;
    let user = user.filter(|user| user.status == Status::Active).ok_or(Refusal::LinkInvalid)?;
    let mut tx = app.db.begin_read().await?;
    require_reach(app, &mut tx, link.made_by_id, &user).await?;
    Ok((token, Opens::PasswordOf(user)))
}

/// Refuses a link whose maker may not (any more) change its user, as that user is now: whoever
/// kept a copy would else become who they were made meanwhile.
async fn require_reach(
    app: &App,
    tx: &mut Tx,
    made_by_id: Option<Uuid>,
    user: &User,
) -> Result<()> {
    let Some(id) = made_by_id.map(UserId).filter(|id| *id != user.id) else { return Ok(()) };
    let maker = By::new(Actor::User { id, name: String::new() });
    let roles = granted_roles(app, tx, user.id).await?;
    let change = Change::User { id: user.id, roles: &roles };
    match Authority::of(app, tx, &maker).await?.may(change) {
        true => Ok(()),
        false => Err(Refusal::LinkInvalid.into()),
    }
}

/// Spends the link: sets the password of its user and ends their sessions.
pub async fn set_password(app: &App, by: &By, token: Token, password: &Password) -> Result<()> {
    let hash = app.hasher.hash(by, password).await?;
    let mut tx = app.db.begin().await?;
    let spent = links::spend(&mut tx, &token.digest(), app.now()).await?;
    let Some(Link { user_id: Some(user_id), made_by_id, .. }) = spent else {
        return Err(Refusal::LinkInvalid.into());
    };
    let user = users::in_tx(&mut tx, user_id).await?;
    if user.status != Status::Active {
        return Err(Refusal::LinkInvalid.into());
    }
    require_reach(app, &mut tx, made_by_id, &user).await?;
    let by = By { actor: Actor::User { id: user.id, name: user.username.clone() }, ..by.clone() };
    users::set_password_in(app, &mut tx, &by, &user, (&hash, None), None).await?;
    Ok(tx.commit().await?)
}

/// Spends a setup link: makes the first admin. Of several at once, and beside the CLI, one
/// makes it.
pub async fn set_up(
    app: &App,
    by: &By,
    token: Token,
    username: Username,
    password: &Password,
) -> Result<()> {
    let hash = app.hasher.hash(by, password).await?;
    let mut tx = app.db.begin().await?;
    turns::take(&mut tx, turns::ADMINS).await?;
    if grant_rows::count_admins(&mut tx, app.now()).await? > 0 {
        return Err(Refusal::SetupDone.into());
    }
    match links::spend(&mut tx, &token.digest(), app.now()).await? {
        Some(Link { kind: LinkKind::Setup, .. }) => {}
        _ => return Err(Refusal::LinkInvalid.into()),
    }
    let new = NewUser {
        username,
        email: None,
        display_name: String::new(),
        roles: &[],
        password: FirstPassword::Chosen(password),
    };
    let user = users::insert(app, &mut tx, by, &new, Some(hash)).await?;
    let admin = RoleName::parse(ADMIN)?;
    // The link is what allows this, not whoever opened it.
    let by = &By { actor: Actor::System, ..by.clone() };
    grants::grant_in(app, &mut tx, by, &user, &admin, Until::Always, "setup").await?;
    let entry = Entry::new(Action::SetupFinish, users::target(&user)).detail(json!({}));
    app.pen.record(&mut tx, by, entry).await?;
    Ok(tx.commit().await?)
}
