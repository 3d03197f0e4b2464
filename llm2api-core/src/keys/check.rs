//! What a key may be called, and which figures make sense.

use super::model::{KeyChange, NewKey};
use super::record::KeyRecord;
use crate::error::{Error, ErrorKind, Result};
use crate::quota::Allowance;

/// Longest label, in characters.
const LONGEST_LABEL: usize = 100;
const MOST_MODELS: usize = 100;
const LONGEST_MODEL: usize = 256;
/// The last second of the year 9999: later ones are milliseconds by mistake.
const LAST_DATE: u64 = 253_402_300_799;

const NO_MODEL: &str = "name at least one model, or leave `models` out (null) for all";

/// Puts what is asked into a fresh record, if it makes sense.
pub(super) fn fill(record: &mut KeyRecord, new: NewKey, now: u64) -> Result<()> {
    let NewKey { label, expires_at, life, models, allowance } = new;
    if expires_at.is_some() && life.is_some() {
        return Err(invalid("expires_at", "say once when the key ends"));
    }
    let end = life.map(|life| now.saturating_add(life.as_secs()));
    record.label = label.map(check_label).transpose()?;
    record.expires_at = expires_at.or(end).map(|end| check_end(end, now)).transpose()?;
    record.models = check_models(models)?;
    record.allowance = check_allowance(allowance)?;
    Ok(())
}

/// Changes a record, if what is asked makes sense.
pub(super) fn change(record: &mut KeyRecord, change: KeyChange, now: u64) -> Result<()> {
    let KeyChange { label, expires_at, models, .. } = change;
    if let Some(label) = label.value() {
        check_label(label.clone())?;
    }
    if let Some(end) = expires_at.value() {
        check_end(*end, now)?;
    }
    label.apply(&mut record.label);
    expires_at.apply(&mut record.expires_at);
    if models.value().is_some_and(Vec::is_empty) {
        // It would allow everything where somebody meant nothing.
        return Err(invalid("models", NO_MODEL));
    }
    if !models.is_keep() {
        record.models = check_models(models.value().cloned().unwrap_or_default())?;
    }
    let mut allowance = record.allowance;
    change.requests_per_minute.apply(&mut allowance.requests_per_minute);
    change.tokens_per_day.apply(&mut allowance.tokens_per_day);
    change.concurrency.apply(&mut allowance.concurrency);
    record.allowance = check_allowance(allowance)?;
    Ok(())
}

/// Labels stand in lists and logs.
fn check_label(label: String) -> Result<String> {
    let fits = (1..=LONGEST_LABEL).contains(&label.chars().count());
    if fits && !label.chars().any(char::is_control) && !label.trim().is_empty() {
        return Ok(label);
    }
    Err(invalid("label", "write 1 to 100 characters, none of them a control"))
}

fn check_end(end: u64, now: u64) -> Result<u64> {
    match end {
        end if end <= now => Err(invalid("expires_at", "write a time to come, or revoke the key")),
        end if end > LAST_DATE => Err(invalid("expires_at", "write seconds since 1970")),
        end => Ok(end),
    }
}

fn check_models(models: Vec<String>) -> Result<Vec<String>> {
    if models.len() > MOST_MODELS {
        return Err(invalid("models", "list at most 100: a `*` at the end stands for many"));
    }
    let fits = |model: &String| {
        let name = model.strip_suffix('*').unwrap_or(model);
        let plain = !name.contains('*') && !name.chars().any(|c| c.is_control() || c == ' ');
        (1..=LONGEST_MODEL).contains(&model.len()) && plain
    };
    match models.iter().all(fits) {
        true => Ok(models),
        false => Err(invalid(
            "models",
            "write names as in requests, of 1 to 256 bytes without blanks; `*` stands at the end \
             only",
        )),
    }
}

fn check_allowance(allowance: Allowance) -> Result<Allowance> {
    let figures = [
        ("requests_per_minute", allowance.requests_per_minute.map(u64::from)),
        ("tokens_per_day", allowance.tokens_per_day),
        ("concurrency", allowance.concurrency.map(u64::from)),
    ];
    match figures.into_iter().find(|(_, figure)| *figure == Some(0)) {
        Some((name, _)) => Err(invalid(name, "write a whole number of at least 1")),
        None => Ok(allowance),
    }
}

fn invalid(param: &'static str, message: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, "keep key", message)
        .with_code("invalid_value")
        .with_param(param)
}
