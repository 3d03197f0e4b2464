//! Its paths, and what they answer.

use std::io;

use serde_json::json;

use super::pages::{self, BASE};
use super::parameters::{Format, Parameters, Refusal};
use super::{faults, results};
use crate::http::{Exchange, Reply, Request};
use crate::play::{Manner, Player};
use crate::searches::parameter;
use crate::state::State;

/// Where an external bang leads.
const ELSEWHERE: &str = "https://bang.example/";

/// Whether a path is one of this face.
pub(crate) fn is_searxng(path: &str) -> bool {
    path.strip_prefix(BASE).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers a request.
pub(crate) async fn answer(
    state: &State,
    request: &Request,
    exchange: &mut Exchange<'_>,
) -> io::Result<()> {
    let path = request.path.strip_prefix(BASE).unwrap_or_default();
    match (request.method(), path) {
        ("GET", "/search") => search(state, request, exchange).await,
        ("GET", "/engine") => exchange.reply(engine(&request.query)).await,
        ("GET", "/healthz") => exchange.reply(Reply::new(200, "text/plain", "OK")).await,
        ("GET", "/") => exchange.reply(pages::index(200)).await,
        _ => exchange.reply(pages::not_found()).await,
    }
}

async fn search(state: &State, request: &Request, exchange: &mut Exchange<'_>) -> io::Result<()> {
    let format = Format::of(&request.query);
    let Some(steps) = faults::steps(&request.query, format) else {
        return exchange.reply(plain(request, format)).await;
    };
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    let manner = Manner { headers, lines: false, listener: None };
    Player::new(exchange, manner, &state.log).play(steps).await;
    Ok(())
}

/// The answer of a service in good order.
fn plain(request: &Request, format: Format) -> Reply {
    let html = format == Format::Html;
    match Parameters::read(&request.query) {
        _ if format == Format::Off => pages::forbidden(),
        Ok(asked) if asked.redirects => pages::redirect(ELSEWHERE),
        Ok(asked) if html => pages::results(&asked.query),
        Ok(asked) => {
            let hits = results::hits(&asked.query, asked.page);
            Reply::json(200, &results::answer(&asked.query, &hits))
        }
        Err(Refusal::NoQuery) if html => pages::index(200),
        Err(_) if html => pages::index(400),
        Err(refusal) => Reply::json(400, &json!({"error": refusal.to_string()})),
    }
}

/// What a real searx is given as the page of its engine.
fn engine(query: &str) -> Reply {
    let asked = parameter(query, "q").unwrap_or_default();
    let page = parameter(query, "page").and_then(|page| page.parse().ok()).unwrap_or(1);
    Reply::json(200, &results::of_engine(&results::hits(&asked, page)))
}
