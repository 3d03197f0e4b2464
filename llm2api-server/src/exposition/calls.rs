//! Families of what was asked and answered.

use std::collections::BTreeMap;
use std::fmt;

use llm2api_core::{ErrorKind, HistogramSnapshot, TallySnapshot, Tokens};

use super::buckets::{Buckets, CALLS_US, OVERHEAD_US};
use super::families::{Families, Labels};
use super::names::ours;
use super::reading::Reading;

/// Writes them.
pub(super) fn write(reading: &Reading, families: &mut Families<'_>) -> fmt::Result {
    let models = || reading.models.iter();
    let requests = models().flat_map(|(model, tally)| outcomes("model", model, tally));
    families.counters(&ours::REQUESTS, requests)?;
    families.histograms(&ours::DURATION, by_model(reading, |tally| &tally.duration))?;
    families.histograms(&ours::FIRST_TOKEN, by_model(reading, |tally| &tally.first_content))?;
    let overhead = Buckets::of_durations(&reading.totals.overhead, &OVERHEAD_US);
    families.histograms(&ours::OVERHEAD, [(Labels::new(), overhead)])?;
    families.counters(&ours::TOKENS, models().flat_map(|(model, tally)| tokens(model, tally)))?;
    families.gauge(&ours::IN_FLIGHT, reading.totals.in_flight())?;
    families.gauge(&ours::STREAMS, reading.totals.streams)?;
    let retries = by_code(&reading.retries).into_iter();
    let retries = retries.map(|(code, count)| (vec![("reason", code.into())], count));
    families.counters(&ours::RETRIES, retries)?;
    let upstreams = reading.upstreams.iter();
    let attempts = upstreams.flat_map(|(name, tally)| outcomes("upstream", name, tally));
    families.counters(&ours::ATTEMPTS, attempts)
}

/// Adds up the kinds of error that have one code.
fn by_code(retries: &[(ErrorKind, u64)]) -> BTreeMap<&'static str, u64> {
    let mut sums = BTreeMap::new();
    retries.iter().for_each(|(kind, count)| *sums.entry(kind.code()).or_default() += count);
    sums
}

/// One histogram a model; one that nobody has asked has counters, but no histograms: those are long.
fn by_model(
    reading: &Reading,
    of: fn(&TallySnapshot) -> &HistogramSnapshot,
) -> impl Iterator<Item = (Labels<'_>, Buckets)> {
    let models = reading.models.iter();
    let told = models.filter(|(model, tally)| tally.requests > 0 || *model == "other");
    told.map(move |(model, tally)| {
        let labels = vec![("model", model.into())];
        (labels, Buckets::of_durations(of(tally), &CALLS_US))
    })
}

/// One sample an outcome.
fn outcomes<'a>(
    label: &'static str,
    name: &'a str,
    tally: &TallySnapshot,
) -> [(Labels<'a>, u64); 4] {
    let by = [
        ("completed", tally.completed),
        ("cancelled", tally.cancelled),
        ("failed", tally.failed),
        ("refused", tally.refused),
    ];
    by.map(|(outcome, count)| (vec![(label, name.into()), ("outcome", outcome.into())], count))
}

/// One sample a direction and a source.
fn tokens<'a>(model: &'a str, tally: &TallySnapshot) -> [(Labels<'a>, u64); 4] {
    let Tokens { prompt, completion, .. } = tally.given;
    let estimated = tally.estimated;
    let by = [
        ("prompt", "given", prompt),
        ("completion", "given", completion),
        ("prompt", "estimated", estimated.prompt),
        ("completion", "estimated", estimated.completion),
    ];
    by.map(|(direction, source, count)| {
        let labels = vec![
            ("model", model.into()),
            ("direction", direction.into()),
            ("source", source.into()),
        ];
        (labels, count)
    })
}
