//! Who calls a client path.

use llm2api_core::keys::{ClientKeys, FoundKey, KeyState};

use crate::keys::Keys;
use crate::openai::error::Failure;

/// Who is not let in.
#[derive(Debug)]
pub(crate) enum Stranger {
    /// Has sent no key.
    NoKey,
    /// Has sent a wrong one.
    WrongKey,
    /// Has one that was good once.
    Stopped(FoundKey),
}

/// Finds out who calls, by the keys that he sent; none where that is nobody in particular.
///
/// `fixed` are the keys of the settings, `kept` those of the store. Where neither has ever had one,
/// everybody may chat. One key that is right is enough: some clients send a key of another service
/// as well.
pub(crate) fn identify(
    fixed: &Keys,
    kept: Option<&ClientKeys>,
    sent: &[&[u8]],
) -> Result<Option<FoundKey>, Stranger> {
    if sent.iter().any(|key| fixed.admits(key)) {
        return Ok(None);
    }
    let found = |key: &&[u8]| kept.and_then(|kept| kept.find(key));
    let (good, stopped): (Vec<_>, Vec<_>) =
        sent.iter().filter_map(found).partition(|found| found.state == KeyState::Active);
    if let Some(good) = good.into_iter().next() {
        return Ok(Some(good));
    }
    if fixed.are_optional() && !kept.is_some_and(ClientKeys::is_closed) {
        return Ok(None);
    }
    Err(match stopped.into_iter().next() {
        Some(found) => Stranger::Stopped(found),
        None if sent.is_empty() => Stranger::NoKey,
        None => Stranger::WrongKey,
    })
}

/// What he is told. Only who has the right secret learns what has become of the key.
impl From<&Stranger> for Failure {
    fn from(stranger: &Stranger) -> Self {
        match stranger {
            Stranger::NoKey => Self::no_key(),
            Stranger::WrongKey => Self::wrong_key(),
            Stranger::Stopped(found) if found.state == KeyState::Expired => Self::key_expired(),
            Stranger::Stopped(_) => Self::key_revoked(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use llm2api_core::Secret;
    use llm2api_core::keys::NewKey;
    use llm2api_core::store::MemoryStore;
    use poem::http::{HeaderMap, HeaderValue, header};
    use secrecy::SecretString;

    use super::*;
    use crate::keys::bearer;

    fn fixed(keys: &[&str]) -> Keys {
        let keys: Vec<_> = keys.iter().map(|key| SecretString::from(*key)).collect();
        Keys::new(&keys).open(true)
    }

    async fn kept() -> ClientKeys {
        ClientKeys::open(Arc::new(MemoryStore::default())).await.expect("memory works")
    }

    /// The code of the refusal, else the id of the key.
    fn told(result: Result<Option<FoundKey>, Stranger>) -> String {
        match result {
            Ok(None) => "in".into(),
            Ok(Some(found)) => found.id.to_string(),
            Err(stranger) => Failure::from(&stranger).code().into(),
        }
    }

    #[test]
    fn each_key_of_the_list_opens_and_nothing_else_does() {
        let code = |sent: &'static str| {
            let mut headers = HeaderMap::new();
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(sent));
            let sent: Vec<_> = bearer(&headers).into_iter().collect();
            told(identify(&fixed(&["sk-one", "sk-two"]), None, &sent))
        };
        assert_eq!(code("Bearer sk-one"), "in");
        assert_eq!(code("bearer  sk-two "), "in");
        for sent in
            ["", "Bearer", "Bearer ", "Bearer sk-on", "Bearer sk-onee", "Basic sk-one", "sk-one"]
        {
            assert_eq!(code(sent), "invalid_api_key", "{sent}");
        }
    }

    #[tokio::test]
    async fn one_right_key_is_enough() {
        let (fixed, kept) = (fixed(&["sk-one"]), kept().await);
        let issued = kept.create(NewKey::new(), "test").await.expect("a key");
        let key = issued.key.expose().as_bytes();
        let who = |sent: &[&[u8]]| told(identify(&fixed, Some(&kept), sent));
        assert_eq!(who(&[b"sk-other", b"sk-one"]), "in");
        assert_eq!(who(&[b"sk-other", key]), issued.entry.id);
        assert_eq!(who(&[key, b"sk-one"]), "in", "the settings' keys have no limits");
        assert_eq!(who(&[b"sk-other", b"sk-on"]), "invalid_api_key");
        assert_eq!(who(&[]), "invalid_api_key");
    }

    #[tokio::test]
    async fn where_others_can_reach_the_server_nobody_may_chat_without_a_key() {
        let (closed, kept) = (Keys::new(&[]), kept().await);
        let who = |sent: &[&[u8]]| told(identify(&closed, Some(&kept), sent));
        assert_eq!((who(&[]), who(&[b"x"])), ("invalid_api_key".into(), "invalid_api_key".into()));
        let issued = kept.create(NewKey::new(), "test").await.expect("a key");
        assert_eq!(who(&[issued.key.expose().as_bytes()]), issued.entry.id);
    }

    #[tokio::test]
    async fn without_any_key_everybody_may_chat_and_never_again() {
        let (none, kept) = (fixed(&[]), kept().await);
        let who = |sent: &[&[u8]]| told(identify(&none, Some(&kept), sent));
        assert_eq!((who(&[]), who(&[b"whatever"])), ("in".into(), "in".into()));
        let issued = kept.create(NewKey::new(), "test").await.expect("a key");
        let key = |key: &Secret| who(&[key.expose().as_bytes()]);
        assert_eq!(
            (who(&[]), key(&issued.key)),
            ("invalid_api_key".into(), issued.entry.id.clone())
        );
        let second = kept.rotate(&issued.entry.id, Duration::ZERO, "test").await.expect("a key");
        assert_eq!(key(&issued.key), "api_key_expired");
        kept.revoke(&issued.entry.id, "test").await.expect("it is there");
        assert_eq!(key(&second.key), "api_key_revoked");
        assert_eq!((who(&[]), who(&[b"x"])), ("invalid_api_key".into(), "invalid_api_key".into()));
    }
}
