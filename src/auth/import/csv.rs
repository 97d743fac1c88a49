//! Lines of a CSV file (RFC 4180), whose first names the columns.

use std::{borrow::Cow, io, str};

use csv_core::{ReadRecordResult, Reader};

use super::{
    ImportError, MAX_LINE_BYTES,
    field::{Field, Mappings, Use},
    refused::{Flaw, HeaderError, Reason, check_uses},
    row::Raw,
    source::Source,
};

/// Most columns of a line.
pub(super) const COLUMNS: usize = 256;

pub struct Csv {
    source: Source,
    parser: Box<Reader>,
    /// What the columns are.
    uses: Vec<Use>,
    /// Of the record: its values one after the other, and where each ends.
    values: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
}

impl Csv {
    pub fn open(source: Source, mappings: &Mappings) -> Result<Self, ImportError> {
        let mut csv = Self {
            source,
            parser: Box::new(Reader::new()),
            uses: Vec::new(),
            values: vec![0; MAX_LINE_BYTES],
            ends: vec![0; COLUMNS],
            fields: 0,
        };
        csv.read_record()?.ok_or(HeaderError::Missing)?.map_err(|_| HeaderError::TooLong)?;
        csv.uses = csv.header(mappings)?;
        Ok(csv)
    }

    fn header(&self, mappings: &Mappings) -> Result<Vec<Use>, HeaderError> {
        let columns = (0..self.fields).map(|column| {
            let name = str::from_utf8(self.value(column)).map_err(|_| HeaderError::Encoding)?;
            Ok(name.trim().to_owned())
        });
        let columns: Vec<String> = columns.collect::<Result<_, _>>()?;
        if let Some(column) = mappings.missing(&columns) {
            return Err(HeaderError::NotThere(column.to_owned()));
        }
        let uses = columns.iter().map(|column| {
            mappings.find(column).ok_or_else(|| HeaderError::unknown(&columns, column))
        });
        let uses: Vec<Use> = uses.collect::<Result<_, _>>()?;
        check_uses(&uses)?;
        Ok(uses)
    }

    /// The next line and what stands in it; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<(u64, Result<Raw<'_>, Flaw>)>> {
        self.skip_empty_lines()?;
        let line = self.source.line;
        Ok(match self.read_record()? {
            None => None,
            Some(Err(reason)) => Some((line, Err((None, reason)))),
            Some(Ok(())) => Some((line, self.raw())),
        })
    }

    pub fn bytes(&self) -> u64 {
        self.source.bytes
    }

    /// So that the number of the line is that of the record, and what ended the last record is
    /// not counted to the next.
    fn skip_empty_lines(&mut self) -> io::Result<()> {
        loop {
            let chunk = self.source.chunk()?;
            let empty = chunk.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            let (is_all, lines) = (empty == chunk.len(), newlines(&chunk[..empty]));
            self.source.consume(empty, lines);
            if !is_all || empty == 0 {
                return Ok(());
            }
        }
    }

    /// Reads the next record, or why there was no room for it; `None` at the end.
    fn read_record(&mut self) -> io::Result<Option<Result<(), Reason>>> {
        let (mut filled, mut ended, mut fits) = (0, 0, Ok(()));
        loop {
            let chunk = self.source.chunk()?;
            let (values, ends) = (&mut self.values[filled..], &mut self.ends[ended..]);
            let (result, read, written, closed) = self.parser.read_record(chunk, values, ends);
            let lines = newlines(&chunk[..read]);
            self.source.consume(read, lines);
            (filled, ended) = (filled + written, ended + closed);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    (filled, ended, fits) = (0, 0, Err(Reason::TooLong));
                }
                ReadRecordResult::OutputEndsFull => {
                    (filled, ended, fits) = (0, 0, Err(Reason::TooManyColumns));
                }
                ReadRecordResult::Record => {
                    self.fields = ended;
                    return Ok(Some(fits));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    fn raw(&self) -> Result<Raw<'_>, Flaw> {
        if self.fields != self.uses.len() {
            let (found, expected) = (self.fields, self.uses.len());
            return Err((None, Reason::Columns { found, expected }));
        }
        let mut raw = Raw::default();
        for (column, is) in self.uses.iter().enumerate() {
            let Use::As(field) = *is else { continue };
            let value = str::from_utf8(self.value(column));
            let value = value.map_err(|_| (Some(field), Reason::Encoding))?;
            match field {
                Field::Username => raw.username = value.into(),
                Field::Email => raw.email = value.into(),
                Field::DisplayName => raw.display_name = value.into(),
                Field::PasswordHash => raw.password_hash = value.into(),
                Field::Status => raw.status = value.into(),
                Field::Roles => raw.roles = value.split('|').map(Cow::from).collect(),
            }
        }
        Ok(raw)
    }

    fn value(&self, column: usize) -> &[u8] {
        let start = column.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.values[start..self.ends[column]]
    }
}

fn newlines(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}
