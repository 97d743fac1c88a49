//! The seed file: which permissions, roles, users and grants there shall be. It is compared with
//! what there is (`compare`), and the difference, a list of [`Step`]s, is made in one
//! transaction through the functions that pages and commands use.

mod apply;
mod check;
mod compare;
mod export;
mod file;
mod present;
mod step;
mod users;

use super::{By, Refusal, admins, token::Token};
use crate::{
    app::App,
    db::{Tx, turns},
};

pub use export::export;
pub use file::{Format, MAX_BYTES, Seed, of_value, parse};
pub use step::{Kind, Step, View};

/// Why a seed file is not applied. Nothing of it is, then.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error("the file is larger than {} MiB; split it into several", MAX_BYTES / 1024 / 1024)]
    TooLarge,
    #[error("line {line}: {message}")]
    Line { line: usize, message: String },
    #[error("{0}")]
    Json(String),
    #[error("{0} is there twice; keep one of them")]
    Twice(String),
    #[error("{at}: there is no {what}, neither in the file nor otherwise")]
    Unknown { at: String, what: String },
    #[error("{at}: {what}")]
    Wrong { at: String, what: &'static str },
    #[error("{at}: {refusal}")]
    Refused { at: String, refusal: Refusal },
    #[error("cannot write: {0}")]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Auth(#[from] super::Error),
}

const OTHER_PEPPER: &str = "the password hash needs a key that the key file does not have; \
                            add that key's line to it, or give invite = true instead";

impl From<sqlx::Error> for SeedError {
    fn from(error: sqlx::Error) -> Self {
        Self::Auth(error.into())
    }
}

/// What was made.
#[derive(Debug)]
pub struct Applied {
    pub steps: Vec<Step>,
    /// Invitations of new users, by name.
    pub invitations: Vec<(String, Token)>,
}

/// Makes everything as the file says. Takes nothing away, unless `prune`: then what the file
/// calls managed and does not name.
pub async fn apply(app: &App, by: &By, seed: &Seed, prune: bool) -> Result<Applied, SeedError> {
    let mut tx = app.db.begin().await?;
    let applied = apply_in(app, &mut tx, by, seed, prune).await?;
    tx.commit().await?;
    Ok(applied)
}

/// Makes those permissions and roles of the file that are missing, and leaves alone what is there.
pub async fn add_missing(app: &App, by: &By, mut seed: Seed) -> Result<Vec<Step>, SeedError> {
    let mut tx = app.db.begin_read().await?;
    let (permissions, roles) = present::load_roles(&mut tx, app.now()).await?;
    drop(tx);
    seed.permissions.retain(|entry| !permissions.contains_key(entry.name.as_str()));
    seed.roles.retain(|entry| !roles.contains_key(entry.name.as_str()));
    if seed.permissions.is_empty() && seed.roles.is_empty() {
        return Ok(Vec::new());
    }
    Ok(apply(app, by, &seed, false).await?.steps)
}

/// What `apply` would do. It is done and undone, so that whatever would be refused is.
pub async fn plan(app: &App, by: &By, seed: &Seed, prune: bool) -> Result<Vec<Step>, SeedError> {
    let mut tx = app.db.begin().await?;
    let applied = apply_in(app, &mut tx, by, seed, prune).await?;
    drop(tx);
    Ok(applied.steps)
}

async fn apply_in(
    app: &App,
    tx: &mut Tx,
    by: &By,
    seed: &Seed,
    prune: bool,
) -> Result<Applied, SeedError> {
    for user in &seed.users {
        if user.password_hash.as_ref().is_some_and(|hash| !app.hasher.has_pepper_of(hash)) {
            let at = format!("user {}", user.username.as_str());
            return Err(SeedError::Wrong { at, what: OTHER_PEPPER });
        }
    }
    let watch = admins::watch(tx).await?;
    turns::take(tx, turns::INCLUDES).await?;
    let present = present::load(tx, seed, prune, app.now()).await?;
    let steps = compare::steps(seed, &present, prune, app.now())?;
    let invitations = apply::all(app, tx, by, &steps, present).await?;
    watch.settle(tx).await?;
    Ok(Applied { steps, invitations })
}
