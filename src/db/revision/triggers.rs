//! Triggers that raise the revision for changes made by hand, in psql for example. Postgres
//! alone has and needs them, so no migration can make them: those run on both engines. rolecall
//! itself passes them by (they are not even called, which each login would feel), since it raises the revision at the end of each transaction, when
//! nobody can wait for a lock that it still wants.

use sqlx::{Connection, Executor, PgConnection};

use super::super::{Backend, Db, Tx, in_time};

/// Tables that say who may do what.
const TABLES: [&str; 7] =
    ["grants", "permissions", "role_includes", "role_permissions", "roles", "sessions", "users"];

const FUNCTION: &str = "
create or replace function raise_revision() returns trigger language plpgsql
security definer set search_path = pg_catalog, pg_temp as $$
begin
    execute format('update %I.turns set taken = taken + 1 where name = ''revision''',
                   tg_table_schema);
    return null;
end $$";

impl Db {
    /// Whether changes made by hand raise the revision.
    pub async fn has_triggers(&self) -> sqlx::Result<bool> {
        let Backend::Postgres(cluster) = &self.read else { return Ok(true) };
        let sql = "select count(*) from pg_trigger t join pg_class c on c.oid = t.tgrelid
                   join pg_namespace n on n.oid = c.relnamespace
                   where t.tgname = 'raise_revision' and n.nspname = current_schema()";
        let answer =
            async { sqlx::query_scalar(sql).fetch_one(cluster.lend().await?.runner()).await };
        let found: i64 = cluster.heed(in_time(answer).await)?;
        Ok(usize::try_from(found) == Ok(TABLES.len()))
    }

    /// Makes them where they are missing.
    pub async fn install_triggers(&self) -> sqlx::Result<()> {
        if self.has_triggers().await? {
            return Ok(());
        }
        // Of several nodes at once, one after the other: all take the row that this raises.
        let mut tx = self.begin().await?;
        super::raise(&mut tx).await?;
        if let Backend::Postgres(tx) = &mut tx.on {
            create(tx).await?;
        }
        tx.commit().await
    }
}

impl Tx {
    /// The same as a part of this transaction, which goes on without them where they may not be
    /// made. What it changes is seen with its commit, and raises nothing now.
    pub(in crate::db) async fn install_triggers(&mut self) -> sqlx::Result<()> {
        let Backend::Postgres(tx) = &mut self.on else { return Ok(()) };
        let mut attempt = tx.begin().await?;
        match create(&mut attempt).await {
            Err(sqlx::Error::Database(_)) => attempt.rollback().await,
            made => {
                made?;
                attempt.commit().await
            }
        }
    }
}

async fn create(tx: &mut PgConnection) -> sqlx::Result<()> {
    tx.execute(FUNCTION).await?;
    for table in TABLES {
        let drop = format!("drop trigger if exists raise_revision on {table}");
        let create = format!(
            "create trigger raise_revision
             after insert or update or delete or truncate on {table}
             for each statement when (current_setting('application_name') <> 'rolecall')
             execute function raise_revision()"
        );
        for sql in [&drop, &create] {
            tx.execute(sql.as_str()).await?;
        }
    }
    Ok(())
}
