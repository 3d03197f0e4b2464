//! `POST /auth/issue`.

use std::sync::Arc;

use llm2api_core::auth::NewCode;
use llm2api_core::quota::Allowance;
use poem::{Request, Response};
use serde::{Deserialize, Serialize};

use super::office::{Office, actor};
use super::wire::Entry;
use crate::clock::unix_seconds;
use crate::config::value;
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::routes::{body, parse};

/// A code that is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    holder: String,
    plan: Option<String>,
    expires: Option<String>,
    expires_at: Option<u64>,
    not_before: Option<u64>,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    signed: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Limits {
    requests_per_minute: Option<u32>,
    tokens_per_day: Option<u64>,
    concurrency: Option<u32>,
}

/// The code itself is told here and never again.
#[derive(Serialize)]
struct Issued<'a> {
    #[serde(flatten)]
    entry: Entry<'a>,
    code: &'a str,
}

/// Issues a code; once this answers, it is kept.
pub(super) async fn issue(office: Arc<Office>, mut request: Request) -> Result<Response, Failure> {
    let actor = actor(&request);
    let body = body::read_for_operator(usize::MAX, &mut request, &office.door).await?;
    let order: Order = parse(&body)?;
    let (now, signed) = (unix_seconds(), order.signed);
    let wanted = order.into_wanted(now)?;
    let (issued, code) = office.authority.issue(wanted, signed, &actor).await?;
    Ok(answer::json(&Issued { entry: Entry::new(&issued, now), code: code.expose() }))
}

impl Order {
    fn into_wanted(self, now: u64) -> Result<NewCode, Failure> {
        let mut wanted = NewCode::new(self.holder);
        wanted.plan = self.plan;
        wanted.expires = expiry(self.expires.as_deref(), self.expires_at, now)?;
        wanted.not_before = self.not_before;
        wanted.limits = Allowance {
            requests_per_minute: self.limits.requests_per_minute,
            tokens_per_day: self.limits.tokens_per_day,
            concurrency: self.limits.concurrency,
        };
        Ok(wanted)
    }
}

/// A code's end is given as a time from now on, or as a date.
fn expiry(wait: Option<&str>, date: Option<u64>, now: u64) -> Result<Option<u64>, Failure> {
    match (wait, date) {
        (Some(_), Some(_)) => {
            Err(Failure::invalid_value("expires", "give one of `expires` and `expires_at`"))
        }
        (None, date) => Ok(date),
        (Some(text), None) => {
            let wait = value::duration(text);
            let wait = wait.map_err(|right| Failure::invalid_value("expires", right))?;
            Ok(Some(now.saturating_add(wait.as_secs())))
        }
    }
}
