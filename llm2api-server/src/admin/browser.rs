//! What a browser says about the page that calls: cross-site requests are told from our own.

use poem::http::{HeaderMap, HeaderName, Method, header};

use crate::openai::error::Failure;

const FETCH_SITE: &str = "sec-fetch-site";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

/// Checks a request that comes with a session; a key needs none of this, since no page of somebody
/// else's has it.
///
/// What changes something must come from a page of our own, and as JSON, which a form cannot send.
/// What only reads must not come from another site, as far as the browser tells.
pub(super) fn check(method: &Method, headers: &HeaderMap) -> Result<(), Failure> {
    let site = text(headers, FETCH_SITE);
    if [Method::GET, Method::HEAD].contains(method) {
        return if site == Some("cross-site") { Err(Failure::cross_site()) } else { Ok(()) };
    }
    if !headers.contains_key(header::ORIGIN) && site != Some("same-origin") {
        return Err(Failure::cross_site());
    }
    own_origin(headers)?;
    if is_json(headers) { Ok(()) } else { Err(Failure::not_json()) }
}

/// Checks that `Origin`, where there is one, is ours: the scheme and `Host` that we are called by.
pub(crate) fn own_origin(headers: &HeaderMap) -> Result<(), Failure> {
    if !headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    let scheme = if is_https(headers) { "https" } else { "http" };
    let own = text(headers, header::HOST.as_str()).map(|host| format!("{scheme}://{host}"));
    let origin = text(headers, header::ORIGIN.as_str());
    match origin.zip(own) {
        Some((origin, own)) if origin.eq_ignore_ascii_case(&own) => Ok(()),
        _ => Err(Failure::cross_site()),
    }
}

/// Says whether the browser speaks TLS, to a proxy before us.
///
/// Anybody can send `X-Forwarded-Proto`, and nothing is gained by it: a page of somebody else's
/// cannot set it without asking first, which we refuse, and who sets it for himself gets a cookie
/// that he cannot use without TLS.
pub(crate) fn is_https(headers: &HeaderMap) -> bool {
    let first = text(headers, FORWARDED_PROTO).and_then(|list| list.split(',').next());
    first.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
}

fn is_json(headers: &HeaderMap) -> bool {
    let given = text(headers, header::CONTENT_TYPE.as_str()).unwrap_or_default();
    let essence = given.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Returns a header that was sent once.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let mut values = headers.get_all(name).into_iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn code(method: &Method, pairs: &[(&'static str, &'static str)]) -> Option<&'static str> {
        let mut headers = HeaderMap::new();
        headers.append("host", HeaderValue::from_static("localhost:9999"));
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        check(method, &headers).err().map(|failure| failure.code())
    }

    const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
    const ORIGIN: (&str, &str) = ("origin", "http://localhost:9999");

    #[test]
    fn changes_come_from_our_own_pages_only() {
        let post = |pairs: &[_]| code(&Method::POST, pairs);
        assert_eq!(post(&[JSON, ORIGIN]), None);
        assert_eq!(post(&[JSON, ("sec-fetch-site", "same-origin")]), None);
        let tls = ("x-forwarded-proto", "https, http");
        assert_eq!(post(&[JSON, tls, ("origin", "https://localhost:9999")]), None);
        for origin in [
            "http://evil.example",
            "null",
            "",
            "https://localhost:9999",
            "http://localhost",
            "http://localhost:9999.evil.example",
        ] {
            let sent = [JSON, ("origin", origin), ("sec-fetch-site", "same-origin")];
            assert_eq!(post(&sent), Some("cross_site_request"), "{origin}");
        }
        assert_eq!(post(&[JSON]), Some("cross_site_request"));
        assert_eq!(post(&[JSON, ORIGIN, ORIGIN]), Some("cross_site_request"));
        assert_eq!(post(&[JSON, tls, ORIGIN]), Some("cross_site_request"));
        for site in ["cross-site", "same-site", "none"] {
            assert_eq!(post(&[JSON, ("sec-fetch-site", site)]), Some("cross_site_request"));
        }
        for kind in ["text/plain", "application/x-www-form-urlencoded", ""] {
            assert_eq!(post(&[ORIGIN, ("content-type", kind)]), Some("unsupported_media_type"));
        }
        assert_eq!(post(&[ORIGIN]), Some("unsupported_media_type"));
    }

    #[test]
    fn g32_reading_is_refused_to_other_sites() {
        assert_eq!(code(&Method::GET, &[]), None);
        assert_eq!(code(&Method::GET, &[("sec-fetch-site", "none")]), None);
        let other = [("sec-fetch-site", "cross-site")];
        assert_eq!(code(&Method::GET, &other), Some("cross_site_request"));
    }
}
