//! Just enough HTTP to see whether a server is there, and how long it takes.

use std::{
    io::{Error, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    time::{Duration, Instant},
};

/// A port that nobody listens on at this moment.
pub fn free_port() -> std::io::Result<u16> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr().map(|address| address.port())
}

/// The status that a GET is answered with.
pub fn status(port: u16, path: &str) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let head =
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = [0; "HTTP/1.1 200".len()];
    stream.read_exact(&mut answer)?;
    let status = std::str::from_utf8(&answer[9..]).ok();
    status.and_then(|status| status.parse().ok()).ok_or_else(|| Error::other("no HTTP"))
}

/// An answer that was read to its end.
pub struct Answer {
    pub status: u16,
    /// Of the body.
    pub bytes: usize,
    /// From the request to the last byte.
    pub took: Duration,
}

/// A GET with this cookie, on a connection of its own.
pub fn get(port: u16, path: &str, cookie: &str) -> std::io::Result<Answer> {
    ask(port, &format!("GET {path}"), &format!("Cookie: {cookie}\r\n"), "")
}

/// A form from one of the server's own pages, on a connection of its own.
pub fn post_form(port: u16, path: &str, form: &str) -> std::io::Result<Answer> {
    ask(port, &format!("POST {path}"), &form_headers(port, form, ""), form)
}

/// A connection that is kept open.
pub struct Kept {
    stream: TcpStream,
    port: u16,
}

impl Kept {
    pub fn open(port: u16) -> std::io::Result<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { stream, port })
    }

    /// How long an answer of 200 takes.
    pub fn get(&mut self, path: &str, cookie: &str) -> std::io::Result<Duration> {
        let answer = self.ask(&format!("GET {path}"), &format!("Cookie: {cookie}\r\n"), "")?;
        match answer.status {
            200 => Ok(answer.took),
            _ => Err(Error::other("a check was not allowed")),
        }
    }

    /// A form from one of the server's own pages, with what a proxy adds: lines of headers.
    pub fn post_form(&mut self, path: &str, form: &str, added: &str) -> std::io::Result<Answer> {
        let headers = form_headers(self.port, form, added);
        self.ask(&format!("POST {path}"), &headers, form)
    }

    /// The answer says how long it is.
    fn ask(&mut self, what: &str, headers: &str, body: &str) -> std::io::Result<Answer> {
        let port = self.port;
        let request = format!("{what} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}\r\n{body}");
        let begun = Instant::now();
        self.stream.write_all(request.as_bytes())?;
        let (mut answer, mut part) = (Vec::new(), [0; 16 * 1024]);
        loop {
            match self.stream.read(&mut part)? {
                0 => return Err(Error::other("the connection was closed")),
                length => answer.extend_from_slice(&part[..length]),
            }
            let Some(head) = head(&answer) else { continue };
            let bytes = content_length(&answer[..head]);
            if answer.len() >= head + bytes {
                let status = status_of(&answer).ok_or_else(|| Error::other("no HTTP"))?;
                return Ok(Answer { status, bytes, took: begun.elapsed() });
            }
        }
    }
}

fn form_headers(port: u16, form: &str, added: &str) -> String {
    format!(
        "{added}Origin: http://127.0.0.1:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n",
        form.len()
    )
}

fn status_of(answer: &[u8]) -> Option<u16> {
    std::str::from_utf8(answer.get(9..12)?).ok()?.parse().ok()
}

/// How long the head of an answer is, with the empty line.
fn head(answer: &[u8]) -> Option<usize> {
    answer.windows(4).position(|four| four == b"\r\n\r\n").map(|end| end + 4)
}

/// 0 where it is not said.
fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let mut lines = head.lines();
    let said = lines.find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    said.unwrap_or(0)
}

fn ask(port: u16, what: &str, headers: &str, body: &str) -> std::io::Result<Answer> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    let request = format!(
        "{what} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}Connection: close\r\n\r\n{body}"
    );
    let begun = Instant::now();
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let took = begun.elapsed();
    let (Some(status), Some(head)) = (status_of(&answer), head(&answer)) else {
        return Err(Error::other("no HTTP"));
    };
    Ok(Answer { status, bytes: answer.len() - head, took })
}
