//! One value of a row, and the digest of all of a table.

use sha2::{Digest as _, Sha256};
use sqlx::{ColumnIndex, Database, Decode, Row, Type};
use time::{OffsetDateTime, UtcOffset};
use uuid::Uuid;

use super::schema::Kind;

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Uuid(Uuid),
    Time(OffsetDateTime),
    Boolean(bool),
    Text(String),
    Bigint(i64),
    Bytes(Vec<u8>),
}

/// SHA-256 in hexadecimal.
pub type Digest = String;

/// Takes a table in row by row.
#[derive(Default)]
pub struct Summary {
    pub rows: u64,
    hash: Sha256,
}

impl Summary {
    pub fn add(&mut self, row: &[Value]) {
        self.rows += 1;
        for value in row {
            value.digest(&mut self.hash);
        }
    }

    pub fn digest(self) -> Digest {
        hex::encode(self.hash.finalize())
    }
}

impl Value {
    /// Of a column of this kind, whichever engine it comes from.
    pub fn read<'r, R>(row: &'r R, column: usize, kind: Kind) -> sqlx::Result<Self>
    where
        R: Row,
        usize: ColumnIndex<R>,
        Uuid: Decode<'r, R::Database> + Type<R::Database>,
        OffsetDateTime: Decode<'r, R::Database> + Type<R::Database>,
        bool: Decode<'r, R::Database> + Type<R::Database>,
        String: Decode<'r, R::Database> + Type<R::Database>,
        i64: Decode<'r, R::Database> + Type<R::Database>,
        Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
    {
        Ok(match kind {
            Kind::Uuid => get(row, column)?.map(Self::Uuid),
            Kind::Time => {
                get(row, column)?.map(|at: OffsetDateTime| Self::Time(at.to_offset(UtcOffset::UTC)))
            }
            Kind::Boolean => get(row, column)?.map(Self::Boolean),
            Kind::Text => get(row, column)?.map(Self::Text),
            Kind::Bigint => get(row, column)?.map(Self::Bigint),
            Kind::Bytes => get(row, column)?.map(Self::Bytes),
        }
        .unwrap_or(Self::Null))
    }

    /// Bytes that it takes, about.
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            _ => 16,
        }
    }

    /// No two rows give the same bytes: what has no fixed length comes with it.
    fn digest(&self, hash: &mut Sha256) {
        let mut take = |kind: u8, bytes: &[u8]| {
            hash.update([kind]);
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        match self {
            Self::Null => take(0, &[]),
            Self::Uuid(id) => take(1, id.as_bytes()),
            Self::Time(at) => take(2, &at.unix_timestamp_nanos().to_be_bytes()),
            Self::Boolean(is) => take(3, &[u8::from(*is)]),
            Self::Text(text) => take(4, text.as_bytes()),
            Self::Bigint(number) => take(5, &number.to_be_bytes()),
            Self::Bytes(bytes) => take(6, bytes),
        }
    }
}

fn get<'r, R, T>(row: &'r R, column: usize) -> sqlx::Result<Option<T>>
where
    R: Row,
    R::Database: Database,
    usize: ColumnIndex<R>,
    T: Decode<'r, R::Database> + Type<R::Database>,
{
    row.try_get(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[&[Value]]) -> Digest {
        let mut summary = Summary::default();
        rows.iter().for_each(|row| summary.add(row));
        summary.digest()
    }

    #[test]
    fn rows_that_differ_have_other_digests() {
        let text = |text: &str| Value::Text(text.to_owned());
        let rows: [&[&[Value]]; 9] = [
            &[],
            &[&[Value::Null]],
            &[&[text("")]],
            &[&[Value::Bytes(Vec::new())]],
            &[&[text("a"), text("b")]],
            &[&[text("ab"), text("")]],
            &[&[text("b")], &[text("a")]],
            &[&[Value::Bigint(0)]],
            &[&[Value::Boolean(false)]],
        ];
        let digests: std::collections::BTreeSet<_> = rows.map(digest).into();
        assert_eq!(digests.len(), rows.len());
    }
}
