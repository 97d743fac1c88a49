//! Traces, where `otlp_endpoint` names a collector: a span for each request that the router
//! answers, and below it what that request waited for. Nothing that somebody sent becomes part of
//! one but the ids in the `traceparent` of a trusted proxy, and nothing tells who it was.

mod sender;

use std::{borrow::Cow, panic::Location, time::Duration};

use axum::{http::Method, response::Response};
use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, TextMapPropagator},
    trace::{Span as _, SpanKind, Status, TraceContextExt, Tracer, TracerProvider},
};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, Span},
};

use crate::{config::Endpoint, db::Db};

/// Spans that wait to be sent, of about a kilobyte each.
const QUEUE: usize = 2048;
/// At a graceful stop the collector has so long to take what is left.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);

/// What makes spans and sends them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    /// The database's name among the semantic conventions.
    database: &'static str,
}

/// What is told of a request when it begins.
#[derive(Debug)]
pub struct Asked<'a> {
    pub method: &'a Method,
    /// As the table of routes has it.
    pub route: Option<&'a str>,
    pub scheme: &'static str,
    pub request_id: &'a str,
    /// From whom it is believed (W3C Trace Context).
    pub traceparent: Option<&'a str>,
}

/// The request that is being answered.
#[derive(Clone, Debug)]
pub struct Request {
    traces: Traces,
    context: Context,
}

/// A part of a request; it ends when dropped.
#[derive(Debug)]
pub struct Part {
    span: Span,
    request: Request,
}

tokio::task_local! {
    static CURRENT: Option<Request>;
}

impl Traces {
    /// Sends what ends from here on: in batches, every five seconds, from a thread of its own,
    /// with the runtime that it is called on. What does not fit into its queue is dropped.
    ///
    /// # Errors
    /// When the exporter cannot be made of what the variables of OpenTelemetry say.
    pub fn start(to: &Endpoint, db: &Db, node: &str) -> Result<Self, ExporterBuildError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(to.traces())
            .with_protocol(Protocol::HttpBinary)
            .with_http_client(sender::Sender::here())
            .with_retry_policy(RetryPolicy::disabled())
            .build()?;
        let queue = BatchConfigBuilder::default().with_max_queue_size(QUEUE).build();
        let resource = Resource::builder().with_service_name("rolecall").with_attributes([
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", node.to_owned()),
        ]);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(
                BatchSpanProcessor::builder(exporter).with_batch_config(queue).build(),
            )
            .with_resource(resource.build())
            .build();
        let database = match db.engine() {
            "postgres" => "postgresql",
            engine => engine,
        };
        Ok(Self { tracer: provider.tracer("rolecall"), provider, database })
    }

    /// Begins the span of a request; `None` where it is not sampled.
    pub fn request(&self, asked: &Asked<'_>) -> Option<Request> {
        let method = known(asked.method);
        let mut name = method.unwrap_or("HTTP").to_owned();
        let mut attributes = vec![
            KeyValue::new("http.request.method", method.unwrap_or("_OTHER")),
            KeyValue::new("url.scheme", asked.scheme),
            KeyValue::new("rolecall.request_id", asked.request_id.to_owned()),
        ];
        if let Some(route) = asked.route {
            name = format!("{name} {route}");
            attributes.push(KeyValue::new("http.route", route.to_owned()));
        }
        let builder =
            self.tracer.span_builder(name).with_kind(SpanKind::Server).with_attributes(attributes);
        let parent = Parent(asked.traceparent.unwrap_or_default());
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &parent);
        let span = self.tracer.build_with_context(builder, &parent);
        let is_sampled = span.is_recording();
        is_sampled.then(|| Request { traces: self.clone(), context: parent.with_span(span) })
    }

    /// Sends what is left, as far as the collector takes it soon, and nothing from then on.
    pub async fn stop(&self) {
        let provider = self.provider.clone();
        let stop = move || provider.shutdown_with_timeout(FLUSH_WITHIN);
        if let Ok(Err(error)) = tokio::task::spawn_blocking(stop).await {
            tracing::debug!(%error, "the last traces were not taken");
        }
    }
}

impl Request {
    fn part(&self, name: impl Into<Cow<'static, str>>, kind: SpanKind) -> Part {
        let builder = self.traces.tracer.span_builder(name).with_kind(kind);
        let span = self.traces.tracer.build_with_context(builder, &self.context);
        Part { span, request: self.clone() }
    }
}

impl Part {
    /// Ends it, and begins the next one.
    pub fn then(self, name: &'static str) -> Self {
        let Self { mut span, request } = self;
        span.end();
        request.part(name, SpanKind::Internal)
    }
}

/// Does the work that answers a request, and ends its span, if it has one.
pub async fn answer(request: Option<Request>, work: impl Future<Output = Response>) -> Response {
    let context = request.as_ref().map(|request| request.context.clone());
    let response = CURRENT.scope(request, work).await;
    let Some(context) = context else { return response };
    let (span, status) = (context.span(), response.status());
    span.set_attribute(KeyValue::new("http.response.status_code", i64::from(status.as_u16())));
    if status.is_server_error() {
        span.set_attribute(KeyValue::new("error.type", status.as_str().to_owned()));
        span.set_status(Status::error(""));
    }
    span.end();
    response
}

/// Begins something that the request which is being answered waits for, if that has a span.
fn begin<T>(part: impl FnOnce(&Request) -> T) -> Option<T> {
    CURRENT.try_with(|request| request.as_ref().map(part)).ok().flatten()
}

/// Begins a part of the request that is being answered.
pub fn part(name: &'static str) -> Option<Part> {
    begin(|request| request.part(name, SpanKind::Internal))
}

/// A step of the database, named by the place in our code that asks for it.
pub async fn step<T, E>(
    at: &'static Location<'static>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let begun = begin(|request| {
        let file = at.file().rsplit_once("src/").map_or(at.file(), |(_, file)| file);
        let mut part = request.part(format!("{file}:{}", at.line()), SpanKind::Client);
        part.span.set_attribute(KeyValue::new("db.system.name", request.traces.database));
        part
    });
    let done = work.await;
    if let (Some(mut part), Err(_)) = (begun, &done) {
        part.span.set_status(Status::error(""));
    }
    done
}

/// The word for a method; a client may invent any.
fn known(method: &Method) -> Option<&'static str> {
    let all = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    all.into_iter().find(|one| method == one)
}

/// The header `traceparent` and no other: `tracestate` may hold anything.
struct Parent<'a>(&'a str);

impl Extractor for Parent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == "traceparent").then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent"]
    }
}
