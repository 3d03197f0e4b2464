//! The sentences that say how the authorisation stands.

use jiff::Timestamp;

use super::gate::Access;
use super::standing::{Moment, Standing, Terms};
use super::status::AuthState;

/// Says why a code is not verified; what this says is fit for everybody.
pub(super) fn message(standing: &Standing, terms: Terms, now: Moment) -> Option<String> {
    let state = standing.state(terms, now);
    let away = standing.away().filter(|(_, reason)| !reason.is_empty());
    match (state, away) {
        (AuthState::Verified, _) => None,
        (AuthState::Grace, Some((since, reason))) => Some(format!(
            "the authority cannot be reached since {} ({reason}): its last good answer counts until \
             {}",
            date(since),
            date(end_of_grace(standing, since, terms)),
        )),
        (AuthState::Unverified, Some((since, reason))) => Some(format!(
            "the authority cannot be reached since {} ({reason}): it is asked again every 10 s",
            date(since)
        )),
        (AuthState::Grace | AuthState::Unverified, None) => {
            Some("the authority was not asked yet".to_owned())
        }
        (AuthState::Denied | AuthState::Expired, _) => {
            Some(format!("the authorisation code is refused: {}", refusal(standing)))
        }
    }
}

/// Opens the gate, or says why it is closed.
pub(super) fn access(standing: &Standing, terms: Terms, now: Moment) -> Access {
    match standing.state(terms, now) {
        AuthState::Verified | AuthState::Grace => Access::Open,
        AuthState::Denied => Access::Denied(refusal(standing).into()),
        AuthState::Expired => Access::Expired(refusal(standing).into()),
        AuthState::Unverified => match (standing.grant(), standing.away()) {
            (Some(_), Some((since, _))) => Access::Away(date(since).into()),
            _ => Access::Unverified,
        },
    }
}

/// Says why a code is refused.
pub(super) fn refusal(standing: &Standing) -> String {
    let expires = standing.grant().and_then(|grant| grant.expires_at);
    match (standing.denial(), expires) {
        (Some(denial), _) => denial.reason.clone(),
        (None, Some(expires)) => format!("it has expired on {}: ask for a new one", date(expires)),
        (None, None) => "it has expired: ask for a new one".to_owned(),
    }
}

/// The grace ends with the code at the latest.
fn end_of_grace(standing: &Standing, since: u64, terms: Terms) -> u64 {
    let end = since.saturating_add(terms.grace.as_secs());
    let expires = standing.grant().and_then(|grant| grant.expires_at);
    expires.map_or(end, |expires| expires.min(end))
}

/// Writes a date for people and programs; one beyond all calendars as its number.
fn date(seconds: u64) -> String {
    let known = i64::try_from(seconds).ok().and_then(|date| Timestamp::from_second(date).ok());
    known.map_or_else(|| seconds.to_string(), |date| date.to_string())
}
