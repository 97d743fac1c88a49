//! The table `links`: what opens a choose-a-password page once.

use time::OffsetDateTime;
use uuid::Uuid;

use super::{Db, Tx, UserId, sql, words};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkKind {
    /// Makes the first admin; belongs to nobody yet.
    Setup,
    /// A new user's first password.
    Invitation,
    /// A new password for a user who has lost theirs.
    Password,
}

words!(LinkKind: Setup = "setup", Invitation = "invitation", Password = "password");

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub kind: LinkKind,
    pub user_id: Option<UserId>,
    /// The user who made it; `None`: the operator, or rolecall itself.
    pub made_by_id: Option<Uuid>,
}

/// A link that is neither spent nor expired.
pub async fn find(db: &Db, digest: &str, now: OffsetDateTime) -> sqlx::Result<Option<Link>> {
    sql!(db, fetch_optional Link:
        r#"select kind as "kind: LinkKind", user_id as "user_id: UserId",
                  made_by_id as "made_by_id: Uuid" from links
           where digest = $1 and spent_at is null and expires_at > $2"#, digest, now)
}

/// Makes the link that `digest` opens; older ones of its kind for the same user are void.
pub async fn create(
    tx: &mut Tx,
    digest: &str,
    link: &Link,
    created_at: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> sqlx::Result<()> {
    let user_id = link.user_id.map(|id| id.0);
    let nobodys = user_id.is_none();
    sql!(in tx, execute:
        "delete from links where kind = $1 and (user_id = $2 or ($3 and user_id is null))",
        link.kind as _, user_id, nobodys)?;
    sql!(in tx, execute:
        "insert into links (digest, kind, user_id, created_at, expires_at, made_by_id)
         values ($1, $2, $3, $4, $5, $6)",
        digest, link.kind as _, user_id, created_at, expires_at, link.made_by_id)
    .map(|_| ())
}

/// Spends the link: of many tries at once, one gets it.
pub async fn spend(tx: &mut Tx, digest: &str, now: OffsetDateTime) -> sqlx::Result<Option<Link>> {
    sql!(in tx, fetch_optional Link:
        r#"update links set spent_at = $2
           where digest = $1 and spent_at is null and expires_at > $2
           returning kind as "kind!: LinkKind", user_id as "user_id: UserId",
                     made_by_id as "made_by_id: Uuid""#, digest, now)
}

pub async fn delete_of_user(tx: &mut Tx, user_id: UserId) -> sqlx::Result<u64> {
    sql!(in tx, execute: "delete from links where user_id = $1", user_id.0)
}

/// Setup links die with the first admin.
pub async fn delete_setup(tx: &mut Tx) -> sqlx::Result<u64> {
    sql!(in tx, execute: "delete from links where kind = 'setup'")
}
