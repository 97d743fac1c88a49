//! CSV as RFC 4180 has it. A cell that a spreadsheet would take for a formula begins with an
//! apostrophe, which makes it text.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

pub struct File(String);

impl File {
    pub fn new(header: &[&str]) -> Self {
        let mut file = Self(String::new());
        file.row(header);
        file
    }

    pub fn row(&mut self, cells: &[&str]) {
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            self.cell(cell);
        }
        self.0.push_str("\r\n");
    }

    /// The rows since the last time, for a file that is written while it is made.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.0)
    }

    fn cell(&mut self, text: &str) {
        let is_formula =
            text.trim_start().starts_with(['=', '+', '-', '@']) || text.starts_with(['\t', '\r']);
        let prefix = if is_formula { "'" } else { "" };
        if is_formula || text.contains([',', '"', '\r', '\n']) {
            self.0.push_str(&format!("\"{prefix}{}\"", text.replace('"', "\"\"")));
        } else {
            self.0.push_str(text);
        }
    }

    /// A download with this name.
    pub fn into_response(self, name: &str) -> Response {
        let disposition = format!("attachment; filename=\"{name}\"");
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
            (
                header::CONTENT_DISPOSITION,
                HeaderValue::try_from(disposition)
                    .unwrap_or(HeaderValue::from_static("attachment")),
            ),
        ];
        (headers, self.0).into_response()
    }
}

/// RFC 3339, UTC; empty for none.
pub fn time(at: Option<OffsetDateTime>) -> String {
    at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::File;

    #[test]
    fn cells_are_whole_and_no_formula() {
        let mut file = File::new(&["a", "b"]);
        file.row(&["x,y", "say \"hi\"\r\nbye"]);
        for formula in ["=1+1", "+1", "-1", "@x", "\t=1", " =1"] {
            file.row(&[formula, "plain"]);
        }
        let lines: Vec<&str> = file.0.split("\r\n").collect();
        assert_eq!(lines[0], "a,b");
        assert_eq!(lines[1], "\"x,y\",\"say \"\"hi\"\"");
        assert_eq!(lines[3], "\"'=1+1\",plain");
        assert!(lines[3..9].iter().all(|line| line.starts_with("\"'")), "{lines:?}");
    }
}
