//! The bytes of a file as they come, with the number of the line.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

/// Where the bytes come from.
pub type Input = Box<dyn Read + Send>;

const BUFFER: usize = 64 * 1024;
/// With which some programs begin a text in UTF-8.
const BOM: &[u8] = "\u{feff}".as_bytes();

pub struct Source {
    input: BufReader<Chain<Cursor<Vec<u8>>, Input>>,
    /// Number of the line that is read next; the first is 1.
    pub line: u64,
    /// Bytes that were read.
    pub bytes: u64,
}

impl Source {
    pub fn open(mut input: Input) -> io::Result<Self> {
        let mut head = Vec::new();
        (&mut input).take(BOM.len() as u64).read_to_end(&mut head)?;
        let mut bytes = 0;
        if head == BOM {
            bytes = head.len() as u64;
            head.clear();
        }
        let input = BufReader::with_capacity(BUFFER, Cursor::new(head).chain(input));
        Ok(Self { input, line: 1, bytes })
    }

    /// What there is, at least one byte before the end.
    pub fn chunk(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    /// Goes on after so many bytes of it, so many of which end a line.
    pub fn consume(&mut self, bytes: usize, lines: usize) {
        self.input.consume(bytes);
        self.bytes += bytes as u64;
        self.line += lines as u64;
    }

    /// Reads a line into `into`, without what ends it. `None` at the end, and whether it was not
    /// longer than `most` otherwise.
    pub fn read_line(&mut self, into: &mut Vec<u8>, most: usize) -> io::Result<Option<bool>> {
        into.clear();
        let read = (&mut self.input).take(most as u64 + 1).read_until(b'\n', into)?;
        if read == 0 {
            return Ok(None);
        }
        let (mut fits, mut more) = (true, 0);
        if into.last() == Some(&b'\n') {
            into.pop();
        } else if read > most {
            fits = false;
            more = self.input.skip_until(b'\n')?;
        }
        self.bytes += (read + more) as u64;
        self.line += 1;
        Ok(Some(fits))
    }
}
