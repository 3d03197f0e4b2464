//! Its pages in HTML.

use crate::http::Reply;

/// Path below which everything of this face is.
pub(super) const BASE: &str = "/searxng";

const HTML: &str = "text/html; charset=utf-8";

/// The page that asks for a query.
pub(super) fn index(status: u16) -> Reply {
    page(status, "SearXNG")
}

/// The page of the results.
pub(super) fn results(query: &str) -> Reply {
    page(200, &format!("{query} - SearXNG"))
}

fn page(status: u16, title: &str) -> Reply {
    let title = escape(title);
    let body = format!(
        "<!DOCTYPE html>\n<html class=\"no-js theme-auto\" lang=\"en\">\n<head>\n  \
         <meta charset=\"UTF-8\">\n  <title>{title}</title>\n</head>\n<body>\n  \
         <form id=\"search\" method=\"GET\" action=\"{BASE}/search\"></form>\n</body>\n</html>\n"
    );
    Reply::new(status, HTML, body)
}

/// What a format that is not among `search.formats` is answered with.
pub(super) fn forbidden() -> Reply {
    let text = "You don&#39;t have the permission to access the requested resource. It is either \
                read-protected or not readable by the server.";
    error(403, "Forbidden", text)
}

/// What an unknown path is answered with.
pub(super) fn not_found() -> Reply {
    let text = "The requested URL was not found on the server. If you entered the URL manually \
                please check your spelling and try again.";
    error(404, "Not Found", text)
}

/// What an external bang is answered with.
pub(super) fn redirect(location: &str) -> Reply {
    error(302, "Redirecting...", location).with("location", location)
}

/// What its limiter answers with: no page, and no `Retry-After`.
pub(super) fn too_many() -> Reply {
    Reply::new(429, HTML, "Too Many Requests")
}

fn error(status: u16, title: &str, text: &str) -> Reply {
    let body = format!(
        "<!doctype html>\n<html lang=en>\n<title>{status} {title}</title>\n<h1>{title}</h1>\n\
         <p>{text}</p>\n"
    );
    Reply::new(status, HTML, body)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;")
}
