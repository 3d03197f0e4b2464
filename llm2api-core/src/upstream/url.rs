//! Base URLs of upstreams.

use reqwest::Url;

use crate::error::{Error, ErrorKind, Result};

/// A checked base URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BaseUrl {
    base: String,
    origin: String,
    tls: bool,
    bare: bool,
}

impl BaseUrl {
    /// Checks an http(s) URL without user, query and fragment; a trailing slash is dropped.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let url = Url::parse(text.trim()).map_err(|error| {
            invalid("the upstream's URL cannot be read: write it as https://host[:port]/path")
                .with_source(error)
        })?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(invalid("the upstream's URL must start with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("the upstream's URL holds a password: give it as a credential"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("the upstream's URL must end with its path: drop `?` and `#`"));
        }
        Ok(Self {
            base: url.as_str().trim_end_matches('/').to_owned(),
            origin: url.origin().ascii_serialization(),
            tls: url.scheme() == "https",
            bare: url.path() == "/",
        })
    }

    /// Adds `path` where the URL has none of its own.
    pub(super) fn or_path(mut self, path: &str) -> Self {
        if self.bare {
            self.base.push_str(path);
        }
        self
    }

    /// Returns the URL of a path, which starts with a slash.
    pub(super) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Returns scheme, host and port, as an `Origin` header has them.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// Says whether a redirect leads to a sign-in: to a page that says so, or to another host, as
    /// that of a provider of identities.
    pub(super) fn leads_to_sign_in(&self, location: &str) -> bool {
        let here = Url::parse(&self.base).ok();
        let there = here.as_ref().and_then(|here| here.join(location).ok());
        let elsewhere = here.zip(there).is_none_or(|(here, there)| here.host() != there.host());
        elsewhere || is_sign_in(location)
    }

    /// Says whether the scheme is https.
    pub(super) fn tls(&self) -> bool {
        self.tls
    }
}

/// Says whether a path is that of a page where people sign in.
pub(super) fn is_sign_in(location: &str) -> bool {
    let path = location.split('?').next().unwrap_or_default();
    path.split('/').any(|part| matches!(part, "login" | "auth" | "signin" | "sign_in"))
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::Configuration, "read upstream URL", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_kept_and_joined_once() {
        let base = BaseUrl::parse("https://Chat.example.org:8443/chat/").expect("valid");
        assert_eq!(base.join("/conversation"), "https://chat.example.org:8443/chat/conversation");
        assert_eq!(base.origin(), "https://chat.example.org:8443");
        assert!(base.tls());
        let base = BaseUrl::parse("http://127.0.0.1:8080").expect("valid").or_path("/v1");
        assert_eq!(base.join("/models"), "http://127.0.0.1:8080/v1/models");
    }

    #[test]
    fn not_every_redirect_is_a_sign_in() {
        let base = BaseUrl::parse("https://chat.example.org/chat").expect("valid");
        for location in ["/chat/login?x=1", "login", "https://id.example.org/authorize", "//x.org"]
        {
            assert!(base.leads_to_sign_in(location), "{location}");
        }
        for location in ["/chat/maintenance", "http://chat.example.org/chat/", "?login", ""] {
            assert!(!base.leads_to_sign_in(location), "{location}");
        }
    }

    #[test]
    fn what_is_no_base_url_is_refused() {
        for text in ["", "chat.example.org", "ftp://x", "http://a:b@x", "http://x/?a", "file:///x"]
        {
            assert!(BaseUrl::parse(text).is_err(), "{text}");
        }
    }
}
