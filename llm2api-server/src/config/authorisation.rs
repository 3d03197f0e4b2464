//! What the installation is authorised by.

use std::net::IpAddr;

use llm2api_core::auth::PublicKey;
use poem::http::Uri;

use super::error::ConfigError;
use super::model::AuthConfig;
use super::settings::Settings;
use super::value;

impl Settings {
    /// Reads the code and who verifies it; none where nobody does.
    ///
    /// # Errors
    /// An authority without a code: starting without it would break what the authority promises.
    pub(super) fn authorisation(&self) -> Result<Option<AuthConfig>, ConfigError> {
        let url = Some(self.text("AUTH_URL")).filter(|url| !url.is_empty()).map(str::to_owned);
        let public_key = match self.text("AUTH_PUBLIC_KEY") {
            "" => None,
            text => Some(public_key(text)?),
        };
        let grace = self.duration("AUTH_GRACE")?;
        match (self.secret("AUTH_CODE"), url.is_some() || public_key.is_some()) {
            (_, false) => Ok(None),
            (Some(code), true) => Ok(Some(AuthConfig { code, url, public_key, grace })),
            (None, true) => {
                let name = if url.is_some() { "AUTH_URL" } else { "AUTH_PUBLIC_KEY" };
                Err(ConfigError::new(format!(
                    "`{name}` is set and no `AUTH_CODE` is: set AUTH_CODE, or AUTH_CODE_FILE, to the \
                     authorisation code of this installation, or unset {name} to start without an \
                     authority"
                )))
            }
        }
    }

    /// Says what is weaker than it looks.
    pub(super) fn authorisation_warnings(&self) -> Vec<String> {
        let (code, url) = (self.text("AUTH_CODE"), self.text("AUTH_URL"));
        let unchecked =
            !code.is_empty() && url.is_empty() && self.text("AUTH_PUBLIC_KEY").is_empty();
        let unchecked = unchecked.then(|| {
            "AUTH_CODE is set and nobody checks it: set AUTH_URL or AUTH_PUBLIC_KEY to have it \
             verified"
                .to_owned()
        });
        let open = is_open(url).then(|| {
            "AUTH_URL is http:// to another machine: whoever is in between can read the \
             authorisation code and answer in the authority's place, use https://"
                .to_owned()
        });
        unchecked.into_iter().chain(open).chain(self.unnoticed(code, url)).collect()
    }

    /// Without an interval nobody is asked after the start.
    fn unnoticed(&self, code: &str, url: &str) -> Option<String> {
        let interval = self.read("CHECK_INTERVAL", value::minutes);
        let never = interval.is_ok_and(|interval| interval.is_zero());
        (never && !code.is_empty() && !url.is_empty()).then(|| {
            "AUTH_URL is set and CHECK_INTERVAL is 0, so that a revocation of the code is noticed \
             at a restart or at its expiry only: set CHECK_INTERVAL, such as 10 for every ten \
             minutes"
                .to_owned()
        })
    }
}

/// Reads a public key; what is none is not repeated, since it may be the private one.
pub(super) fn public_key(text: &str) -> Result<PublicKey, ConfigError> {
    PublicKey::parse(text).map_err(|_| {
        let wrong = "is no public key: write its 32 bytes in base64";
        ConfigError::bad_secret("AUTH_PUBLIC_KEY", wrong)
    })
}

/// Says whether a URL leads over a network without TLS.
fn is_open(url: &str) -> bool {
    let Ok(url) = url.parse::<Uri>() else { return false };
    url.scheme_str() == Some("http") && !url.host().is_some_and(is_loopback)
}

fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address = host.parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_open;

    #[test]
    fn only_this_machine_may_do_without_tls() {
        for open in
            ["http://auth.example.org/x", "http://10.0.0.1", "HTTP://a:1", "http://[fe80::1]"]
        {
            assert!(is_open(open), "{open}");
        }
        let closed =
            ["", "https://a", "http://localhost:1/x", "http://127.0.0.1:1", "http://[::1]:1"];
        for closed in closed {
            assert!(!is_open(closed), "{closed}");
        }
    }
}
