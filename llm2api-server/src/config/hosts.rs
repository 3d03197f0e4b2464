//! The names that operators may call the server by.

use std::net::{IpAddr, SocketAddr};

use super::value;

/// Which `Host` values are let in where operators work: a web page of somebody else's that makes its
/// own name point here (DNS rebinding) comes with that name.
///
/// # Example
/// ```
/// use llm2api_server::config::AllowedHosts;
///
/// let listen = "127.0.0.1:9999".parse().expect("an address");
/// let hosts = AllowedHosts::new("", listen);
/// assert!(hosts.allows("localhost:9999") && !hosts.allows("evil.example:9999"));
/// assert!(AllowedHosts::new("chat.example.org", listen).allows("Chat.Example.org"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedHosts {
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Any,
    /// These; a name without a port stands for all ports.
    Listed(Vec<String>),
    /// The loopback names and this address.
    Own(IpAddr),
}

impl AllowedHosts {
    /// Reads a list of names, `*` for any; nothing stands for the loopback names and `listen`'s.
    ///
    /// A server that listens on all addresses has all of them for its own, so that any address is
    /// let in: only a name can be made to point elsewhere.
    pub fn new(text: &str, listen: SocketAddr) -> Self {
        let names: Vec<_> = value::list(text).map(bracketed).collect();
        let rule = match names.as_slice() {
            [] => Rule::Own(listen.ip()),
            names if names.iter().any(|name| name == "*") => Rule::Any,
            _ => Rule::Listed(names),
        };
        Self { rule }
    }

    /// Says whether a `Host` header's value is let in.
    pub fn allows(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let Some(name) = without_port(&host) else { return self.rule == Rule::Any };
        match &self.rule {
            Rule::Any => true,
            Rule::Listed(names) => names.iter().any(|known| *known == host || known == name),
            Rule::Own(own) => {
                let address: Option<IpAddr> = unbracketed(name).parse().ok();
                let fits = |ip: IpAddr| {
                    own.is_unspecified() || ip == *own || ip.to_canonical().is_loopback()
                };
                name == "localhost" || address.is_some_and(fits)
            }
        }
    }

    /// Says whether a `Host` header's value is let in where no key is asked for: one that `allows`
    /// knows, an address, or a name without a dot, such as that of a container, where the caller is on
    /// another machine. Any other name may be a stranger's, who has made it point here so that his
    /// page can read what this server tells.
    pub(crate) fn allows_watcher(&self, host: &str, here: IpAddr) -> bool {
        let name = without_port(host).map(unbracketed);
        let is_remote = !here.to_canonical().is_loopback();
        let is_local = |name: &str| {
            name == "localhost"
                || (is_remote && !name.contains('.'))
                || name.parse::<IpAddr>().is_ok()
        };
        self.allows(host) || name.is_some_and(is_local)
    }
}

/// Checks a list of names as [`AllowedHosts::new`] takes them.
pub(super) fn check(text: &str) -> Result<(), &'static str> {
    let fits = |name: &str| name == "*" || without_port(&bracketed(name)).is_some();
    match value::list(text).all(fits) {
        true => Ok(()),
        false => Err("write host names as a browser shows them, such as chat.example.org or \
                      [::1]:9999, or `*` for any"),
    }
}

/// Writes an IPv6 address as it stands in a `Host` header.
fn bracketed(name: &str) -> String {
    match name.parse() {
        Ok(IpAddr::V6(address)) => format!("[{address}]"),
        _ => name.to_ascii_lowercase(),
    }
}

/// Takes a port off; none where what stands there is no host.
fn without_port(host: &str) -> Option<&str> {
    let end = host.rfind(']').map_or(0, |at| at + 1);
    let (name, port) = match host[end..].find(':') {
        Some(at) => (&host[..end + at], &host[end + at + 1..]),
        None => (host, ""),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    let fits =
        !name.is_empty() && name.bytes().all(plain) && port.bytes().all(|b| b.is_ascii_digit());
    fits.then_some(name)
}

fn unbracketed(name: &str) -> &str {
    name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(list: &str, listen: &str, hosts: &[&str]) -> Vec<bool> {
        let hosts_allowed = AllowedHosts::new(list, listen.parse().expect("an address"));
        hosts.iter().map(|host| hosts_allowed.allows(host)).collect()
    }

    #[test]
    fn g32_by_default_only_what_cannot_be_made_to_point_here() {
        let own =
            ["localhost", "LOCALHOST:1", "127.0.0.1:9999", "127.0.0.2", "[::1]:9999", "[::1]"];
        assert_eq!(allowed("", "127.0.0.1:9999", &own), [true; 6]);
        let others = [
            "",
            "evil.example",
            "localhost.evil.example",
            "10.0.0.5",
            "localhost@evil",
            "x:y",
            ":80",
            "127.0.0.1.evil.example",
            "localhost:80:80",
            "evil.example:127.0.0.1",
        ];
        assert_eq!(allowed("", "127.0.0.1:9999", &others), [false; 10]);
        assert_eq!(
            allowed("", "10.0.0.5:80", &["10.0.0.5:80", "10.0.0.6", "x"]),
            [true, false, false]
        );
        let all = ["10.0.0.5:80", "[fd00::1]", "localhost", "evil.example"];
        assert_eq!(allowed("", "0.0.0.0:80", &all), [true, true, true, false]);
    }

    #[test]
    fn g32_watchers_call_by_addresses_and_names_of_their_own_network() {
        let allowed = |list: &str, host: &str, here: &str| {
            let listen = "127.0.0.1:9999".parse().expect("an address");
            AllowedHosts::new(list, listen).allows_watcher(host, here.parse().expect("an address"))
        };
        let (near, far) = ("127.0.0.1", "10.0.0.5");
        for host in ["localhost:9100", "10.0.0.5:9100", "[fd00::1]:9100", "127.0.0.1"] {
            assert!(allowed("", host, near) && allowed("", host, far), "{host}");
        }
        assert!(allowed("", "llm2api:9100", far), "a container");
        assert!(!allowed("", "printer:9100", near), "whose network is this?");
        for host in ["evil.example", "127.0.0.1.evil.example:9100", "", "llm2api.", "a b"] {
            assert!(!allowed("", host, near) && !allowed("", host, far), "{host}");
        }
        assert!(allowed("llm2api.monitoring.svc", "llm2api.monitoring.svc:9100", far));
        assert!(allowed("*", "evil.example", near));
    }

    #[test]
    fn a_list_replaces_the_default() {
        let list = "chat.example.org, other.test:8443";
        let hosts = [
            "chat.example.org",
            "CHAT.example.org:443",
            "other.test:8443",
            "other.test",
            "localhost",
        ];
        assert_eq!(allowed(list, "127.0.0.1:1", &hosts), [true, true, true, false, false]);
        assert_eq!(allowed("*", "127.0.0.1:1", &["evil.example", "b@d"]), [true, true]);
        assert_eq!(allowed("::1", "127.0.0.1:1", &["[::1]:80", "[::2]"]), [true, false]);
    }

    #[test]
    fn what_never_fits_a_host_header_is_refused() {
        for list in ["*", "a.example, b.example:8443", "::1", "[::1]:9999", "localhost,"] {
            assert_eq!(check(list), Ok(()), "{list}");
        }
        for list in ["https://a.example", "*.a.example", "a.example/", "a b", "a:x", "ü.example"] {
            assert!(check(list).is_err(), "{list}");
        }
    }
}
