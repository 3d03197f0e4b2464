//! Which URLs are fetched.

use std::net::{IpAddr, SocketAddr};

use reqwest::Url;

use super::public::is_public;

/// A longer URL is no address of an image.
const LONGEST: usize = 8192;

/// How far fetching goes: to what is public, at the ports of http and https.
#[derive(Clone, Debug, Default)]
pub(super) struct Reach {
    /// Further addresses, for tests.
    pub(super) also: Vec<SocketAddr>,
    /// Any port, for tests.
    pub(super) any_port: bool,
}

impl Reach {
    /// Says whether an address may be connected to.
    pub(super) fn covers(&self, address: SocketAddr) -> bool {
        is_public(address.ip()) || self.also.contains(&address)
    }

    /// Reads a URL that may be fetched, as far as that shows without looking its name up.
    pub(super) fn parse(&self, url: &str) -> Option<Url> {
        let url = (url.len() <= LONGEST).then(|| Url::parse(url).ok())??;
        self.check(url)
    }

    /// Returns a URL that may be fetched.
    pub(super) fn check(&self, url: Url) -> Option<Url> {
        let is_http = matches!(url.scheme(), "http" | "https");
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        let port = self.any_port || url.port().is_none();
        // The client connects to an address without asking the resolver, so it is judged here. Every
        // spelling of one has become the usual one by now.
        let host = url.host_str()?.trim_matches(['[', ']']).parse::<IpAddr>();
        let number = url.port_or_known_default()?;
        let host = host.map_or(true, |address| self.covers(SocketAddr::new(address, number)));
        (is_http && is_anonymous && port && host).then_some(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(url: &str) -> Option<String> {
        Reach::default().parse(url).map(|url| url.to_string())
    }

    #[test]
    fn only_plain_public_urls_are_taken() {
        assert_eq!(
            taken("https://Example.org:443/a?b#c").as_deref(),
            Some("https://example.org/a?b#c")
        );
        assert_eq!(taken("http://1.1.1.1/").as_deref(), Some("http://1.1.1.1/"));
        for url in [
            "ftp://example.org/",
            "file:///etc/passwd",
            "gopher://example.org/",
            "data:,x",
            "",
            "http://",
            "http://a:b@example.org/",
            "http://a@example.org/",
            "http://:b@example.org/",
            "http://example.org:22/",
            "https://example.org:80/",
            "http://[::1]/",
            "http://[fe80::1]/",
            "http://10.0.0.1/",
            "http://1.1.1.1:8080/",
            "//example.org/",
            "example.org",
        ] {
            assert_eq!(taken(url), None, "{url}");
        }
        assert_eq!(taken(&format!("http://example.org/{}", "a".repeat(LONGEST))), None);
    }

    #[test]
    fn g31_every_spelling_of_loopback_is_seen_through() {
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f000001",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "127.1",
            "127.0.1",
            "127.0.0.1.",
            "017700000001",
            "%31%32%37.0.0.1",
            "127。0。0。1",
            "①②⑦.0.0.1",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[0:0:0:0:0:ffff:7f00:1]",
            "[::127.0.0.1]",
            "0",
            "0.0.0.0",
            "[::]",
            "[64:ff9b::127.0.0.1]",
            "[2002:7f00:1::]",
        ] {
            assert_eq!(taken(&format!("http://{host}/")), None, "{host}");
        }
    }
}
