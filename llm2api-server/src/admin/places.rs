//! Where the upstreams are, so that cookies go to nobody else.

use crate::config::Upstream;

/// The upstreams' names and hosts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    places: Vec<(String, String)>,
}

impl Places {
    /// Notes the upstreams that have an address.
    pub(crate) fn new(upstreams: &[Upstream]) -> Self {
        let place = |upstream: &Upstream| {
            let host = host(upstream.url.as_deref()?)?;
            Some((upstream.name.clone(), host))
        };
        Self { places: upstreams.iter().filter_map(place).collect() }
    }

    /// Returns the host of an upstream.
    pub(crate) fn host(&self, upstream: &str) -> Option<&str> {
        self.places.iter().find(|(name, _)| name == upstream).map(|(_, host)| host.as_str())
    }

    /// Finds the upstream that a browser would send the cookies of `domain` to; `others` are all the
    /// domains of the same text.
    ///
    /// A parent's cookies stand for an upstream below it only where the text has none of the
    /// upstream's own: those hold the parent's already.
    pub(crate) fn upstream_of(&self, domain: &str, others: &[&str]) -> Option<&str> {
        let fits = |host: &str| {
            let is_below =
                |parent: &str| host.strip_suffix(parent).is_some_and(|rest| rest.ends_with('.'));
            let covers = |other: &str| other == host || is_below(other);
            covers(domain)
                && !others.iter().any(|other| covers(other) && other.len() > domain.len())
        };
        self.places.iter().find(|(_, host)| fits(host)).map(|(name, _)| name.as_str())
    }
}

/// Takes the host out of a base URL that was checked; in lower case, without the port.
fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split('/').next()?;
    let host = match authority.rfind(':') {
        Some(at) if authority[at + 1..].bytes().all(|byte| byte.is_ascii_digit()) => {
            &authority[..at]
        }
        _ => authority,
    };
    Some(host.to_ascii_lowercase()).filter(|host| !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        let place = |name: &str, url| (name.to_owned(), host(url).expect("a host"));
        let chat = place("chat", "https://Chat.Example.org:443/base");
        Places {
            places: vec![chat, place("local", "http://[::1]:8080"), place("plain", "http://x")],
        }
    }

    #[test]
    fn cookies_go_where_a_browser_would_send_them() {
        let of = |domain, others: &[&str]| places().upstream_of(domain, others).map(str::to_owned);
        assert_eq!(of("chat.example.org", &[]).as_deref(), Some("chat"));
        assert_eq!(of("example.org", &["example.org"]).as_deref(), Some("chat"));
        assert_eq!(of("example.org", &["example.org", "chat.example.org"]), None);
        assert_eq!(of("[::1]", &[]).as_deref(), Some("local"));
        for other in ["evil.example", "xchat.example.org", "le.org", "a.chat.example.org", ""] {
            assert_eq!(of(other, &[]), None, "{other}");
        }
        assert_eq!(places().host("plain"), Some("x"));
        assert_eq!(places().host("nobody"), None);
    }
}
