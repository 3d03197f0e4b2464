//! `POST /auth/revoke`.

use std::sync::Arc;

use llm2api_core::auth::CodeKind;
use poem::{Request, Response};
use serde::{Deserialize, Serialize};

use super::office::{Office, actor};
use super::wire::Entry;
use crate::clock::unix_seconds;
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::routes::{body, parse};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pick {
    id: String,
}

#[derive(Serialize)]
struct Gone<'a> {
    #[serde(flatten)]
    entry: Entry<'a>,
    revoked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

const UNSEEN: &str = "the store did not know this id: a code that was signed elsewhere with it is \
                      refused from now on";

/// Revokes a code for ever; once this answers, it is refused.
pub(super) async fn revoke(office: Arc<Office>, mut request: Request) -> Result<Response, Failure> {
    let actor = actor(&request);
    let body = body::read_for_operator(usize::MAX, &mut request, &office.door).await?;
    let Pick { id } = parse(&body)?;
    let revoked = office.authority.revoke(&id, &actor).await?;
    let note = (revoked.code.kind == CodeKind::Unrecorded).then_some(UNSEEN);
    let entry = Entry::new(&revoked.code, unix_seconds());
    Ok(answer::json(&Gone { entry, revoked: true, note }))
}
