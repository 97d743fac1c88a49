//! The door: a port or a unix socket.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
};

use crate::config::Listen;

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {listen}: {reason}")]
    Listen { listen: Listen, reason: String },
}

/// An open door; connections wait behind it until [`super::serve`] takes them.
pub struct Listener(Socket);

enum Socket {
    Tcp(TcpListener),
    /// With the path, which goes when the listener does.
    Unix(UnixListener, PathBuf),
}

pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Listener {
    /// Where it listens: for port 0, which one it got.
    pub fn address(&self) -> Listen {
        match &self.0 {
            Socket::Tcp(listener) => listener.local_addr().map(Listen::Tcp).unwrap_or_default(),
            Socket::Unix(_, path) => Listen::Unix(path.clone()),
        }
    }

    /// The next connection, and from which address; a unix socket has none.
    pub(in crate::web) async fn accept(
        &self,
    ) -> std::io::Result<(Box<dyn Stream>, Option<IpAddr>)> {
        match &self.0 {
            Socket::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Box::new(stream), Some(peer.ip().to_canonical())))
            }
            Socket::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), None))
            }
        }
    }
}

/// Opens the door.
pub async fn listen(listen: &Listen) -> Result<Listener, ServeError> {
    open(listen, "--listen").await
}

/// Opens the door at which metrics are read.
pub async fn listen_for_metrics(listen: &Listen) -> Result<Listener, ServeError> {
    open(listen, "--metrics-listen").await
}

async fn open(listen: &Listen, flag: &str) -> Result<Listener, ServeError> {
    let bound = match listen {
        Listen::Tcp(address) => TcpListener::bind(address).await.map(Socket::Tcp),
        Listen::Unix(path) => {
            bind_unix(path).await.map(|socket| Socket::Unix(socket, path.clone()))
        }
    };
    bound.map(Listener).map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("something else listens there; stop it, or choose another with {flag}")
            }
            _ => error.to_string(),
        };
        ServeError::Listen { listen: listen.clone(), reason }
    })
}

/// Binds the socket; one that nobody listens on any more is replaced.
async fn bind_unix(path: &Path) -> std::io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            if tokio::net::UnixStream::connect(path).await.is_ok() || !is_socket(path) {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    }
}

fn is_socket(path: &Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    std::fs::metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Socket::Unix(_, path) = &self.0 {
            let _ = std::fs::remove_file(path);
        }
    }
}
