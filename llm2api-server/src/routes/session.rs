//! `POST /session` and `DELETE /session`: a browser signs in and out.

use std::sync::Arc;

use poem::http::HeaderMap;
use poem::http::header::{self, HeaderValue};
use poem::{Request, Response};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::body;
use super::cookies::{SecretText, parse};
use crate::admin::{COOKIE, LIFE, is_https, own_origin, peer};
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::state::State;

/// Anybody may send one of these: it holds a key and no more.
const LONGEST: usize = 8 << 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    key: SecretText,
}

#[derive(Serialize)]
struct Session {
    signed_in: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<u64>,
}

/// Signs in with the admin key. The session is good at this server only, and until it restarts.
pub(super) async fn open(state: Arc<State>, mut request: Request) -> Result<Response, Failure> {
    own_origin(request.headers())?;
    let peer = peer(&request);
    let body = body::read_for_operator(LONGEST, &mut request, &state.door).await?;
    let SignIn { key } = parse(&body)?;
    state.door.admin.check_key(peer, key.0.expose()).await?;
    let token = state.door.admin.sessions.open(Instant::now()).map_err(|_| Failure::internal())?;
    let life = LIFE.as_secs();
    let mut response = answer::json(&Session { signed_in: true, expires_in: Some(life) });
    set_cookie(&mut response, request.headers(), &token, life);
    Ok(response)
}

/// Signs out; whoever is not signed in, is not afterwards either.
pub(super) async fn close(state: Arc<State>, request: Request) -> Result<Response, Failure> {
    own_origin(request.headers())?;
    state.door.admin.sessions.close(request.headers());
    let mut response = answer::json(&Session { signed_in: false, expires_in: None });
    set_cookie(&mut response, request.headers(), "", 0);
    Ok(response)
}

/// `Secure` only where the browser speaks TLS: on plain HTTP, which is how most people reach a
/// server on their own machine or network, it would not keep such a cookie.
fn set_cookie(response: &mut Response, request: &HeaderMap, token: &str, life: u64) {
    let secure = if is_https(request) { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age={life}{secure}");
    let mut cookie = HeaderValue::from_str(&cookie).expect("tokens are made of base64url");
    cookie.set_sensitive(true);
    response.headers_mut().insert(header::SET_COOKIE, cookie);
}
