//! What holds for every file, however it comes.

use std::io::{Cursor, Read};

use proptest::{collection::vec, prelude::*, sample::select};

use super::{csv::Csv, field::Mappings, jsonl::Jsonl, source::Source};
use crate::chance::{config, text_of};

/// Gives so many bytes at a time, as a pipe may.
struct Dribble(Cursor<Vec<u8>>, usize);

impl Read for Dribble {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let most = into.len().min(self.1);
        self.0.read(&mut into[..most])
    }
}

fn source(bytes: &[u8], step: usize) -> Source {
    Source::open(Box::new(Dribble(Cursor::new(bytes.to_vec()), step))).unwrap()
}

const PIECES: &[&str] = &[
    "a",
    "kim",
    "é",
    "\u{feff}",
    ",",
    ",,",
    "\"",
    "\"\"",
    "\n",
    "\r\n",
    "\r",
    "\r\r",
    " ",
    "|",
    ";",
    "{",
    "}",
    "[",
    "]",
    ":",
    "\\",
    "\\u00",
    "null",
    "1",
    "username",
    "\"username\"",
    "email",
    "\"roles\"",
    "\t",
    "\0",
    "{\"username\":\"kim\"}\n",
];
const ENDS: &[&str] = &["\n", "\r\n", "\n\n", "\r\n\r\n"];

fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

fn newlines(text: &str) -> u64 {
    text.bytes().filter(|byte| *byte == b'\n').count() as u64
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_a_csv_says_is_read_with_the_number_of_its_line(
        rows in vec((text_of(PIECES, 5), text_of(PIECES, 5), select(ENDS)), 0..6),
        bom in any::<bool>(),
        ends in any::<bool>(),
        step in 1..20_usize,
    ) {
        let mut text = format!("{}username,email\r\n", if bom { "\u{feff}" } else { "" });
        let mut expected = Vec::new();
        for (username, email, end) in &rows {
            expected.push((1 + newlines(&text), username.clone(), email.clone()));
            text += &format!("{},{}{end}", quoted(username), quoted(email));
        }
        if !ends {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
        }
        let mut csv = Csv::open(source(text.as_bytes(), step), &Mappings::default()).unwrap();
        let mut found = Vec::new();
        while let Some((line, raw)) = csv.next().unwrap() {
            let raw = raw.unwrap();
            found.push((line, raw.username.into_owned(), raw.email.into_owned()));
        }
        prop_assert_eq!(found, expected, "{:?}", text);
        prop_assert_eq!(csv.bytes(), text.len() as u64);
    }

    #[test]
    fn any_bytes_are_read_to_their_end_and_lines_ascend(
        text in text_of(PIECES, 40),
        more in vec(any::<u8>(), 0..8),
        step in 1..20_usize,
    ) {
        let bytes = [text.as_bytes(), &more].concat();
        let mut jsonl = Jsonl::new(source(&bytes, step), Mappings::default());
        let mut last = 0;
        while let Some((line, _)) = jsonl.next().unwrap() {
            prop_assert!(line > last);
            last = line;
        }
        prop_assert_eq!(jsonl.bytes(), bytes.len() as u64);

        let bytes = [b"username,email,roles\n", bytes.as_slice()].concat();
        let mut csv = Csv::open(source(&bytes, step), &Mappings::default()).unwrap();
        let mut last = 0;
        while let Some((line, _)) = csv.next().unwrap() {
            // A carriage return alone ends a record and no line.
            prop_assert!(line >= last);
            last = line;
        }
        prop_assert_eq!(csv.bytes(), bytes.len() as u64);
    }
}
