//! Families of this installation: its answers, its store, its authorisation, its version.

use std::fmt;

use super::families::Families;
use super::names::ours;
use super::reading::Reading;

/// Writes them.
pub(super) fn write(reading: &Reading, families: &mut Families<'_>) -> fmt::Result {
    let responses = reading.responses.iter().map(|(route, status, count)| {
        (vec![("route", (&**route).into()), ("status", status.to_string().into())], *count)
    });
    families.counters(&ours::RESPONSES, responses)?;
    families.gauge(&ours::OUTBOX, reading.outbox)?;
    families.gauge(&ours::STORE_UP, u32::from(reading.store_up))?;
    families.counters(&ours::STORE_FAILURES, [(vec![], reading.totals.store_failures)])?;
    let known = reading.authorisation.as_ref();
    let authorised = known.is_none_or(|known| known.state.serves());
    families.gauge(&ours::AUTHORISED, u32::from(authorised))?;
    let expiry = known.and_then(|known| known.expires_at);
    families.gauges(&ours::EXPIRY, expiry.map(|expiry| (vec![], expiry)))?;
    let version = vec![("version", env!("CARGO_PKG_VERSION").into())];
    families.info(&ours::BUILD, &version)
}
