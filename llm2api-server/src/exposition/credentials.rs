//! Families of the credentials and their upstreams.

use std::collections::HashMap;
use std::fmt;

use super::families::Families;
use super::names::ours;
use super::reading::Reading;

/// All states, in the words of `GET /cookies`.
const STATES: [&str; 5] = ["active", "cooling", "half_open", "invalid", "disabled"];

/// Writes them.
pub(super) fn write(reading: &Reading, families: &mut Families<'_>) -> fmt::Result {
    let up = reading
        .census
        .iter()
        .map(|of| (vec![("upstream", (&*of.upstream).into())], u32::from(!of.is_out)));
    families.gauges(&ours::UPSTREAM_UP, up)?;
    let usable =
        reading.census.iter().map(|of| (vec![("upstream", (&*of.upstream).into())], of.usable));
    families.gauges(&ours::USABLE, usable)?;
    write_counts(reading, families)?;
    let states = reading.listed.iter().map(|(of, label)| {
        let labels = vec![
            ("credential_id", of.id.as_str().into()),
            ("credential", label.into()),
            ("upstream", (&*of.upstream).into()),
            ("state", of.state.as_str().into()),
        ];
        (labels, 1_u32)
    });
    families.gauges(&ours::STATE, states)
}

/// Counts by state, zeros too: what goes back to none must be seen to.
fn write_counts(reading: &Reading, families: &mut Families<'_>) -> fmt::Result {
    let mut counts: HashMap<(&str, &str), usize> = HashMap::new();
    for of in &reading.states {
        *counts.entry((&*of.upstream, of.state.as_str())).or_default() += 1;
    }
    let upstreams = reading.open_upstreams();
    let pairs = upstreams.iter().flat_map(|upstream| STATES.map(|state| (*upstream, state)));
    let samples = pairs.map(|(upstream, state)| {
        let count = counts.get(&(upstream, state)).copied().unwrap_or_default();
        (vec![("upstream", upstream.into()), ("state", state.into())], count)
    });
    families.gauges(&ours::STATES, samples)
}
