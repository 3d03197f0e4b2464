//! `GET /auth/audit`: who did what, the newest first.

use std::sync::Arc;

use llm2api_core::store::AuditEntry;
use poem::{Request, Response};
use serde::{Deserialize, Serialize};

use super::office::Office;
use crate::openai::answer;
use crate::openai::error::Failure;

const USUAL: usize = 100;
const MOST: usize = 10_000;

#[derive(Deserialize)]
struct Query {
    limit: Option<usize>,
}

#[derive(Serialize)]
struct Log<'a> {
    data: Vec<Line<'a>>,
}

/// One act; `at` is in seconds since 1970.
#[derive(Serialize)]
struct Line<'a> {
    at: u64,
    actor: &'a str,
    act: &'a str,
    subject: &'a str,
}

/// Lists the last acts.
pub(super) async fn list(office: Arc<Office>, request: Request) -> Result<Response, Failure> {
    let wrong = || Failure::invalid_value("limit", "write a whole number from 1 to 10000");
    let query: Query = request.params().map_err(|_| wrong())?;
    let limit = query.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(wrong());
    }
    let log = office.authority.audit_log(limit).await?;
    Ok(answer::json(&Log { data: log.iter().map(Line::from).collect() }))
}

impl<'a> From<&'a AuditEntry> for Line<'a> {
    fn from(entry: &'a AuditEntry) -> Self {
        let AuditEntry { at, actor, act, subject } = entry;
        Self { at: at / 1000, actor, act, subject }
    }
}
