//! Users by the thousand: looked for and made with one statement for each table.
//!
//! These statements are put together here and not written with `sql!`, since what takes many rows
//! in one statement differs: Postgres has arrays (`unnest`, which reaches what an import needs, so
//! COPY is not needed), SQLite a list of parameters as long as there are rows.

use std::collections::{HashMap, HashSet};

use sqlx::{Executor, Postgres, QueryBuilder, Sqlite, SqliteConnection};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Backend, Db, Tx, UserId, audit::Actor, connect::Lent, users::Status};

/// A user to make.
pub struct NewUser<'a> {
    pub id: Uuid,
    pub status: Status,
    pub username: &'a str,
    pub look: &'a str,
    /// As typed, and its key.
    pub email: Option<(&'a str, &'a str)>,
    pub display_name: &'a str,
    pub password_hash: Option<&'a str>,
}

/// Whose a name or e-mail is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub user_id: UserId,
    pub email: Option<String>,
    pub password_hash: Option<String>,
}

/// Rows of a statement on SQLite, which takes 32,766 parameters.
const ROWS: usize = 1000;
/// KiB of pages that SQLite keeps meanwhile: names come in no order, and go to all pages of an
/// index.
const CACHE_KIB: u32 = 48 * 1024;

/// How long an import waits for others who write to a SQLite file, in ms: nobody waits for it.
const BUSY_MS: u32 = 60_000;

/// Lets the writer keep more of a SQLite file in memory, and wait for others.
pub async fn prepare(db: &Db) -> sqlx::Result<()> {
    if let Backend::Sqlite(lender) = &db.write {
        let sql = format!("pragma cache_size = -{CACHE_KIB}; pragma busy_timeout = {BUSY_MS}");
        lender.pool.execute(sql.as_str()).await?;
    }
    Ok(())
}

/// Rows whose first column is one of `$keys`.
macro_rules! list {
    ($tx:expr, $row:ty, $select:literal, $keys:expr) => {{
        let keys: Vec<Vec<u8>> = $keys;
        let mut found: Vec<$row> = Vec::new();
        match &mut $tx.on {
            Backend::Sqlite(tx) => {
                for keys in keys.chunks(ROWS) {
                    let mut query = QueryBuilder::<Sqlite>::new(concat!($select, " in ("));
                    let mut list = query.separated(", ");
                    keys.iter().for_each(|key| {
                        list.push_bind(key.as_slice());
                    });
                    query.push(")");
                    found.extend(query.build_query_as::<$row>().fetch_all(&mut **tx).await?);
                }
            }
            Backend::Postgres(tx) => {
                let query = sqlx::query_as(concat!($select, " = any($1)"));
                found = query.bind(keys).fetch_all(tx.runner()).await?;
            }
        }
        found
    }};
}

/// Who has these names and e-mails, by key.
pub async fn list_holders(
    tx: &mut Tx,
    keys: Vec<Vec<u8>>,
) -> sqlx::Result<HashMap<Vec<u8>, Holder>> {
    let found = list!(
        tx,
        (Vec<u8>, Uuid, Option<String>, Option<String>),
        "select k.key, u.id, u.email, u.password_hash
         from login_keys k cross join users u where u.id = k.user_id and k.key",
        keys
    );
    let holders = found.into_iter().map(|(key, id, email, password_hash)| {
        (key, Holder { user_id: UserId(id), email, password_hash })
    });
    Ok(holders.collect())
}

/// Which of these looks names have.
pub async fn list_looks(tx: &mut Tx, looks: Vec<Vec<u8>>) -> sqlx::Result<HashSet<Vec<u8>>> {
    let found = list!(tx, (Vec<u8>,), "select look from name_looks where look", looks);
    Ok(found.into_iter().map(|(look,)| look).collect())
}

/// Makes a table for what a plan would have made, gone with the transaction. A file of any length
/// is planned in bounded memory so.
pub async fn create_planned(tx: &mut Tx) -> sqlx::Result<()> {
    match &mut tx.on {
        Backend::Sqlite(tx) => {
            let sql = "create temp table import_planned (key blob primary key not null)";
            tx.execute(sql).await.map(|_| ())
        }
        Backend::Postgres(tx) => {
            let sql = "create temp table import_planned (key bytea primary key not null)
                       on commit drop";
            (&mut **tx).execute(sql).await.map(|_| ())
        }
    }
}

