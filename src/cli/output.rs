//! What commands print: aligned columns for people, JSON for programs.

use std::io::Write;

use serde_json::Value;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::Outcome;

pub fn write(bytes: &[u8]) -> Outcome {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    Ok(out.flush()?)
}

pub fn line(text: &str) -> Outcome {
    write(format!("{text}\n").as_bytes())
}

pub fn json(value: &Value) -> Outcome {
    line(&format!("{value:#}"))
}

/// RFC 3339, UTC.
pub fn time(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

/// A list that is printed while it is read: a JSON array, or rows under a header.
pub struct List<const N: usize> {
    json: bool,
    printed: usize,
    header: [&'static str; N],
    /// Rows of the batch that is not printed yet.
    rows: Vec<[String; N]>,
}

impl<const N: usize> List<N> {
    pub fn new(json: bool, header: [&'static str; N]) -> Self {
        Self { json, printed: 0, header, rows: Vec::new() }
    }

    /// Adds a line; `row` and `value` say the same.
    pub fn push(&mut self, row: [String; N], value: impl FnOnce() -> Value) -> Outcome {
        if self.json {
            let start = if self.printed == 0 { "[\n" } else { ",\n" };
            self.printed += 1;
            return write(format!("{start}{}", value()).as_bytes());
        }
        self.rows.push(row.map(|cell| clean(&cell)));
        if self.rows.len() >= 500 { self.print_rows() } else { Ok(()) }
    }

    pub fn finish(mut self) -> Outcome {
        match (self.json, self.printed) {
            (true, 0) => line("[]"),
            (true, _) => line("\n]"),
            (false, _) => self.print_rows(),
        }
    }

    fn print_rows(&mut self) -> Outcome {
        let mut rows = std::mem::take(&mut self.rows);
        if self.printed == 0 {
            rows.insert(0, self.header.map(str::to_owned));
        }
        self.printed += rows.len();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
        let mut text = String::new();
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(&format!("{cell:<width$}  "));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        write(text.as_bytes())
    }
}

/// Without what would move the cursor or turn the line around.
pub fn clean(text: &str) -> String {
    let is_odd =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().map(|c| if is_odd(c) { '\u{fffd}' } else { c }).collect()
}
