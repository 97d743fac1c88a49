//! User names and e-mails in the form in which they are unique. Bytes, so that both engines
//! compare and sort them alike whatever their locale.

use super::{Db, Tx, UserId, sql};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Name,
    Email,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Email => "email",
        }
    }
}

/// Takes `key` for the user.
///
/// # Errors
/// A unique violation when somebody has it as name or as e-mail.
pub async fn create(tx: &mut Tx, user_id: UserId, kind: Kind, key: &str) -> sqlx::Result<()> {
    let (key, kind) = (key.as_bytes(), kind.as_str());
    sql!(in tx, execute:
        "insert into login_keys (key, kind, user_id) values ($1, $2, $3)", key, kind, user_id.0)
    .map(|_| ())
}

pub async fn delete(tx: &mut Tx, user_id: UserId, kind: Kind) -> sqlx::Result<()> {
    let kind = kind.as_str();
    sql!(in tx, execute:
        "delete from login_keys where user_id = $1 and kind = $2", user_id.0, kind)
    .map(|_| ())
}

/// Takes the look of a name for the user.
///
/// # Errors
/// A unique violation when the name of somebody else looks so.
pub async fn create_look(tx: &mut Tx, user_id: UserId, look: &str) -> sqlx::Result<()> {
    let look = look.as_bytes();
    sql!(in tx, execute:
        "insert into name_looks (look, user_id) values ($1, $2)", look, user_id.0)
    .map(|_| ())
}

/// The same for a name that is there already: of several that look alike the first has it.
pub async fn fill_look(tx: &mut Tx, user_id: UserId, look: &str) -> sqlx::Result<()> {
    let look = look.as_bytes();
    sql!(in tx, execute:
        "insert into name_looks (look, user_id) values ($1, $2) on conflict (look) do nothing",
        look, user_id.0)
    .map(|_| ())
}

pub async fn delete_look(tx: &mut Tx, user_id: UserId) -> sqlx::Result<()> {
    sql!(in tx, execute: "delete from name_looks where user_id = $1", user_id.0).map(|_| ())
}

/// Whether there are names whose look is known of none.
pub async fn lacks_looks(db: &Db) -> sqlx::Result<bool> {
    sql!(db, fetch_one scalar:
        r#"select exists (select 1 from login_keys where kind = 'name')
              and not exists (select 1 from name_looks) as "lacks!: bool""#)
}
