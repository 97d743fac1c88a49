//! A collector of traces on a port of this machine, which keeps what it is sent.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU16, Ordering},
    },
    thread::JoinHandle,
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::{ResourceSpans, Span},
};
use prost::Message;

pub struct Collector {
    port: u16,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    batches: Mutex<Vec<Vec<u8>>>,
    status: AtomicU16,
    has_ended: AtomicBool,
}

/// In place of a status: takes requests, and answers none.
const SILENT: u16 = 0;

impl Collector {
    pub fn start() -> Self {
        Self::answering(200)
    }

    pub fn silent() -> Self {
        Self::answering(SILENT)
    }

    fn answering(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared { status: status.into(), ..Shared::default() });
        let served = shared.clone();
        let thread = std::thread::spawn(move || served.serve(&listener));
        Self { port, shared, thread: Some(thread) }
    }

    /// What `otlp_endpoint` is for it.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on it answers with this status.
    pub fn answer(&self, status: u16) {
        self.shared.status.store(status, Ordering::SeqCst);
    }

    /// The bodies of all requests so far.
    pub fn batches(&self) -> Vec<Vec<u8>> {
        self.shared.batches.lock().unwrap().clone()
    }

    pub fn resources(&self) -> Vec<ResourceSpans> {
        let decode = |batch: Vec<u8>| ExportTraceServiceRequest::decode(&*batch).expect("OTLP");
        self.batches().into_iter().flat_map(|batch| decode(batch).resource_spans).collect()
    }

    pub fn spans(&self) -> Vec<Span> {
        let scopes = self.resources().into_iter().flat_map(|resource| resource.scope_spans);
        scopes.flat_map(|scope| scope.spans).collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.shared.has_ended.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn serve(&self, listener: &TcpListener) {
        let mut unanswered = Vec::new();
        for stream in listener.incoming() {
            if self.has_ended.load(Ordering::SeqCst) {
                return;
            }
            let mut stream = stream.unwrap();
            let Some(batch) = read(&stream) else { continue };
            self.batches.lock().unwrap().push(batch);
            match self.status.load(Ordering::SeqCst) {
                SILENT => unanswered.push(stream),
                status => {
                    let answer = format!("HTTP/1.1 {status} \r\nContent-Length: 0\r\n\r\n");
                    let _ = stream.write_all(answer.as_bytes());
                }
            }
        }
    }
}

/// The body of a request; `None` when it is cut off.
fn read(stream: &TcpStream) -> Option<Vec<u8>> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_ascii_lowercase()),
        }
    }
    assert_eq!(lines.first()?, "post /v1/traces http/1.1");
    assert!(lines.contains(&"content-type: application/x-protobuf".into()), "{lines:?}");
    let length = lines.iter().find_map(|line| line.strip_prefix("content-length: "))?;
    let mut body = vec![0; length.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    Some(body)
}

/// Attributes as `name=value`, in the order of names.
pub fn attributes(found: &[KeyValue]) -> Vec<String> {
    let written = |one: &KeyValue| match one.value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => format!("{}={text}", one.key),
        Some(Value::IntValue(number)) => format!("{}={number}", one.key),
        other => panic!("{}: {other:?}", one.key),
    };
    let mut all: Vec<_> = found.iter().map(written).collect();
    all.sort();
    all
}
