//! `GET /cookies/export`: the only place where secrets leave.

use std::sync::Arc;

use llm2api_core::Material;
use llm2api_core::accounts::Exported;
use llm2api_core::credential::exchange::{self, ExchangeFormat, Found};
use poem::http::header::{self, HeaderValue};
use poem::{Request, Response};
use serde::Deserialize;
use tracing::warn;

use super::request::format;
use crate::admin::Places;
use crate::openai::error::Failure;
use crate::state::State;

#[derive(Deserialize)]
struct Query {
    format: Option<String>,
}

/// Hands all accounts out with their secrets, as a file to be kept.
pub(in crate::routes) async fn export(
    state: Arc<State>,
    request: Request,
) -> Result<Response, Failure> {
    let wrong = |_| Failure::invalid_value("format", "give it once");
    let query: Query = request.params().map_err(wrong)?;
    let format = format(query.format.as_deref())?.unwrap_or(ExchangeFormat::Json);
    let exported = state.client.accounts().export();
    let places = &state.door.live.now().places;
    let found: Vec<_> = exported.iter().filter_map(|one| found(one, places)).collect();
    let text = exchange::write(&found, format)?;
    warn!(accounts = found.len(), format = format.as_str(), "handed out all secrets");
    Ok(file(text.expose(), format))
}

/// An account without a secret is made anew where it is needed.
fn found(exported: &Exported, places: &Places) -> Option<Found> {
    let credential = &exported.credential;
    let secret = match credential.material() {
        Material::Cookies(set) => set.header(),
        Material::Token(secret) => secret.clone(),
        _ => return None,
    };
    let upstream = credential.upstream();
    let mut found = Found::new(secret).with_upstream(&**upstream).with_label(&exported.label);
    found.domain = places.host(upstream).map(str::to_owned);
    found.weight = Some(exported.weight).filter(|weight| *weight != 1);
    found.enabled = Some(exported.enabled).filter(|enabled| !enabled);
    Some(found)
}

fn file(text: &str, format: ExchangeFormat) -> Response {
    let (kind, name) = match format {
        ExchangeFormat::Json => ("application/json", "attachment; filename=\"accounts.json\""),
        _ => ("text/plain; charset=utf-8", "attachment; filename=\"accounts.txt\""),
    };
    let mut response = Response::from(text.to_owned());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static(name));
    response
}
