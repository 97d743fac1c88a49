//! The accept loop, and what is done with a connection: limits of number and time and a graceful
//! stop, which `axum::serve` does not have.

mod chores;
mod connections;
mod listener;
mod pulse;
mod watched;

use std::{io, net::IpAddr, pin::pin, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, header},
    response::Response,
};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::sync::OwnedSemaphorePermit;

pub use self::{
    chores::Chores,
    listener::{Listener, ServeError, listen, listen_for_metrics},
};
use self::{
    connections::{Connections, Place},
    listener::Stream,
    pulse::Pulse,
    watched::{Watched, WatchedBody},
};
use super::{Peer, Service, limits};
use crate::app::App;

/// Requests in flight get this long to finish after the signal to stop.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// Whoever connected just before the signal is still let in.
const LAST_CALL: Duration = Duration::from_millis(50);
/// But not more than this.
const LAST_CALLERS: usize = 1024;
/// After the signal a connection is kept so long for a request that may be on its way.
const LINGER: Duration = Duration::from_millis(500);

/// Serves until `stop` is done, then lets requests in flight finish.
pub async fn serve(app: App, listener: Listener, stop: impl Future<Output = ()>) {
    let connections = Connections::new(&app.settings);
    let service = Service::new(app.clone());
    let chores = Chores::begin(&app);
    let closing = tokio::spawn(connections.clone().close_late());
    let mut stop = pin!(async {
        stop.await;
        app.leave();
        if let Some(drain) = app.settings.drain_for {
            tokio::time::sleep(drain.unsigned_abs()).await;
        }
        connections.stop();
        tokio::time::sleep(LAST_CALL).await;
    });
    let mut late = 0;
    while late < LAST_CALLERS {
        late += usize::from(connections.is_stopping());
        let accepted = tokio::select! {
            biased;
            accepted = accept(&listener, &connections) => accepted,
            () = &mut stop => break,
        };
        let (slot, stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors, most likely: wait for some to come back.
                tracing::warn!(%error, "cannot accept a connection");
                connections.make_room();
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let exempt = app.settings.trusts(peer);
        let service = service.clone();
        connections.begin(slot, peer.filter(|_| !exempt), |place| {
            connection(stream, Peer(peer), service, place)
        });
    }
    drop(listener);
    if tokio::time::timeout(STOP_WITHIN, connections.ended()).await.is_err() {
        tracing::warn!("stopped before every request was answered");
    }
    closing.abort();
    chores.finish().await;
}

async fn accept(
    listener: &Listener,
    connections: &Connections,
) -> io::Result<(OwnedSemaphorePermit, Box<dyn Stream>, Option<IpAddr>)> {
    let slot = connections.room().await;
    let (stream, peer) = listener.accept().await?;
    Ok((slot, stream, peer))
}

/// Serves one connection to its end.
async fn connection(stream: Box<dyn Stream>, peer: Peer, service: Service, place: Place) {
    let stream = TokioIo::new(Watched::new(stream, place.pulse.clone()));
    let (pulse, stop) = (&place.pulse, &place);
    let service = hyper::service::service_fn(async |request| {
        let mut response = answer(pulse, peer, &service, request).await?;
        if stop.is_stopping() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok::<_, io::Error>(response)
    });
    // At most 100 headers: that limit is the one that costs nothing, since it is hyper's own.
    let connection = hyper::server::conn::http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(limits::HEAD_BYTES)
        .serve_connection(stream, service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = lingered(&place) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "connection ended early");
    }
}

async fn answer(
    pulse: &Arc<Pulse>,
    peer: Peer,
    service: &Service,
    request: Request<Incoming>,
) -> io::Result<Response> {
    if !pulse.begin() {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    let response = service.answer(request, |request| {
        let mut request = request.map(|body| Body::new(WatchedBody { body, pulse: pulse.clone() }));
        request.extensions_mut().insert(peer);
        request
    });
    let response = response.await;
    pulse.done();
    Ok(response)
}

/// After the signal to stop, whatever was on its way has arrived.
async fn lingered(place: &Place) {
    place.stopped().await;
    tokio::time::sleep(LINGER).await;
}
