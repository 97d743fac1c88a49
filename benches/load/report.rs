//! The figures as tables, for a terminal and for `docs/benchmarks.md`.

use std::{fmt, path::Path};

use crate::Outcome;

/// A table in Markdown; its columns line up on a terminal too.
pub struct Table {
    title: String,
    lines: Vec<Vec<String>>,
    /// Rows that count for nothing, and why.
    pub problems: Vec<String>,
}

impl Table {
    pub fn new(title: String, header: &[&str]) -> Self {
        Self {
            title,
            lines: vec![header.iter().map(|&name| name.to_owned()).collect()],
            problems: Vec::new(),
        }
    }

    /// Says in the title what all rows are about.
    pub fn about(self, what: &str) -> Self {
        Self { title: format!("{what}: {}", self.title), ..self }
    }

    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.line(cells.into());
    }

    pub fn line(&mut self, cells: Vec<String>) {
        self.lines.push(cells);
    }

    /// Marks the last row as invalid, if there is a problem with it.
    pub fn problem(&mut self, problem: Option<&str>) {
        if let (Some(problem), Some(line)) = (problem, self.lines.last_mut()) {
            self.problems.push(format!("{}: {problem}", line.join(" | ")));
            if let Some(first) = line.first_mut() {
                first.insert_str(0, "INVALID ");
            }
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.lines.first().map_or(0, Vec::len);
        let width = |column: usize| {
            let cells = self.lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        // Text to the left, numbers to the right.
        let is_number = |column: usize| {
            self.lines.iter().skip(1).filter_map(|line| line.get(column)).all(|cell| {
                cell.is_empty() || cell.starts_with(|first: char| first.is_ascii_digit())
            })
        };
        writeln!(f, "## {}\n", self.title)?;
        for (index, line) in self.lines.iter().enumerate() {
            for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
                match is_number(column) {
                    true => write!(f, "| {cell:>width$} ")?,
                    false => write!(f, "| {cell:<width$} ")?,
                }
            }
            writeln!(f, "|")?;
            if index == 0 {
                for (column, width) in widths.iter().enumerate() {
                    let end = if is_number(column) { ':' } else { '-' };
                    write!(f, "| {}{end} ", "-".repeat(width.saturating_sub(1)))?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

/// 0 of nothing.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted[..] {
        [] => 0.0,
        _ if sorted.len() % 2 == 1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

/// The median of ratios and how far they spread.
pub fn ratio(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    let short = |value: f64| format!("{value:.3}");
    if short(least) == short(most) {
        return short(most);
    }
    format!("{} ({} to {})", short(median(values)), short(least), short(most))
}

/// A number with separators: 62,600.
pub fn count(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub fn mb(kib: u64) -> String {
    format!("{:.1}", kib as f64 * 1024.0 / 1e6)
}

/// Writes the page that is published: what it is, the tables, the machine, how it was done.
pub fn write(
    file: &Path,
    head: &str,
    is_quiet: bool,
    facts: &[(&str, String)],
    tables: &[Table],
    method: &str,
) -> Outcome {
    let mut text = head.to_owned();
    if !is_quiet {
        text += "**Other programs were at work: run it again on a quiet machine.**\n\n";
    }
    for table in tables {
        text += &format!("{table}\n");
    }
    text += "## Machine and versions\n\n";
    let mut machine = Table::new(String::new(), &["", ""]);
    for (name, value) in facts {
        machine.row([(*name).to_owned(), value.clone()]);
    }
    let machine = machine.to_string();
    text += machine.trim_start_matches(['#', ' ', '\n']);
    text += method;
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(std::fs::write(file, text)?)
}
