//! A collector of traces, and what it was told.

use std::collections::BTreeMap;

use llm2api_tests::{Options, Received, Script, Simulator};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, Span};
use prost::Message;
use serde_json::{Value, json};

/// Where traces are posted to.
const PATH: &str = "/v1/traces";
/// More batches than any test makes.
const BATCHES: usize = 100;

/// A collector that takes what comes.
pub(crate) struct Collector {
    pub(crate) simulator: Simulator,
}

/// A span as it was told.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) span: Span,
    pub(crate) attributes: BTreeMap<String, Value>,
    pub(crate) resource: BTreeMap<String, Value>,
}

impl Collector {
    pub(crate) async fn start() -> Self {
        let simulator = Simulator::start(Options::default()).await.expect("the simulator listens");
        for _ in 0..BATCHES {
            simulator.script_path(PATH, Script::text(200, ""));
        }
        Self { simulator }
    }

    /// The value of the setting.
    pub(crate) fn url(&self) -> String {
        self.simulator.url()
    }

    /// The bodies that came, as bytes.
    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        let requests = self.simulator.log().requests;
        let posts = requests.into_iter().filter(|one| one.method == "POST" && one.path == PATH);
        posts.inspect(is_protobuf).map(|one| one.body).collect()
    }

    /// The spans that came so far.
    pub(crate) fn spans(&self) -> Vec<Told> {
        let bodies = self.bodies();
        let read = |body: &Vec<u8>| {
            let request = ExportTraceServiceRequest::decode(&body[..]).expect("OTLP");
            request.resource_spans.into_iter().flat_map(told).collect::<Vec<_>>()
        };
        bodies.iter().flat_map(read).collect()
    }

    /// Waits until there are so many spans.
    pub(crate) async fn wait(&self, count: usize) -> Vec<Told> {
        self.simulator.wait_for(|_| self.spans().len() >= count).await;
        let spans = self.spans();
        let names: Vec<_> = spans.iter().map(|told| &told.span.name).collect();
        assert_eq!(names.len(), count, "{names:?}");
        spans
    }
}

fn is_protobuf(request: &Received) {
    assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
}

fn told(of: ResourceSpans) -> Vec<Told> {
    let resource = read(of.resource.expect("every batch says whose it is").attributes);
    let spans = of.scope_spans.into_iter().flat_map(|scope| scope.spans);
    let told = |span: Span| Told {
        attributes: read(span.attributes.clone()),
        resource: resource.clone(),
        span,
    };
    spans.map(told).collect()
}

fn read(attributes: Vec<KeyValue>) -> BTreeMap<String, Value> {
    let value = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(Any::StringValue(text)) => json!(text),
        Some(Any::IntValue(number)) => json!(number),
        Some(Any::BoolValue(yes)) => json!(yes),
        other => panic!("no attribute of ours has such a value: {other:?}"),
    };
    attributes.into_iter().map(|pair| (pair.key, value(pair.value))).collect()
}

impl Told {
    pub(crate) fn trace_id(&self) -> String {
        hex(&self.span.trace_id)
    }

    pub(crate) fn id(&self) -> String {
        hex(&self.span.span_id)
    }

    pub(crate) fn parent(&self) -> String {
        hex(&self.span.parent_span_id)
    }

    /// Code and text of its status.
    pub(crate) fn status(&self) -> (i32, &str) {
        self.span.status.as_ref().map_or((0, ""), |status| (status.code, &status.message))
    }
}

fn hex(bytes: &[u8]) -> String {
    let digits = |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
    bytes.iter().flat_map(digits).flatten().collect()
}
