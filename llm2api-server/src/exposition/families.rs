//! Writes families of samples, one after the other.

use std::borrow::Cow;
use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;

use super::buckets::Buckets;
use super::names::Name;

/// The labels of a sample, in order.
pub(super) type Labels<'a> = Vec<(&'static str, Cow<'a, str>)>;

/// No call is singled out: an exemplar would need a trace.
const NO_EXEMPLAR: Option<&Exemplar<NoLabelSet, f64>> = None;

/// The text that is being written.
pub(super) struct Families<'a> {
    encoder: DescriptorEncoder<'a>,
}

impl<'a> Families<'a> {
    pub(super) fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self { encoder }
    }

    /// Writes a family of counters.
    pub(super) fn counters<'r>(
        &mut self,
        name: &'static Name,
        samples: impl IntoIterator<Item = (Labels<'r>, u64)>,
    ) -> fmt::Result {
        self.family(name, MetricType::Counter, samples, |mut encoder, value| {
            encoder.encode_counter(&value, NO_EXEMPLAR)
        })
    }

    /// Writes one counter of seconds.
    pub(super) fn seconds(&mut self, name: &'static Name, seconds: f64) -> fmt::Result {
        let sample = [(Labels::new(), seconds)];
        self.family(name, MetricType::Counter, sample, |mut encoder, value| {
            encoder.encode_counter(&value, NO_EXEMPLAR)
        })
    }

    /// Writes a family of gauges.
    pub(super) fn gauges<'r, V: EncodeGaugeValue>(
        &mut self,
        name: &'static Name,
        samples: impl IntoIterator<Item = (Labels<'r>, V)>,
    ) -> fmt::Result {
        self.family(name, MetricType::Gauge, samples, |mut encoder, value| {
            encoder.encode_gauge(&value)
        })
    }

    /// Writes one gauge.
    pub(super) fn gauge(
        &mut self,
        name: &'static Name,
        value: impl EncodeGaugeValue,
    ) -> fmt::Result {
        self.gauges(name, [(Labels::new(), value)])
    }

    /// Writes a family of histograms.
    pub(super) fn histograms<'r>(
        &mut self,
        name: &'static Name,
        samples: impl IntoIterator<Item = (Labels<'r>, Buckets)>,
    ) -> fmt::Result {
        self.family(name, MetricType::Histogram, samples, |mut encoder, buckets| {
            let Buckets { sum, counts } = buckets;
            let count = counts.iter().map(|(_, count)| count).sum();
            encoder.encode_histogram::<NoLabelSet>(sum, count, &counts, None)
        })
    }

    /// Writes what has no value but its labels.
    pub(super) fn info(&mut self, name: &'static Name, labels: &Labels<'_>) -> fmt::Result {
        self.descriptor(name, MetricType::Info)?.encode_info(labels)
    }

    fn family<'r, V>(
        &mut self,
        name: &'static Name,
        kind: MetricType,
        samples: impl IntoIterator<Item = (Labels<'r>, V)>,
        write: impl Fn(MetricEncoder<'_>, V) -> fmt::Result,
    ) -> fmt::Result {
        let mut encoder = self.descriptor(name, kind)?;
        for (labels, value) in samples {
            // An empty pair of braces would be right, and odd.
            match labels.is_empty() {
                true => return write(encoder, value),
                false => write(encoder.encode_family(&labels)?, value)?,
            }
        }
        Ok(())
    }

    fn descriptor(
        &mut self,
        name: &'static Name,
        kind: MetricType,
    ) -> Result<MetricEncoder<'_>, fmt::Error> {
        self.encoder.encode_descriptor(name.stem, name.help, name.unit.as_ref(), kind)
    }
}
