//! Posts batches of spans to the collector, in plain HTTP, and says once when it does not take
//! them.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use axum::http::{HeaderValue, Uri, header, uri::PathAndQuery};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use tokio::{net::TcpStream, runtime::Handle};

/// A batch that is not taken within this is dropped.
const SEND_WITHIN: Duration = Duration::from_secs(10);
/// More than a collector has to say.
const ANSWER_BYTES: usize = 64 * 1024;

#[derive(Debug)]
pub struct Sender {
    /// The thread that sends has no reactor of its own.
    runtime: Handle,
    is_refused: AtomicBool,
}

impl Sender {
    /// Sends on the runtime that this is called on.
    pub fn here() -> Self {
        Self { runtime: Handle::current(), is_refused: AtomicBool::new(false) }
    }

    /// Only a change is worth a line: with the collector away, each batch fails.
    fn tell(&self, refused: Option<String>) {
        let was_refused = self.is_refused.swap(refused.is_some(), Ordering::Relaxed);
        match (was_refused, refused) {
            (false, Some(reason)) => {
                tracing::warn!(reason, "the collector takes no traces; they are dropped");
            }
            (true, None) => tracing::info!("the collector takes traces again"),
            _ => {}
        }
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // A timer is made where the runtime is, so within what is spawned.
        let posting = async { tokio::time::timeout(SEND_WITHIN, post(request)).await };
        let answer = match self.runtime.spawn(posting).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err("no answer".into()),
            // The runtime is gone, and with it the program.
            Err(ended) => return Err(ended.into()),
        };
        self.tell(match &answer {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(answer.status().to_string()),
            Err(error) => Some(error.to_string()),
        });
        answer
    }
}

/// One request, on a connection of its own.
async fn post(mut request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let uri = std::mem::take(request.uri_mut());
    let authority = uri.authority().ok_or("an address without host")?;
    let host = authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, authority.port_u16().unwrap_or(80))).await?;
    request.headers_mut().insert(header::HOST, HeaderValue::try_from(authority.as_str())?);
    let path = uri.path_and_query().cloned();
    *request.uri_mut() = Uri::from(path.unwrap_or_else(|| PathAndQuery::from_static("/")));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // It ends with the sender.
    tokio::spawn(connection);
    let (parts, body) = sender.send_request(request.map(Full::new)).await?.into_parts();
    let body = Limited::new(body, ANSWER_BYTES).collect().await?;
    Ok(Response::from_parts(parts, body.to_bytes()))
}
