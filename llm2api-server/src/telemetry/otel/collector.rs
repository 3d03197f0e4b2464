//! The collector of traces, over the client that upstreams are called with too.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use llm2api_core::ErrorKind;
use llm2api_core::http::{Posted, Poster};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{
    ExporterBuildError, Protocol, RetryPolicy, SpanExporter, WithExportConfig, WithHttpConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanExporter as _};

use super::export::{Collect, Refusal};
use crate::config::TraceConfig;
use crate::telemetry::TraceError;

/// One batch, from the connection to the answer.
const LIMIT: Duration = Duration::from_secs(10);

/// The collector that the settings name.
#[derive(Debug)]
pub(super) struct Collector {
    exporter: SpanExporter,
    line: Line,
}

impl Collector {
    /// Gets ready to send; nobody is called yet.
    pub(super) fn new(config: &TraceConfig) -> Result<Self, TraceError> {
        let url = format!("{}/v1/traces", config.endpoint);
        let poster = Poster::new(&url, LIMIT).map_err(TraceError::from)?;
        let line = Line { poster, refusal: Arc::default() };
        let refused = |error: ExporterBuildError| TraceError::from(error);
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(line.clone())
            .with_endpoint(url)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(LIMIT)
            // Its pauses would hold up a thread that others need.
            .with_retry_policy(RetryPolicy::disabled());
        let mut exporter = exporter.build().map_err(refused)?;
        exporter.set_resource(&resource(config));
        Ok(Self { exporter, line })
    }
}

impl Collect for Collector {
    async fn collect(&self, spans: Vec<SpanData>) -> Result<(), Refusal> {
        match self.exporter.export(spans).await {
            Ok(()) => Ok(()),
            // What the exporter says of it leaves out what the operator has to know.
            Err(error) => Err(self
                .line
                .refusal()
                .unwrap_or_else(|| Refusal { reason: error.to_string(), may_pass: false })),
        }
    }
}

/// Who sends the traces. `OTEL_RESOURCE_ATTRIBUTES` adds to it, as the specification wants it.
fn resource(config: &TraceConfig) -> Resource {
    Resource::builder()
        .with_service_name(config.service_name.clone())
        .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build()
}

/// The way to the collector, and why the last batch did not get through.
#[derive(Clone, Debug)]
struct Line {
    poster: Poster,
    refusal: Arc<Mutex<Option<Refusal>>>,
}

impl Line {
    fn refusal(&self) -> Option<Refusal> {
        self.refusal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, refusal: Option<Refusal>) {
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = refusal;
    }
}

#[async_trait]
impl HttpClient for Line {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (head, body) = request.into_parts();
        let headers = head.headers.iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let posted = self.poster.post(headers, body).await;
        self.note(refusal_of(&posted));
        let Posted { status, body, .. } = posted?;
        Ok(Response::builder().status(status).body(body)?)
    }
}

/// Says what is wrong with an answer, and whether to try again may help.
fn refusal_of(posted: &llm2api_core::Result<Posted>) -> Option<Refusal> {
    let (reason, may_pass) = match posted {
        Ok(Posted { status: 200..=299, .. }) => return None,
        Ok(Posted { status, .. }) => {
            (format!("it answered {status}"), matches!(status, 429 | 502..=504))
        }
        Err(error) => match error.kind() {
            ErrorKind::Connect => ("it cannot be reached".to_owned(), true),
            ErrorKind::Timeout => ("it did not answer in time".to_owned(), true),
            ErrorKind::ConnectionReset => ("it closed the connection".to_owned(), true),
            _ => ("its answer is not HTTP".to_owned(), false),
        },
    };
    Some(Refusal { reason, may_pass })
}
