//! The accept loop: a header timeout, a cap on connections and a graceful stop, which
//! `axum::serve` does not have.

use std::{
    convert::Infallible,
    net::IpAddr,
    path::{Path, PathBuf},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::Semaphore,
};

use super::{Peer, Service, limits};
use crate::{
    app::App,
    auth::{grants, sessions, throttle, trail},
    config::Listen,
    db::{self, leases},
};

/// Requests in flight get this long to finish after the signal to stop.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// Uses of sessions are written down this often.
const WRITE_EVERY: Duration = Duration::from_secs(5);
/// Expired sessions are looked for every so many writes.
const SWEEP_EVERY: u32 = 12;
/// The next node sweeps when the one that did has been gone so many milliseconds.
const SWEEP_LEASE_MS: i64 = 120_000;
/// Records are sealed this often.
const SEAL_EVERY: Duration = Duration::from_millis(200);
/// A database that says nothing for so long is asked again.
const SEAL_PATIENCE: Duration = Duration::from_secs(2);
/// What others changed is looked for this often.
const FOLLOW_EVERY: Duration = Duration::from_millis(200);
const FOLLOW_PATIENCE: Duration = Duration::from_millis(800);

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("cannot listen on {listen}: {reason}")]
    Listen { listen: Listen, reason: String },
}

/// An open door; connections wait behind it until [`serve`] takes them.
pub struct Listener(Socket);

enum Socket {
    Tcp(TcpListener),
    /// With the path, which goes when the listener does.
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Where it listens: for port 0, which one it got.
    pub fn address(&self) -> Listen {
        match &self.0 {
            Socket::Tcp(listener) => listener.local_addr().map(Listen::Tcp).unwrap_or_default(),
            Socket::Unix(_, path) => Listen::Unix(path.clone()),
        }
    }
}

/// Serves until `stop` is done, then lets requests in flight finish.
pub async fn serve(app: App, listener: Listener, stop: impl Future<Output = ()>) {
    let slots = Arc::new(Semaphore::new(app.settings.max_connections));
    let graceful = GracefulShutdown::new();
    let service = Service::new(app.clone());
    let chores = tokio::spawn(chores(app.clone()));
    let sealing = tokio::spawn(sealing(app.clone()));
    let following = tokio::spawn(following(app.clone()));
    let mut stop = pin!(stop);
    loop {
        // A connection is taken only when there is room for it; the others wait in the backlog.
        let slot = tokio::select! {
            () = &mut stop => break,
            slot = slots.clone().acquire_owned() => slot,
        };
        let accepted = tokio::select! {
            () = &mut stop => break,
            accepted = accept(&listener) => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: wait for some to come back.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let connection = connection(stream, Peer(peer), service.clone());
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _slot = slot;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("stopped before every request was answered");
    }
    chores.abort();
    if let Err(error) = sessions::write_touched(&app).await {
        tracing::warn!(%error, "the last uses of sessions were not written down");
    }
    sealing.abort();
    following.abort();
    let last = trail::seal_before_leaving(&app);
    if let Err(error) = db::with_patience(SEAL_PATIENCE, last).await {
        tracing::warn!(%error, "the last audit records were not sealed; the next start does it");
    }
    app.db.close().await;
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

fn connection(
    stream: Box<dyn Stream>,
    peer: Peer,
    service: Service,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> + Send {
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.answer(request).await) }
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits::HEAD_TIMEOUT)
        .max_headers(limits::HEADERS)
        .max_buf_size(limits::HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
}

async fn accept(listener: &Listener) -> std::io::Result<(Box<dyn Stream>, Option<IpAddr>)> {
    match &listener.0 {
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

/// Opens the door.
pub async fn listen(listen: &Listen) -> Result<Listener, ServeError> {
    let bound = match listen {
        Listen::Tcp(address) => TcpListener::bind(address).await.map(Socket::Tcp),
        Listen::Unix(path) => {
            bind_unix(path).await.map(|socket| Socket::Unix(socket, path.clone()))
        }
    };
    bound.map(Listener).map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "something else listens there; stop it, or choose another with --listen".into()
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

/// What is done beside the requests: writing down uses of sessions, sweeping expired ones.
async fn chores(app: App) {
    for round in 0u32.. {
        tokio::time::sleep(WRITE_EVERY).await;
        if let Err(error) = sessions::write_touched(&app).await {
            tracing::warn!(%error, "uses of sessions were not written down; trying again");
        }
        if let Err(error) = grants::record_ends(&app).await {
            tracing::warn!(%error, "ended grants were not recorded; trying again");
        }
        if let Err(error) = app.keys.follow(&app.db).await {
            tracing::warn!(%error, "could not see which keys are in use; trying again");
        }
        if round % SWEEP_EVERY != 0 || !is_sweeper(&app).await {
            continue;
        }
        if let Err(error) = sessions::sweep(&app).await {
            tracing::warn!(%error, "expired sessions were not swept; trying again");
        }
        if let Err(error) = throttle::sweep(&app).await {
            tracing::warn!(%error, "old failed tries were not swept; trying again");
        }
    }
}

/// Whether this is the node that sweeps. Without an answer nobody does, until the next time.
async fn is_sweeper(app: &App) -> bool {
    let now = app.pen.clock.now_ms();
    let lease = leases::take_alone(&app.db, leases::SWEEP, &app.node, now, SWEEP_LEASE_MS);
    lease.await.unwrap_or_else(|error| {
        tracing::warn!(%error, "could not ask who sweeps; trying again");
        false
    })
}

/// Seals audit records beside the requests, so that none waits for the chain.
async fn sealing(app: App) {
    let mut ticks = tokio::time::interval(SEAL_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut fails = false;
    loop {
        ticks.tick().await;
        let sealed = db::with_patience(SEAL_PATIENCE, trail::seal_as_node(&app)).await;
        match &sealed {
            Err(error) if !fails => {
                tracing::warn!(%error, "audit records were not sealed; trying again");
            }
            Ok(_) if fails => tracing::info!("audit records are sealed again"),
            _ => {}
        }
        fails = sealed.is_err();
    }
}

/// Sees what other processes changed of who may do what. Without an answer nothing is remembered
/// any more, and each request asks the database itself.
async fn following(app: App) {
    let mut ticks = tokio::time::interval(FOLLOW_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut fails = false;
    loop {
        ticks.tick().await;
        let followed = db::with_patience(FOLLOW_PATIENCE, app.db.follow_revision()).await;
        if let (Err(error), false) = (&followed, fails) {
            tracing::warn!(%error, "the revision was not answered; trying again");
        }
        fails = followed.is_err();
    }
}
