//! `POST /cookies/import`.

use std::sync::Arc;

use llm2api_core::accounts::{Added, NewAccount};
use llm2api_core::credential::exchange::{self, Found};
use poem::{Request, Response};
use serde::Deserialize;

use super::request::{LONGEST_LABEL, NewCookie, SecretText, format, label, parse, weight};
use super::wire::{Outcome, Report, Told};
use crate::admin::Places;
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::routes::body;
use crate::state::State;

const DUPLICATE: &str = "duplicate_cookie";

/// A text in one of the exchange formats, or a list; our own export may be sent as it is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Import {
    text: Option<SecretText>,
    format: Option<String>,
    upstream: Option<String>,
    label: Option<String>,
    #[serde(alias = "accounts")]
    cookies: Option<Vec<NewCookie>>,
    version: Option<u64>,
}

type Entries = Vec<Result<NewAccount, Failure>>;

/// Adds many accounts; each is checked as a single one would be, and a bad one stops no other.
pub(in crate::routes) async fn import(
    state: Arc<State>,
    mut request: Request,
) -> Result<Response, Failure> {
    let body = body::read_for_operator(usize::MAX, &mut request, &state.door).await?;
    let entries = parse::<Import>(&body)?.entries(&state.door.live.now().places)?;
    // The text is not needed any more; what was found in it counts on.
    let _charge = body.into_charge();
    let results = add_all(&state, entries).await;
    Ok(answer::json(&report(&results)))
}

impl Import {
    fn entries(self, places: &Places) -> Result<Entries, Failure> {
        if self.version.is_some_and(|version| version != 1) {
            return Err(Failure::invalid_value("version", "this server reads version 1"));
        }
        match (self.text, self.cookies) {
            (Some(text), None) => {
                let format = format(self.format.as_deref())?;
                let found = exchange::read(text.0.expose(), format).map_err(Failure::from)?;
                let label = self.label.map(label).transpose()?;
                from_text(found, self.upstream.as_deref(), label.as_deref(), places)
            }
            (None, Some(cookies)) if self.upstream.is_none() && self.label.is_none() => {
                Ok(cookies.into_iter().map(NewCookie::into_account).collect())
            }
            (None, Some(_)) => {
                Err(Failure::invalid_value("cookies", "say `upstream` and `label` in each of them"))
            }
            _ => Err(Failure::invalid_value("text", "give one of `text` and `cookies`")),
        }
    }
}

/// Turns what was found into accounts. Cookies of a domain go to the upstream at that domain and to
/// no other, unless the operator names one: a browser's export holds the cookies of all its sites.
fn from_text(
    found: Vec<Found>,
    upstream: Option<&str>,
    label: Option<&str>,
    places: &Places,
) -> Result<Entries, Failure> {
    if found.is_empty() {
        return Err(Failure::invalid_value("text", "there is no credential in it"));
    }
    let domains: Vec<_> = found.iter().filter_map(|one| one.domain.clone()).collect();
    let domains: Vec<_> = domains.iter().map(String::as_str).collect();
    let many = found.len() > 1;
    let place = |one: &Found| match (upstream.or(one.upstream.as_deref()), &one.domain) {
        (None, Some(domain)) => match places.upstream_of(domain, &domains) {
            Some(name) => Ok(Some(name.to_owned())),
            None => Err(Failure::foreign_domain(domain)),
        },
        (name, _) => Ok(name.map(str::to_owned)),
    };
    let account = |(at, one): (usize, Found)| {
        let mut account = NewAccount::new(one.secret.clone());
        account.upstream = place(&one)?;
        account.weight = one.weight.map(weight).transpose()?;
        account.enabled = one.enabled.unwrap_or(true);
        account.label = match (one.label, label) {
            (Some(own), _) => Some(self::label(own)?),
            (None, Some(label)) if many => Some(numbered(label, at + 1)),
            (None, label) => label.map(str::to_owned),
        };
        Ok(account)
    };
    Ok(found.into_iter().enumerate().map(account).collect())
}

/// Tells several accounts of one label apart; the number always fits.
fn numbered(label: &str, number: usize) -> String {
    let number = format!(" {number}");
    let room = LONGEST_LABEL - number.len();
    label.chars().take(room).chain(number.chars()).collect()
}

/// Sends what can be sent to the engine and puts its answers where they belong.
async fn add_all(state: &State, entries: Entries) -> Vec<Result<Added, Failure>> {
    let mut accounts = Vec::new();
    let kept: Vec<_> =
        entries.into_iter().map(|entry| entry.map(|account| accounts.push(account))).collect();
    let mut answers = state.client.accounts().add_all(accounts).await.into_iter();
    let answer = |kept: Result<(), Failure>| {
        kept?;
        // One answer an account is what the engine promises.
        answers.next().ok_or_else(Failure::internal)?.map_err(Failure::from)
    };
    kept.into_iter().map(answer).collect()
}

fn report(results: &[Result<Added, Failure>]) -> Report<'_> {
    let data: Vec<_> = results.iter().enumerate().map(|(at, one)| outcome(at, one)).collect();
    let count = |result| data.iter().filter(|outcome| outcome.result == result).count();
    let (added, duplicates, failed) = (count("ok"), count("duplicate"), count("error"));
    Report { data, added, duplicates, failed }
}

fn outcome(index: usize, result: &Result<Added, Failure>) -> Outcome<'_> {
    match result {
        Ok(added) => Outcome { index, result: "ok", account: Some(added), error: None },
        Err(failure) => {
            let result = if failure.code() == DUPLICATE { "duplicate" } else { "error" };
            Outcome { index, result, account: None, error: Some(Told::from(failure)) }
        }
    }
}
