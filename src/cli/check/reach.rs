//! Where rolecall listens: free, or taken by a server of ours.

use std::{
    io::ErrorKind,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::FileTypeExt,
    path::Path,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
};

use super::Report;
use crate::config::Listen;

const TOPIC: &str = "listen";
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);
const REQUEST: &[u8] = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// What is at the address.
enum There {
    Nobody,
    Answer(String),
    /// Somebody who says nothing that we know.
    Stranger,
}

pub async fn listen(report: &mut Report, listen: &Listen) {
    match listen {
        Listen::Tcp(address) if address.port() == 0 => {
            report.ok(TOPIC, format!("{listen} takes any port that is free"));
        }
        Listen::Tcp(address) => tcp(report, *address).await,
        Listen::Unix(path) => unix(report, path).await,
    }
}

async fn tcp(report: &mut Report, address: SocketAddr) {
    let mut near = address;
    match address.ip() {
        ip if !ip.is_unspecified() => {}
        ip if ip.is_ipv4() => near.set_ip(Ipv4Addr::LOCALHOST.into()),
        _ => near.set_ip(Ipv6Addr::LOCALHOST.into()),
    }
    let there = match tokio::time::timeout(PATIENCE, TcpStream::connect(near)).await {
        Ok(Ok(stream)) => ask(stream).await,
        _ => There::Nobody,
    };
    match there {
        // Nobody can connect before it listens, so this is noticed by nobody.
        There::Nobody => match TcpListener::bind(address).await {
            Ok(_) => report.ok(TOPIC, format!("{address} is free")),
            Err(error) => report.fail(
                TOPIC,
                format!("{address} cannot be taken: {error}"),
                "name an address of this machine and a port that this user may take",
            ),
        },
        there => taken(report, &address.to_string(), there),
    }
}

async fn unix(report: &mut Report, path: &Path) {
    let shown = path.display();
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            return match folder.is_none_or(Path::is_dir) {
                true => report.ok(TOPIC, format!("unix:{shown} is free")),
                false => report.fail(
                    TOPIC,
                    format!("the folder of {shown} does not exist"),
                    "make it, for the user that serves",
                ),
            };
        }
        Err(error) => {
            return report.fail(TOPIC, format!("{shown}: {error}"), "name another path");
        }
    };
    if !metadata.file_type().is_socket() {
        return report.fail(
            TOPIC,
            format!("{shown} is no socket"),
            "move it, or name another path",
        );
    }
    let there = match tokio::time::timeout(PATIENCE, UnixStream::connect(path)).await {
        Ok(Ok(stream)) => ask(stream).await,
        _ => There::Nobody,
    };
    match there {
        There::Nobody => {
            report.ok(
                TOPIC,
                format!("unix:{shown} is left from before, and the next start takes it"),
            );
        }
        there => taken(report, &format!("unix:{shown}"), there),
    }
}

fn taken(report: &mut Report, address: &str, there: There) {
    match there {
        There::Answer(head) if head.starts_with("HTTP/1.1 200") => {
            report.ok(TOPIC, format!("a server is at {address}, and its database answers"));
        }
        There::Answer(head) if head.starts_with("HTTP/1.1 503") => {
            report.fail(TOPIC, format!("the server at {address} is not ready"), "see its log")
        }
        _ => report.fail(
            TOPIC,
            format!("something else is at {address}"),
            "stop it, or choose another with listen",
        ),
    }
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> There {
    let asked = async {
        stream.write_all(REQUEST).await?;
        let mut answer = Vec::new();
        stream.take(4096).read_to_end(&mut answer).await?;
        std::io::Result::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(answer)) if answer.starts_with("HTTP/1.1 ") => There::Answer(answer),
        _ => There::Stranger,
    }
}
