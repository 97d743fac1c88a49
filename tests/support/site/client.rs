//! A client that sends bytes as they are, over TLS or plainly, on a connection for each request.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    sync::{Arc, LazyLock},
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, pki_types::pem::PemObject,
};
use tokio::{net::TcpSocket, runtime::Runtime};

/// An answer; head and body are read as Latin-1, so that no byte is lost.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    /// The values of a header, in the order of their lines.
    pub fn all(&self, name: &str) -> Vec<&str> {
        values(&self.head, name)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// Status and, for a redirect, where to.
    pub fn outcome(&self) -> String {
        format!("{} {}", self.status, self.header("location").unwrap_or_default()).trim().to_owned()
    }
}

/// The values of a header in a head, however its name is written.
pub fn values<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let lines = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    let named = lines.filter(|(found, _)| found.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.trim()).collect()
}

/// Trusts the one certificate of the proxies.
pub fn trusting(certificate: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(rustls::pki_types::CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let provider = rustls::crypto::ring::default_provider().into();
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Arc::new(config.unwrap().with_root_certificates(roots).with_no_client_auth())
}

/// Sends `request`; the answer, or `None` when the connection ended without a whole head.
pub fn over_tls(
    tls: &Arc<ClientConfig>,
    to: SocketAddr,
    host: &str,
    request: &[u8],
) -> Option<Answer> {
    let name = host.to_owned().try_into().unwrap();
    let connection = ClientConnection::new(tls.clone(), name).unwrap();
    exchange(StreamOwned::new(connection, connect(to)), request)
}

pub fn plainly(to: SocketAddr, request: &[u8]) -> Option<Answer> {
    exchange(connect(to), request)
}

/// From an address that rolecall does not trust: the proxies have 127.0.0.1.
pub const CLIENT: &str = "127.0.0.9";

fn connect(to: SocketAddr) -> TcpStream {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(CLIENT.parse().unwrap(), 0)).unwrap();
    let stream = RUNTIME.block_on(socket.connect(to)).unwrap().into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn exchange(mut stream: impl Read + Write, request: &[u8]) -> Option<Answer> {
    // Whoever refuses a request may do so before it is whole.
    let _ = stream.write_all(request).and_then(|()| stream.flush());
    let mut bytes = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("no end of the answer to {:?}", latin_1(request))
            }
            Err(_) => break,
        }
    }
    read(&latin_1(&bytes))
}

fn read(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.get(..3)?.parse().ok()?;
    // What comes before the answer.
    if (100..200).contains(&status) {
        return read(body);
    }
    let chunked = values(head, "transfer-encoding") == ["chunked"];
    let body = if chunked { without_chunks(body) } else { body.to_owned() };
    Some(Answer { status, head: head.to_owned(), body })
}

fn without_chunks(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, data)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        // A Latin-1 byte above 0x7f takes two in a string.
        let end = data.char_indices().nth(size).map_or(data.len(), |(at, _)| at);
        body.push_str(&data[..end]);
        rest = data[end..].trim_start_matches("\r\n");
        if size == 0 {
            break;
        }
    }
    body
}

pub fn latin_1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}
