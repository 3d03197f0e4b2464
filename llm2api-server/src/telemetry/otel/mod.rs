//! Traces, on their way to a collector: OTLP over HTTP, in batches, beside the requests.

mod collector;
mod export;
mod spans;

pub(crate) use export::{Export, Outlet};

use self::collector::Collector;
use crate::config::TraceConfig;
use crate::telemetry::TraceError;

/// Opens the way to the collector that the settings name; it is called when there is a trace.
pub(in crate::telemetry) fn open(config: &TraceConfig) -> Result<(Outlet, Export), TraceError> {
    Ok(Export::start(Collector::new(config)?))
}
