//! Which tables there are, as both engines say it alike.

use super::super::{Backend, Tx};

/// What a column holds. The names are those that the migrations use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Uuid,
    Time,
    Boolean,
    Text,
    Bigint,
    Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
    /// Its place in the primary key, from 1; 0: it is no part of it.
    pub key: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub name: String,
    /// In the order of their names.
    pub columns: Vec<Column>,
}

impl Table {
    /// Its name for a statement.
    pub fn quoted(&self) -> String {
        quoted(&self.name)
    }
}

impl Column {
    /// Its name for a statement.
    pub fn quoted(&self) -> String {
        quoted(&self.name)
    }
}

/// Whoever made the database chose the name.
fn quoted(name: &str) -> String {
    format!(r#""{}""#, name.replace('"', r#""""#))
}

/// What sqlx and the nodes of this database keep for themselves.
const LEFT_OUT: &str = "('_sqlx_migrations', 'leases')";

/// All tables that are copied, each after those that its rows refer to.
pub async fn tables(tx: &mut Tx) -> sqlx::Result<Vec<Table>> {
    let mut tables: Vec<Table> = Vec::new();
    for (table, name, declared, key) in columns(tx).await? {
        let Some(kind) = kind(&declared) else {
            let unknown = format!("{table}.{name} is of the unknown type {declared}");
            return Err(sqlx::Error::Configuration(unknown.into()));
        };
        let column = Column { name, kind, key };
        match tables.last_mut().filter(|last| last.name == table) {
            Some(last) => last.columns.push(column),
            None => tables.push(Table { name: table, columns: vec![column] }),
        }
    }
    Ok(parents_first(tables, &references(tx).await?))
}

fn kind(declared: &str) -> Option<Kind> {
    Some(match declared {
        "uuid" => Kind::Uuid,
        "timestamptz" | "timestamp with time zone" => Kind::Time,
        "boolean" => Kind::Boolean,
        "text" => Kind::Text,
        "bigint" => Kind::Bigint,
        "bytea" => Kind::Bytes,
        _ => return None,
    })
}

/// Table, column, declared type, place in the key. The catalogues differ by engine.
async fn columns(tx: &mut Tx) -> sqlx::Result<Vec<(String, String, String, i64)>> {
    match &mut tx.on {
        Backend::Sqlite(tx) => {
            let sql = format!(
                "select t.name, c.name, lower(c.type), c.pk
                 from sqlite_master t cross join pragma_table_info(t.name) c
                 where t.type = 'table' and t.name not like 'sqlite_%' and t.name not in {LEFT_OUT}
                 order by t.name, c.name"
            );
            sqlx::query_as(&sql).fetch_all(&mut **tx).await
        }
        Backend::Postgres(tx) => {
            let sql = format!(
                r#"select t.relname::text, c.attname::text, format_type(c.atttypid, c.atttypmod),
                          coalesce(array_position(string_to_array(k.indkey::text, ' '),
                                                  c.attnum::text), 0)::bigint
                   from pg_class t join pg_namespace n on n.oid = t.relnamespace
                   join pg_attribute c on c.attrelid = t.oid
                   left join pg_index k on k.indrelid = t.oid and k.indisprimary
                   where n.nspname = current_schema() and t.relkind in ('r', 'p')
                     and c.attnum > 0 and not c.attisdropped and t.relname not in {LEFT_OUT}
                   order by t.relname::text collate "C", c.attname::text collate "C""#
            );
            sqlx::query_as(&sql).fetch_all(&mut **tx).await
        }
    }
}

/// Table, and a table that it refers to.
async fn references(tx: &mut Tx) -> sqlx::Result<Vec<(String, String)>> {
    match &mut tx.on {
        Backend::Sqlite(tx) => {
            let sql = r#"select t.name, f."table"
                         from sqlite_master t cross join pragma_foreign_key_list(t.name) f
                         where t.type = 'table'"#;
            sqlx::query_as(sql).fetch_all(&mut **tx).await
        }
        Backend::Postgres(tx) => {
            let sql = "select t.relname::text, r.relname::text
                       from pg_constraint f join pg_class t on t.oid = f.conrelid
                       join pg_class r on r.oid = f.confrelid
                       join pg_namespace n on n.oid = t.relnamespace
                       where f.contype = 'f' and n.nspname = current_schema()";
            sqlx::query_as(sql).fetch_all(&mut **tx).await
        }
    }
}

/// Tables that refer to each other in a circle keep their order, and the database refuses them.
fn parents_first(mut left: Vec<Table>, references: &[(String, String)]) -> Vec<Table> {
    let mut sorted = Vec::new();
    while !left.is_empty() {
        let waits = |table: &Table| {
            references.iter().any(|(of, to)| {
                *of == table.name && to != of && left.iter().any(|other| other.name == *to)
            })
        };
        let next = left.iter().position(|table| !waits(table)).unwrap_or(0);
        sorted.push(left.remove(next));
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_comes_after_those_that_it_refers_to() {
        let table = |name: &str| Table { name: name.to_owned(), columns: Vec::new() };
        let reference = |of: &str, to: &str| (of.to_owned(), to.to_owned());
        let names = ["data", "sessions", "tree", "users"];
        let references = [
            reference("data", "sessions"),
            reference("sessions", "users"),
            reference("tree", "tree"),
            reference("data", "elsewhere"),
        ];
        let sorted = parents_first(names.map(table).into(), &references);
        let sorted: Vec<_> = sorted.iter().map(|table| table.name.as_str()).collect();
        assert_eq!(sorted, ["tree", "users", "sessions", "data"]);
        let circle = [reference("users", "tree"), reference("tree", "users")];
        assert_eq!(parents_first(names.map(table).into(), &circle).len(), 4);
    }
}
