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
    post_form_from(port, path, form, "")
}

/// The same with what a proxy adds: lines of headers.
pub fn post_form_from(port: u16, path: &str, form: &str, added: &str) -> std::io::Result<Answer> {
    let headers = format!(
        "{added}Origin: http://127.0.0.1:{port}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n",
        form.len()
    );
    ask(port, &format!("POST {path}"), &headers, form)
}

/// A connection that is kept open, for answers without a body.
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
        let port = self.port;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n\r\n");
        let begun = Instant::now();
        self.stream.write_all(request.as_bytes())?;
        let (mut answer, mut length) = ([0; 4096], 0);
        while !answer[..length].ends_with(b"\r\n\r\n") {
            match self.stream.read(&mut answer[length..])? {
                0 => return Err(Error::other("the connection was closed")),
                bytes => length += bytes,
            }
        }
        let took = begun.elapsed();
        match answer.starts_with(b"HTTP/1.1 200") {
            true => Ok(took),
            false => Err(Error::other("a check was not allowed")),
        }
    }
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
    let status =
        answer.get(9..12).and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let (Some(status), Some(head)) = (status, head) else { return Err(Error::other("no HTTP")) };
    Ok(Answer { status, bytes: answer.len() - head - 4, took })
}
