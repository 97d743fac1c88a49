//! User names and e-mails in the form in which they are unique. Bytes, so that both engines
//! compare and sort them alike whatever their locale.

use super::{Tx, UserId, sql};

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
