//! `GET /stats/series`.

use std::sync::Arc;

use poem::{Request, Response};

use super::query::Query;
use super::wire::{Chart, Point};
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::state::State;

/// Says what happened in each of the last minutes or hours, oldest first.
pub(in crate::routes) async fn series(
    state: Arc<State>,
    request: Request,
) -> Result<Response, Failure> {
    let Query { series, span, last } = Query::of(&request)?;
    let spans = state.client.statistics().points(&series, span, last).await;
    let points = spans.iter().map(Point::from).collect();
    Ok(answer::json(&Chart { of: series.to_string(), span: span.as_str(), points }))
}
