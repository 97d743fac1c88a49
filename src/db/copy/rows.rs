//! Rows out of a table, one by one, and into one, many at a time.

use futures_util::TryStreamExt;
use sqlx::{PgConnection, Postgres, QueryBuilder, Sqlite, SqliteConnection};

use super::{
    Copied, CopyError,
    schema::{Column, Kind, Table},
    value::{Summary, Value},
};
use crate::db::{Backend, Tx};

/// Rows and bytes that are written at once.
const BATCH_ROWS: usize = 1_000;
const BATCH_BYTES: usize = 1 << 20;
/// SQLite takes 32,766 parameters in a statement.
const SQLITE_PARAMETERS: usize = 32_766;

/// Gives each row of the table to `each`, in the order of the primary key, and says what came.
pub async fn read_all(
    tx: &mut Tx,
    table: &Table,
    failed: fn(sqlx::Error) -> CopyError,
    mut each: impl AsyncFnMut(Vec<Value>) -> Result<(), CopyError>,
) -> Result<Copied, CopyError> {
    let mut summary = Summary::default();
    // The drivers give rows of different types.
    macro_rules! read {
        ($tx:expr, $collation:literal) => {{
            let sql = select(table, $collation);
            let mut rows = sqlx::query(&sql).fetch(&mut **$tx);
            while let Some(row) = rows.try_next().await.map_err(failed)? {
                let mut values = Vec::with_capacity(table.columns.len());
                for (place, column) in table.columns.iter().enumerate() {
                    let value = Value::read(&row, place, column.kind);
                    values.push(value.map_err(|reason| CopyError::Unreadable {
                        table: table.name.clone(),
                        column: column.name.clone(),
                        reason,
                    })?);
                }
                summary.add(&values);
                each(values).await?;
            }
        }};
    }
    match &mut tx.on {
        Backend::Sqlite(tx) => read!(tx, ""),
        // SQLite compares texts by their bytes; this does, whatever the locale.
        Backend::Postgres(tx) => read!(tx, r#" collate "C""#),
    }
    Ok(Copied { table: table.name.clone(), rows: summary.rows, digest: summary.digest() })
}

fn select(table: &Table, collation: &str) -> String {
    let mut key: Vec<_> = table.columns.iter().filter(|column| column.key > 0).collect();
    key.sort_by_key(|column| column.key);
    let key: Vec<_> = key
        .iter()
        .map(|column| {
            let collation = if column.kind == Kind::Text { collation } else { "" };
            format!("{}{collation}", column.quoted())
        })
        .collect();
    format!("select {} from {} order by {}", names(table), table.quoted(), key.join(", "))
}

fn names(table: &Table) -> String {
    table.columns.iter().map(Column::quoted).collect::<Vec<_>>().join(", ")
}

/// Rows that wait to be written.
pub struct Batch<'t> {
    table: &'t Table,
    rows: Vec<Vec<Value>>,
    bytes: usize,
}

impl<'t> Batch<'t> {
    pub fn of(table: &'t Table) -> Self {
        Self { table, rows: Vec::new(), bytes: 0 }
    }

    pub fn push(&mut self, row: Vec<Value>) {
        self.bytes += row.iter().map(Value::size).sum::<usize>();
        self.rows.push(row);
    }

    pub fn is_full(&self) -> bool {
        let most = BATCH_ROWS.min(SQLITE_PARAMETERS / self.table.columns.len().max(1));
        self.rows.len() >= most || self.bytes >= BATCH_BYTES
    }

    /// Writes them; returns how many.
    pub async fn insert(&mut self, tx: &mut Tx) -> Result<u64, CopyError> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        if rows.is_empty() {
            return Ok(0);
        }
        let number = rows.len() as u64;
        let inserted = match &mut tx.on {
            Backend::Sqlite(tx) => insert_sqlite(tx, self.table, rows).await,
            Backend::Postgres(tx) => insert_postgres(tx, self.table, rows).await,
        };
        inserted.map_err(CopyError::Target).map(|()| number)
    }
}

async fn insert_sqlite(
    tx: &mut SqliteConnection,
    table: &Table,
    rows: Vec<Vec<Value>>,
) -> sqlx::Result<()> {
    let start = format!("insert into {} ({}) ", table.quoted(), names(table));
    let mut insert = QueryBuilder::<Sqlite>::new(start);
    insert.push_values(rows, |mut line, row| {
        for value in row {
            match value {
                Value::Null => line.push_bind(None::<i64>),
                Value::Uuid(id) => line.push_bind(id),
                Value::Time(at) => line.push_bind(at),
                Value::Boolean(is) => line.push_bind(is),
                Value::Text(text) => line.push_bind(text),
                Value::Bigint(number) => line.push_bind(number),
                Value::Bytes(bytes) => line.push_bind(bytes),
            };
        }
    });
    insert.build().execute(&mut *tx).await.map(|_| ())
}

/// A column at a time, which takes one statement for any number of rows.
async fn insert_postgres(
    tx: &mut PgConnection,
    table: &Table,
    mut rows: Vec<Vec<Value>>,
) -> sqlx::Result<()> {
    let arrays = table.columns.iter().enumerate().map(|(place, column)| {
        format!(
            "${}::{}[]",
            place + 1,
            match column.kind {
                Kind::Uuid => "uuid",
                Kind::Time => "timestamptz",
                Kind::Boolean => "boolean",
                Kind::Text => "text",
                Kind::Bigint => "bigint",
                Kind::Bytes => "bytea",
            }
        )
    });
    let arrays = arrays.collect::<Vec<_>>().join(", ");
    let (name, columns) = (table.quoted(), names(table));
    let sql = format!("insert into {name} ({columns}) select * from unnest({arrays})");
    let mut insert = sqlx::query::<Postgres>(&sql);
    for (place, column) in table.columns.iter().enumerate() {
        macro_rules! bind {
            ($kind:ident) => {{
                let values = rows.iter_mut().map(|row| {
                    match std::mem::replace(&mut row[place], Value::Null) {
                        Value::$kind(value) => Some(value),
                        _ => None,
                    }
                });
                insert.bind(values.collect::<Vec<_>>())
            }};
        }
        insert = match column.kind {
            Kind::Uuid => bind!(Uuid),
            Kind::Time => bind!(Time),
            Kind::Boolean => bind!(Boolean),
            Kind::Text => bind!(Text),
            Kind::Bigint => bind!(Bigint),
            Kind::Bytes => bind!(Bytes),
        };
    }
    insert.execute(&mut *tx).await.map(|_| ())
}