/// Which of these a plan would have made.
pub async fn list_planned(tx: &mut Tx, keys: Vec<Vec<u8>>) -> sqlx::Result<HashSet<Vec<u8>>> {
    let found = list!(tx, (Vec<u8>,), "select key from import_planned where key", keys);
    Ok(found.into_iter().map(|(key,)| key).collect())
}

pub async fn add_planned(tx: &mut Tx, mut keys: Vec<Vec<u8>>) -> sqlx::Result<()> {
    // Names that look alike have one look.
    const END: &str = " on conflict do nothing";
    keys.sort_unstable();
    match &mut tx.on {
        Backend::Sqlite(tx) => {
            for keys in keys.chunks(ROWS) {
                let mut insert = QueryBuilder::<Sqlite>::new("insert into import_planned (key) ");
                insert.push_values(keys, |mut row, key| {
                    row.push_bind(key.as_slice());
                });
                insert.push(END).build().execute(&mut **tx).await?;
            }
            Ok(())
        }
        Backend::Postgres(tx) => {
            let sql =
                format!("insert into import_planned (key) select * from unnest($1::bytea[]){END}");
            sqlx::query(&sql).bind(keys).execute(tx.runner()).await.map(|_| ())
        }
    }
}

/// What is done with a name that looks like one that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lookalikes {
    Refuse,
    /// The first of them has the look.
    Take,
}

impl Lookalikes {
    /// The end of an insert.
    fn sql(self) -> &'static str {
        match self {
            Self::Refuse => "",
            Self::Take => " on conflict (look) do nothing",
        }
    }
}

/// Makes users with their names, in the order of the keys where that keeps an index together.
///
/// # Errors
/// A unique violation when somebody has a name or e-mail of theirs.
pub async fn create(
    tx: &mut Tx,
    users: &[NewUser<'_>],
    at: OffsetDateTime,
    lookalikes: Lookalikes,
) -> sqlx::Result<()> {
    let mut keys = Vec::with_capacity(users.len() * 2);
    for user in users {
        keys.push((user.username.as_bytes(), "name", user.id));
        keys.extend(user.email.map(|(_, key)| (key.as_bytes(), "email", user.id)));
    }
    keys.sort_unstable();
    let mut looks: Vec<_> = users.iter().map(|user| (user.look.as_bytes(), user.id)).collect();
    looks.sort_unstable();
    match &mut tx.on {
        Backend::Sqlite(tx) => {
            insert_users_sqlite(tx, users, at).await?;
            insert_keys_sqlite(tx, &keys).await?;
            insert_looks_sqlite(tx, &looks, lookalikes).await
        }
        Backend::Postgres(tx) => {
            insert_users_postgres(tx, users, at).await?;
            insert_keys_postgres(tx, &keys).await?;
            insert_looks_postgres(tx, &looks, lookalikes).await
        }
    }
}

async fn insert_users_sqlite(
    tx: &mut SqliteConnection,
    users: &[NewUser<'_>],
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    for users in users.chunks(ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new(
            "insert into users (id, status, username, email, display_name, password_hash,
                                created_at, session_epoch) ",
        );
        insert.push_values(users, |mut row, user| {
            row.push_bind(user.id)
                .push_bind(user.status)
                .push_bind(user.username)
                .push_bind(user.email.map(|(typed, _)| typed))
                .push_bind(user.display_name)
                .push_bind(user.password_hash)
                .push_bind(at)
                .push("0");
        });
        insert.build().execute(&mut *tx).await?;
    }
    Ok(())
}

async fn insert_keys_sqlite(
    tx: &mut SqliteConnection,
    keys: &[(&[u8], &str, Uuid)],
) -> sqlx::Result<()> {
    for keys in keys.chunks(ROWS) {
        let mut insert =
            QueryBuilder::<Sqlite>::new("insert into login_keys (key, kind, user_id) ");
        insert.push_values(keys, |mut row, (key, kind, id)| {
            row.push_bind(*key).push_bind(*kind).push_bind(*id);
        });
        insert.build().execute(&mut *tx).await?;
    }
    Ok(())
}

async fn insert_looks_sqlite(
    tx: &mut SqliteConnection,
    looks: &[(&[u8], Uuid)],
    lookalikes: Lookalikes,
) -> sqlx::Result<()> {
    for looks in looks.chunks(ROWS) {
        let mut insert = QueryBuilder::<Sqlite>::new("insert into name_looks (look, user_id) ");
        insert.push_values(looks, |mut row, (look, id)| {
            row.push_bind(*look).push_bind(*id);
        });
        insert.push(lookalikes.sql()).build().execute(&mut *tx).await?;
    }
    Ok(())
}

async fn insert_users_postgres(
    tx: &mut Lent<Postgres>,
    users: &[NewUser<'_>],
    at: OffsetDateTime,
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into users (id, status, username, email, display_name, password_hash,
                            created_at, session_epoch)
         select u.*, $7::timestamptz, 0
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) u",
    )
    .bind(users.iter().map(|user| user.id).collect::<Vec<_>>())
    .bind(users.iter().map(|user| user.status.to_string()).collect::<Vec<_>>())
    .bind(users.iter().map(|user| user.username).collect::<Vec<_>>())
    .bind(users.iter().map(|user| user.email.map(|(typed, _)| typed)).collect::<Vec<_>>())
    .bind(users.iter().map(|user| user.display_name).collect::<Vec<_>>())
    .bind(users.iter().map(|user| user.password_hash).collect::<Vec<_>>())
    .bind(at)
    .execute(tx.runner())
    .await
    .map(|_| ())
}

