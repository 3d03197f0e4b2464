//! `POST /auth/check`: what an installation, or a holder, asks about a code.

use std::sync::Arc;

use llm2api_core::auth::{Checked, CodeState};
use llm2api_core::quota::Allowance;
use poem::http::header::{self, HeaderValue};
use poem::{Request, Response};
use serde::Deserialize;
use serde::Serialize;
use serde::de::IgnoredAny;
use tracing::info;

use super::office::Office;
use crate::admin::peer;
use crate::clock::unix_seconds;
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::routes::{SecretText, body, parse};

/// Anybody may send one of these: it holds a code and little more.
const LONGEST: usize = 16 << 10;

/// What an installation sends; later versions may send more.
#[derive(Deserialize)]
struct Question {
    code: SecretText,
    #[serde(rename = "installation")]
    _installation: Option<IgnoredAny>,
    #[serde(rename = "version")]
    _version: Option<IgnoredAny>,
}

#[derive(Serialize)]
struct Told {
    valid: bool,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<u64>,
    #[serde(skip_serializing_if = "Allowance::is_unlimited")]
    limits: Allowance,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// Says what a code is worth. A wrong one counts against the address that shows it; a genuine one
/// never does, and is answered whatever else its address has shown.
pub(super) async fn check(office: Arc<Office>, mut request: Request) -> Result<Response, Failure> {
    let peer = peer(&request);
    let body = body::read_at_most(LONGEST, &mut request, &office.door).await?;
    let question: Question = parse(&body)?;
    let checked = office.authority.check(question.code.0.expose(), unix_seconds()).await?;
    if checked.state == CodeState::Invalid {
        office.count_wrong(peer)?;
    } else {
        info!(code = checked.id, state = checked.state.as_str(), %peer, "a code was shown");
    }
    let mut response = answer::json(&Told::from(checked));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

impl From<Checked> for Told {
    fn from(checked: Checked) -> Self {
        Self {
            valid: checked.is_valid(),
            state: checked.state.as_str(),
            plan: checked.plan,
            expires_at: checked.expires,
            limits: checked.limits,
            message: checked.message,
        }
    }
}
