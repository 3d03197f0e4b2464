//! The operator's pages, compiled in.

use std::sync::Arc;

use poem::http::header::{self, HeaderValue};
use poem::{Request, Response};

use super::resource::{Resource, page_get};
use crate::openai::error::Failure;
use crate::state::State;

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

/// A file that is compiled in.
struct File {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

/// Names a file of `src/ui`, which is served under the same name.
macro_rules! file {
    ($kind:expr, $name:literal) => {
        File {
            path: concat!("/ui/", $name),
            kind: $kind,
            text: include_str!(concat!("../ui/", $name)),
        }
    };
}

/// What the pages load.
#[rustfmt::skip]
const FILES: [File; 44] = [
    file!(STYLE, "style.css"),
    file!(SCRIPT, "account_acts.js"),
    file!(SCRIPT, "account_dialog.js"),
    file!(SCRIPT, "account_list.js"),
    file!(SCRIPT, "account_row.js"),
    file!(SCRIPT, "accounts.js"),
    file!(SCRIPT, "add.js"),
    file!(SCRIPT, "answer.js"),
    file!(SCRIPT, "ask.js"),
    file!(SCRIPT, "authorisation.js"),
    file!(SCRIPT, "chart.js"),
    file!(SCRIPT, "charts.js"),
    file!(SCRIPT, "chat.js"),
    file!(SCRIPT, "choice.js"),
    file!(SCRIPT, "clock.js"),
    file!(SCRIPT, "cookie.js"),
    file!(SCRIPT, "dashboard.js"),
    file!(SCRIPT, "dialog.js"),
    file!(SCRIPT, "figures.js"),
    file!(SCRIPT, "format.js"),
    file!(SCRIPT, "head.js"),
    file!(SCRIPT, "keep.js"),
    file!(SCRIPT, "language.js"),
    file!(SCRIPT, "live.js"),
    file!(SCRIPT, "overview.js"),
    file!(SCRIPT, "plot.js"),
    file!(SCRIPT, "polled.js"),
    file!(SCRIPT, "request.js"),
    file!(SCRIPT, "requests.js"),
    file!(SCRIPT, "result.js"),
    file!(SCRIPT, "route.js"),
    file!(SCRIPT, "session.js"),
    file!(SCRIPT, "settings.js"),
    file!(SCRIPT, "sign_in.js"),
    file!(SCRIPT, "snippets.js"),
    file!(SCRIPT, "status.js"),
    file!(SCRIPT, "store.js"),
    file!(SCRIPT, "texts.js"),
    file!(SCRIPT, "theme.js"),
    file!(SCRIPT, "tiles.js"),
    file!(SCRIPT, "try.js"),
    file!(SCRIPT, "words.js"),
    file!(SCRIPT, "vendor/preact.js"),
    file!(TEXT, "vendor/LICENSE.txt"),
];

/// Lists the paths of what the pages load.
pub(super) fn files(state: &Arc<State>) -> impl Iterator<Item = (String, Resource<State>)> {
    FILES.into_iter().map(|File { path, kind, text }| {
        let answer = move |_state, _request| async move { Ok(asset(kind, text)) };
        (path.to_owned(), page_get(state, answer))
    })
}

/// `GET /cookie`: for adding accounts.
pub(super) async fn cookie(_state: Arc<State>, _request: Request) -> Result<Response, Failure> {
    Ok(asset(HTML, include_str!("../ui/cookie.html")))
}

/// The page with everything that the operator watches and does.
pub(super) fn dashboard() -> Response {
    asset(HTML, include_str!("../ui/dashboard.html"))
}

/// Answers with a file that is compiled in.
pub(crate) fn asset(kind: &'static str, text: &'static str) -> Response {
    let mut response = Response::from(text);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
