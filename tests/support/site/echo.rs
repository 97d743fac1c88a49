//! The application behind the proxy: it keeps each request as it came and sends it back. It lets
//! anybody store its answers, as the worst of applications would.

use std::{
    io::{BufRead, BufReader, Read, Result, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use super::client::{latin_1, values};

/// A request as it arrived, read as Latin-1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub head: String,
    pub body: String,
}

impl Received {
    pub fn all(&self, name: &str) -> Vec<&str> {
        values(&self.head, name)
    }

    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap()
    }

    /// The target of the request, byte for byte.
    pub fn target(&self) -> &str {
        let line = self.head.split("\r\n").next().unwrap();
        line.split_once(' ').unwrap().1.rsplit_once(' ').unwrap().0
    }
}

pub struct Echo {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Echo {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let echo = Self { address: listener.local_addr().unwrap(), received: received.clone() };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let received = received.clone();
                std::thread::spawn(move || serve(&stream, &received));
            }
        });
        echo
    }

    /// What has arrived since this was last asked.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap())
    }
}

fn serve(stream: &TcpStream, received: &Mutex<Vec<Received>>) -> Result<()> {
    let mut reader = BufReader::new(stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head)? == 0 {
            return Ok(());
        }
    }
    let head = latin_1(&head);
    let length = values(&head, "content-length").first().and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body)?;
    if values(&head, "transfer-encoding") == ["chunked"] {
        // The last chunk, and what trails behind it.
        while !body.ends_with(b"0\r\n\r\n") && reader.read_until(b'\n', &mut body)? > 0 {
            if body.windows(5).any(|end| end == b"\r\n0\r\n") && body.ends_with(b"\r\n\r\n") {
                break;
            }
        }
    }
    let request = Received { head, body: latin_1(&body) };
    let (answer, method) = (request.head.clone(), request.method().to_owned());
    received.lock().unwrap().push(request);
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: public, max-age=3600\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        answer.len()
    )?;
    if method == "HEAD" { Ok(()) } else { stream.write_all(answer.as_bytes()) }
}
