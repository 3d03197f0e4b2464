//! The names of OpenTelemetry's semantic conventions for generative AI, in the form that OpenTelemetry
//! gives them in Prometheus: dots become underlines, a unit of seconds stands behind the name, and a
//! unit in braces is left out.
//!
//! Source: open-telemetry/semantic-conventions-genai, docs/gen-ai/gen-ai-metrics.md (development).
//! Where this server departs from it: durations of calls that have failed are among the others,
//! without `error.type`; times to the first token have the buckets of durations; tokens that nobody
//! has counted are left out, as the conventions demand.

use std::fmt;

use prometheus_client::registry::Unit;

use super::buckets::{Buckets, CALLS_US};
use super::families::{Families, Labels};
use super::names::Name;
use super::reading::Reading;

pub(super) static DURATION: Name = Name {
    stem: "gen_ai_client_operation_duration",
    unit: Some(Unit::Seconds),
    help: "GenAI operation duration.",
};
pub(super) static FIRST_TOKEN: Name = Name {
    stem: "gen_ai_server_time_to_first_token",
    unit: Some(Unit::Seconds),
    help: "Time to generate first token for successful responses.",
};
pub(super) static USAGE: Name = Name {
    stem: "gen_ai_client_token_usage",
    unit: None,
    help: "Number of input and output tokens used.",
};

pub(super) const OPERATION: &str = "gen_ai_operation_name";
pub(super) const PROVIDER: &str = "gen_ai_provider_name";
pub(super) const MODEL: &str = "gen_ai_request_model";
pub(super) const TOKEN_TYPE: &str = "gen_ai_token_type";

/// Writes them: of models that were asked.
pub(super) fn write(reading: &Reading, families: &mut Families<'_>) -> fmt::Result {
    let asked = || reading.models.iter().filter(|(_, tally)| tally.requests > 0);
    let durations = asked()
        .map(|(model, tally)| (labels(model), Buckets::of_durations(&tally.duration, &CALLS_US)));
    families.histograms(&DURATION, durations)?;
    let first = asked().map(|(model, tally)| {
        (labels(model), Buckets::of_durations(&tally.first_content, &CALLS_US))
    });
    families.histograms(&FIRST_TOKEN, first)?;
    let usage = reading.usage.iter().flat_map(|(model, usage)| {
        [("input", &usage.prompt), ("output", &usage.completion)].map(|(kind, sizes)| {
            let mut labels = labels(model);
            labels.push((TOKEN_TYPE, kind.into()));
            (labels, Buckets::of_tokens(sizes))
        })
    });
    families.histograms(&USAGE, usage)
}

/// The provider is this gateway: which upstream stands behind a model may differ from call to call,
/// and none of the well-known names is its name.
fn labels(model: &str) -> Labels<'_> {
    vec![(OPERATION, "chat".into()), (PROVIDER, "llm2api".into()), (MODEL, model.into())]
}
