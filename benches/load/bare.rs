//! What rolecall is compared with: a route that answers 200 and nothing else, in a process of
//! its own, served with the same limits as rolecall's accept loop.

use std::{net::Ipv4Addr, time::Duration};

use axum::{Router, body::Body, extract::Request, routing::get};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tower::ServiceExt;

use crate::Outcome;

/// Serves until it is killed.
pub fn serve(port: &str) -> Outcome {
    let router = Router::new().route("/bare", get(|| async {}));
    tokio::runtime::Runtime::new()?.block_on(accept(port, router))
}

pub async fn accept(port: &str, router: Router) -> Outcome {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.parse()?)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let router = router.clone();
        let service = hyper::service::service_fn(move |request: Request<Incoming>| {
            router.clone().oneshot(request.map(Body::new))
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(10))
            .max_buf_size(64 * 1024)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(connection);
    }
}