async fn insert_keys_postgres(
    tx: &mut Lent<Postgres>,
    keys: &[(&[u8], &str, Uuid)],
) -> sqlx::Result<()> {
    sqlx::query(
        "insert into login_keys (key, kind, user_id)
         select * from unnest($1::bytea[], $2::text[], $3::uuid[])",
    )
    .bind(keys.iter().map(|(key, ..)| *key).collect::<Vec<_>>())
    .bind(keys.iter().map(|(_, kind, _)| *kind).collect::<Vec<_>>())
    .bind(keys.iter().map(|(.., id)| *id).collect::<Vec<_>>())
    .execute(tx.runner())
    .await
    .map(|_| ())
}

async fn insert_looks_postgres(
    tx: &mut Lent<Postgres>,
    looks: &[(&[u8], Uuid)],
    lookalikes: Lookalikes,
) -> sqlx::Result<()> {
    let sql = format!(
        "insert into name_looks (look, user_id) select * from unnest($1::bytea[], $2::uuid[]){}",
        lookalikes.sql()
    );
    sqlx::query(&sql)
        .bind(looks.iter().map(|(look, _)| *look).collect::<Vec<_>>())
        .bind(looks.iter().map(|(_, id)| *id).collect::<Vec<_>>())
        .execute(tx.runner())
        .await
        .map(|_| ())
}

/// Grants roles to users who have none yet, without end.
pub async fn create_grants(
    tx: &mut Tx,
    grants: &[(Uuid, &str)],
    at: OffsetDateTime,
    by: &Actor,
) -> sqlx::Result<()> {
    let (label, by_id) = (by.label(), by.id().map(|id| id.0));
    match &mut tx.on {
        Backend::Sqlite(tx) => {
            for grants in grants.chunks(ROWS) {
                let mut insert = QueryBuilder::<Sqlite>::new(
                    "insert into grants (user_id, role_name, granted_at, granted_by,
                                         granted_by_id, reason) ",
                );
                insert.push_values(grants, |mut row, (id, role)| {
                    row.push_bind(*id).push_bind(*role).push_bind(at);
                    row.push_bind(label.as_str()).push_bind(by_id).push("''");
                });
                insert.build().execute(&mut **tx).await?;
            }
            Ok(())
        }
        Backend::Postgres(tx) => sqlx::query(
            "insert into grants (user_id, role_name, granted_at, granted_by, granted_by_id, reason)
             select g.*, $3::timestamptz, $4::text, $5::uuid, ''
             from unnest($1::uuid[], $2::text[]) g",
        )
        .bind(grants.iter().map(|(id, _)| *id).collect::<Vec<_>>())
        .bind(grants.iter().map(|(_, role)| *role).collect::<Vec<_>>())
        .bind(at)
        .bind(label)
        .bind(by_id)
        .execute(tx.runner())
        .await
        .map(|_| ()),
    }
}
