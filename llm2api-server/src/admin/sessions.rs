//! Browsers that have shown the key.
//!
//! Sessions live in this process's memory: a restart ends them, and behind a load balancer a session
//! is good at the server that gave it only. A fleet that shares them would do so behind [`Sessions`].

use std::collections::VecDeque;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use poem::http::{HeaderMap, header};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::random;
use crate::keys::hash;

/// The cookie's name.
pub(crate) const COOKIE: &str = "llm2api_session";
/// How long a session lasts.
pub(crate) const LIFE: Duration = Duration::from_secs(12 * 3600);
/// Operators are few; the oldest session makes room.
const MOST: usize = 100;

/// The open sessions, oldest first; of each token only a hash is kept.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: Mutex<VecDeque<Session>>,
}

struct Session {
    hash: [u8; 32],
    until: Instant,
}

impl Sessions {
    /// Opens a session and returns its token.
    pub(crate) fn open(&self, now: Instant) -> io::Result<String> {
        let token = random::token()?;
        let mut open = self.lock();
        open.retain(|session| session.until > now);
        if open.len() == MOST {
            open.pop_front();
        }
        open.push_back(Session { hash: hash(token.as_bytes()), until: now + LIFE });
        Ok(token)
    }

    /// Says whether a request comes with the token of an open session.
    pub(super) fn holds(&self, headers: &HeaderMap, now: Instant) -> bool {
        let open = self.lock();
        tokens(headers).map(hash).any(|hash| {
            let fits =
                |session: &Session| session.until > now && bool::from(session.hash.ct_eq(&hash));
            open.iter().any(fits)
        })
    }

    /// Ends the sessions whose tokens a request comes with.
    pub(crate) fn close(&self, headers: &HeaderMap) {
        for hash in tokens(headers).map(hash) {
            self.lock().retain(|session| session.hash != hash);
        }
    }

    /// Ends all sessions.
    pub(super) fn close_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Session>> {
        // Nothing panics while it holds the lock.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session").field("until", &self.until).finish_non_exhaustive()
    }
}

/// Lists every token of our name: another server of this host may have set one beside ours.
fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(header::COOKIE).into_iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(|pair| pair.trim_ascii().strip_prefix(COOKIE.as_bytes())?.strip_prefix(b"="))
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn with(cookie: &str) -> HeaderMap {
        let cookie = HeaderValue::from_str(cookie).expect("plain text");
        HeaderMap::from_iter([(header::COOKIE, cookie)])
    }

    #[test]
    fn a_session_lasts_until_its_end() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let token = sessions.open(now).expect("random numbers");
        let ours = with(&format!("a=b; {COOKIE}=stale; {COOKIE}={token}"));
        assert!(sessions.holds(&ours, now));
        assert!(!sessions.holds(&ours, now + LIFE));
        for cookie in [String::new(), format!("{COOKIE}="), format!("x{COOKIE}={token}"), token] {
            assert!(!sessions.holds(&with(&cookie), now), "{cookie}");
        }
        sessions.close(&ours);
        assert!(!sessions.holds(&ours, now));
    }

    #[test]
    fn the_oldest_makes_room() {
        let (sessions, now) = (Sessions::default(), Instant::now());
        let tokens: Vec<_> = (0..=MOST).map(|_| sessions.open(now).expect("random")).collect();
        let holds = |token: &String| sessions.holds(&with(&format!("{COOKIE}={token}")), now);
        assert!(!holds(&tokens[0]) && tokens[1..].iter().all(holds));
    }
}
