//! Reads a file on a thread of its own, so that names are normalised while the database writes.

use std::io;

use tokio::sync::mpsc::{Receiver, channel};

use super::{
    Format, ImportError,
    csv::Csv,
    field::Mappings,
    jsonl::Jsonl,
    refused::Refused,
    row::Row,
    source::{Input, Source},
};
use crate::auth::hasher::Hasher;

/// Lines that are written at once: more of them change fewer pages of the indexes, and hold up
/// other writers longer.
pub(super) const BATCH_LINES: usize = 10_000;
/// Bytes of the file that end a batch before.
const BATCH_BYTES: u64 = 8 * 1024 * 1024;
/// Batches that wait while one is written.
const WAITING: usize = 1;

/// Lines that are written in one transaction.
#[derive(Debug)]
pub struct Batch {
    /// Each with its number; at least one.
    pub(super) lines: Vec<(u64, Result<Row, Refused>)>,
    /// Of the file, that were read with it.
    pub bytes: u64,
}

impl Batch {
    /// Numbers of its first and its last line.
    pub(super) fn span(&self) -> (u64, u64) {
        let number = |line: Option<&(u64, _)>| line.map_or(0, |(number, _)| *number);
        (number(self.lines.first()), number(self.lines.last()))
    }
}

/// What comes of the file: batches, then that it has ended.
pub(super) type Read = Result<Option<Batch>, ImportError>;

pub(super) fn start(
    input: Input,
    format: Format,
    mappings: Mappings,
    hasher: Hasher,
) -> io::Result<Receiver<Read>> {
    let (send, receive) = channel(WAITING);
    // A thread that waits for standard input keeps no runtime from ending.
    std::thread::Builder::new().name("import".into()).spawn(move || {
        let mut reader = match Lines::open(input, format, mappings) {
            Ok(lines) => Reader { lines, hasher, told: 0 },
            Err(error) => return drop(send.blocking_send(Err(error))),
        };
        loop {
            let read = reader.batch().map_err(ImportError::Read);
            let is_last = !matches!(read, Ok(Some(_)));
            if send.blocking_send(read).is_err() || is_last {
                return;
            }
        }
    })?;
    Ok(receive)
}

enum Lines {
    Csv(Csv),
    Jsonl(Jsonl),
}

impl Lines {
    fn open(input: Input, format: Format, mappings: Mappings) -> Result<Self, ImportError> {
        let source = Source::open(input).map_err(ImportError::Read)?;
        Ok(match format {
            Format::Csv => Self::Csv(Csv::open(source, &mappings)?),
            Format::Jsonl => Self::Jsonl(Jsonl::new(source, mappings)),
        })
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::Csv(csv) => csv.bytes(),
            Self::Jsonl(jsonl) => jsonl.bytes(),
        }
    }

    fn next(&mut self, hasher: &Hasher) -> io::Result<Option<(u64, Result<Row, Refused>)>> {
        let next = match self {
            Self::Csv(csv) => csv.next()?,
            Self::Jsonl(jsonl) => jsonl.next()?,
        };
        Ok(next.map(|(line, raw)| {
            let row = raw.and_then(|raw| Row::read(&raw, hasher));
            (line, row.map_err(|(field, reason)| Refused { line, field, reason }))
        }))
    }
}

struct Reader {
    lines: Lines,
    hasher: Hasher,
    /// Bytes of the batches before.
    told: u64,
}

impl Reader {
    fn batch(&mut self) -> io::Result<Option<Batch>> {
        let mut lines = Vec::new();
        let mut bytes = 0;
        while lines.len() < BATCH_LINES && bytes < BATCH_BYTES {
            let Some(line) = self.lines.next(&self.hasher)? else { break };
            lines.push(line);
            bytes = self.lines.bytes().saturating_sub(self.told);
        }
        self.told = self.lines.bytes();
        Ok((!lines.is_empty()).then_some(Batch { lines, bytes }))
    }
}
