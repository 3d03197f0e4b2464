//! Browsers may call the client paths from anywhere: the key is in a header, never in a cookie.

use poem::Response;
use poem::http::header::{self, HeaderValue};
use poem::http::{HeaderMap, StatusCode};

const ANY: HeaderValue = HeaderValue::from_static("*");
/// `*` does not cover `Authorization`, so that is named; the rest, such as the SDKs' `x-stainless-…`,
/// needs no list because no credentials are allowed.
const HEADERS: HeaderValue = HeaderValue::from_static("Authorization, Content-Type, *");
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "x-request-id, request-id, retry-after, x-llm2api-ignored-params, x-llm2api-search, \
     x-ratelimit-limit-requests, x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-tokens, \
     x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens",
);
const A_DAY: HeaderValue = HeaderValue::from_static("86400");

/// Answers a browser's question whether it may call.
pub(super) fn preflight(allow: &'static str) -> Response {
    let mut response = Response::from(StatusCode::NO_CONTENT);
    open(&mut response);
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(allow));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, A_DAY);
    response
}

/// Lets a browser read the answer.
pub(super) fn open(response: &mut Response) {
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
}
