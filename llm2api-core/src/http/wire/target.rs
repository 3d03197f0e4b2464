//! Where a request goes.

use std::fmt::Write;
use std::sync::Arc;

use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use reqwest::Url;

/// An address, taken apart once for all the requests that go there.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    place: Arc<Place>,
    /// What the first line of a request asks for: a path, or the whole URL where a proxy is asked.
    path: Arc<str>,
}

/// A server, and the way to it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// As a `Host` header has it.
    pub(super) authority: String,
    pub(super) proxy: Option<Intercept>,
}

impl Target {
    /// Takes a URL apart; none where it is no http(s) URL. `proxies` says which way to go.
    pub(super) fn parse(url: &str, proxies: &Matcher) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let tls = match url.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let host = url.host_str()?.to_owned();
        let mut authority = host.clone();
        if let Some(port) = url.port() {
            write!(authority, ":{port}").ok()?;
        }
        let port = url.port_or_known_default()?;
        let proxy = proxies.intercept(&url.as_str().parse().ok()?);
        let mut path = match &proxy {
            Some(_) if !tls => format!("{}://{authority}", url.scheme()),
            _ => String::new(),
        };
        path.push_str(url.path());
        if let Some(query) = url.query() {
            path.push('?');
            path.push_str(query);
        }
        let place = Arc::new(Place { tls, host, port, authority, proxy });
        Some(Self { place, path: path.into() })
    }

    pub(super) fn place(&self) -> &Arc<Place> {
        &self.place
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }
}

impl Place {
    /// Says whether a connection to the other place serves this one too.
    pub(super) fn is(&self, other: &Self) -> bool {
        (self.tls, self.port, &self.host) == (other.tls, other.port, &other.host)
    }

    /// Returns the address that a tunnel is to lead to.
    pub(super) fn host_and_port(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Returns what a proxy wants to see of each request that is not tunnelled.
    pub(super) fn proxy_authorization(&self) -> Option<&[u8]> {
        let proxy = self.proxy.as_ref().filter(|_| !self.tls)?;
        proxy.basic_auth().map(http::HeaderValue::as_bytes)
    }
}
