//! Requests to a server on a port of this machine, over a connection each.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// `name=value` of the cookie it sets.
    pub fn cookie(&self) -> String {
        self.header("set-cookie").expect("a cookie").split(';').next().unwrap().to_owned()
    }
}

/// Sends a request to a server that may end meanwhile: an answer that is not whole is an error.
pub fn send_to(port: u16, request: &str) -> std::io::Result<Response> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(request.as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    let broken = || std::io::Error::other(format!("{text:?}"));
    let (head, body) = text.split_once("\r\n\r\n").ok_or_else(broken)?;
    let status =
        head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(broken)?;
    let response = Response { status, head: head.to_owned(), body: body.to_owned() };
    let length = response.header("content-length").and_then(|length| length.parse().ok());
    let is_whole = |length: usize| request.starts_with("HEAD") || length <= response.body.len();
    if !length.is_none_or(is_whole) {
        return Err(broken());
    }
    Ok(response)
}

pub fn form_token_in(page: &Response) -> Option<String> {
    let (_, rest) = page.body.split_once("name=\"form_token\" value=\"")?;
    Some(rest.split_once('"')?.0.to_owned())
}

pub fn get_from(port: u16, path: &str, cookie: &str) -> std::io::Result<Response> {
    let head = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: {cookie}\r\n");
    send_to(port, &format!("{head}Connection: close\r\n\r\n"))
}

pub fn post_to(
    port: u16,
    path: &str,
    cookie: &str,
    fields: &[(&str, &str)],
) -> std::io::Result<Response> {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let length = body.len();
    send_to(
        port,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n\
             Cookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ),
    )
}
