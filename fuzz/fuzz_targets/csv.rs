//! Cells of the CSV files: what a strict reader of RFC 4180 finds is what stood there, and none
//! is a formula.
#![no_main]

#[allow(dead_code)]
#[path = "../../src/web/csv.rs"]
mod csv;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|cells: [&str; 3]| {
    let mut file = csv::File::new(&["a", "b", "c"]);
    file.row(&cells);
    let rows = read(&file.take());
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0], ["a", "b", "c"]);
    assert_eq!(rows[1].len(), cells.len());
    for (found, cell) in rows[1].iter().zip(cells) {
        assert_eq!(found.strip_prefix('\'').filter(|rest| *rest == cell).unwrap_or(found), cell);
        assert!(!found.trim_start().starts_with(['=', '+', '-', '@']));
        assert!(!found.starts_with(['\t', '\r']));
    }
});

/// The rows of a file in which a line ends with CRLF and only whole cells are quoted.
fn read(text: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let (mut row, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let cell;
        (cell, rest) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_cell(quoted),
            None => {
                let end = rest.find([',', '\r', '\n', '"']).expect("an end");
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        row.push(cell);
        if let Some(next) = rest.strip_prefix("\r\n") {
            rows.push(std::mem::take(&mut row));
            rest = next;
        } else {
            rest = rest.strip_prefix(',').expect("a comma or the end of a line");
        }
    }
    rows
}

/// What stands before the quote that is not doubled, and what follows on it.
fn quoted_cell(mut rest: &str) -> (String, &str) {
    let mut cell = String::new();
    loop {
        let (part, after) = rest.split_once('"').expect("a closing quote");
        cell.push_str(part);
        match after.strip_prefix('"') {
            Some(more) => {
                cell.push('"');
                rest = more;
            }
            None => return (cell, after),
        }
    }
}
