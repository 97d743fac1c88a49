//! One SQL text, two engines.

/// Runs one SQL statement on whichever database is connected.
///
/// The statement is written once and checked at compile time against both engines. sqlx files
/// its checks under a hash of the text, so the SQLite copy carries a trailing comment to keep
/// the two apart. Reads go to `&Db` or, inside a transaction, to `in tx` (a `&mut Tx`); writes
/// go to `in tx` alone.
///
/// ```ignore
/// sql!(db, fetch_optional Row: "select … where id = $1", id)
/// sql!(db, fetch_one scalar: r#"select count(*) as "count!: i64" from users"#)
/// sql!(in tx, execute: "delete from grants where user_id = $1", id)
/// sql!(in tx, execute one of: ["for SQLite", id], ["for Postgres", id])
/// ```
macro_rules! sql {
    (in $tx:expr, execute one of: [$sqlite:literal $(, $for_sqlite:expr)* $(,)?],
        [$postgres:literal $(, $for_postgres:expr)* $(,)?]) => {
        match &mut $tx.on {
            #[cfg(not(sqlx_prepare = "postgres"))]
            $crate::db::Backend::Sqlite(lent) => {
                let query = sqlx::query!($sqlite + " -- sqlite" $(, $for_sqlite)*);
                sql!(@ask lent, query, execute).map(|done| done.rows_affected())
            }
            #[cfg(not(sqlx_prepare = "sqlite"))]
            $crate::db::Backend::Postgres(lent) => {
                let query = sqlx::query!($postgres $(, $for_postgres)*);
                sql!(@ask lent, query, execute).map(|done| done.rows_affected())
            }
            #[cfg(sqlx_prepare)]
            _ => unreachable!("this build only records statements"),
        }
    };
    (in $tx:expr, execute: $($query:tt)+) => {
        sql!(@in $tx, query!, [execute] |done| done.rows_affected(), $($query)+)
    };
    (in $tx:expr, $fetch:ident scalar: $($query:tt)+) => {
        sql!(@in $tx, query_scalar!, [$fetch] |value| value, $($query)+)
    };
    (in $tx:expr, $fetch:ident $row:ty: $($query:tt)+) => {
        sql!(@in $tx, query_as! $row, [$fetch] |rows| rows, $($query)+)
    };
    ($db:expr, $fetch:ident scalar: $($query:tt)+) => {
        sql!(@at $db, query_scalar!, [$fetch] |value| value, $($query)+)
    };
    ($db:expr, $fetch:ident $row:ty: $($query:tt)+) => {
        sql!(@at $db, query_as! $row, [$fetch] |rows| rows, $($query)+)
    };
    (@in $tx:expr, $macro:ident! $($row:ty)?, [$fetch:ident] $($rest:tt)+) => {
        sql!(@run &mut $tx.on, (lent, query) => (
            sql!(@ask lent, query, $fetch),
            sql!(@ask lent, query, $fetch)
        ), $macro! $($row)?, $($rest)+)
    };
    (@at $db:expr, $macro:ident! $($row:ty)?, [$fetch:ident] $($rest:tt)+) => {
        sql!(@run &$db.read, (on, query) => (
            $crate::db::in_time(sql!(@lend on, query, $fetch)).await,
            on.heed($crate::db::in_time(sql!(@lend on, query, $fetch)).await)
        ), $macro! $($row)?, $($rest)+)
    };
    (@ask $lent:ident, $query:ident, $fetch:ident) => {{
        let answer = $crate::db::in_time($query.$fetch($lent.runner())).await;
        $lent.heed(answer)
    }};
    (@lend $on:ident, $query:ident, $fetch:ident) => {
        async {
            let mut lent = $on.lend().await?;
            let answer = $query.$fetch(lent.runner()).await;
            lent.heed(answer)
        }
    };
    (@run $on:expr, ($conn:ident, $query:ident) => ($sqlite:expr, $postgres:expr),
        $macro:ident! $($row:ty)?, |$out:ident| $map:expr,
        $sql:literal $(+ $more:literal)* $(, $arg:expr)* $(,)?) => {
        match $on {
            #[cfg(not(sqlx_prepare = "postgres"))]
            $crate::db::Backend::Sqlite($conn) => {
                let $query = sqlx::$macro!($($row,)? $sql $(+ $more)* + " -- sqlite" $(, $arg)*);
                $sqlite.map(|$out| $map)
            }
            #[cfg(not(sqlx_prepare = "sqlite"))]
            $crate::db::Backend::Postgres($conn) => {
                let $query = sqlx::$macro!($($row,)? $sql $(+ $more)* $(, $arg)*);
                $postgres.map(|$out| $map)
            }
            #[cfg(sqlx_prepare)]
            _ => unreachable!("this build only records statements"),
        }
    };
}
pub(crate) use sql;
