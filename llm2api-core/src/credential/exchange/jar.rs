//! The cookies of one browser, sorted out by domain.

use std::collections::HashMap;

use super::{Found, List};
use crate::credential::CookieSet;
use crate::error::Result;

/// One cookie of a file or an export.
pub(super) struct Cookie {
    pub(super) domain: String,
    /// Whether it is sent to subdomains too.
    pub(super) wide: bool,
    pub(super) name: String,
    pub(super) value: String,
}

/// The cookies of one account's browser.
#[derive(Default)]
pub(super) struct Jar {
    domains: Vec<(String, Vec<Cookie>)>,
    places: HashMap<String, usize>,
}

impl Jar {
    /// Adds a cookie; one that cannot stand in a header is left out.
    pub(super) fn push(&mut self, cookie: Cookie) {
        if !is_sendable(&cookie.name, &cookie.value) {
            return;
        }
        let domain = cookie.domain.trim_start_matches('.').to_ascii_lowercase();
        let place = *self.places.entry(domain.clone()).or_insert_with(|| {
            self.domains.push((domain, Vec::new()));
            self.domains.len() - 1
        });
        self.domains[place].1.push(cookie);
    }

    /// Hands out one set a domain, in the order of their first cookies.
    pub(super) fn empty_into(self, list: &mut List) -> Result<()> {
        for (domain, cookies) in &self.domains {
            let inherited = self.inherited(domain, cookies);
            let pairs = cookies.iter().chain(inherited);
            let pairs: Vec<_> = pairs.map(|c| format!("{}={}", c.name, c.value)).collect();
            let mut found = Found::new(pairs.join("; "));
            found.domain = Some(domain.clone()).filter(|domain| !domain.is_empty());
            list.push(found)?;
        }
        Ok(())
    }

    /// Lists what the parent domains share, apart from names that the domain has itself.
    fn inherited<'a>(&'a self, domain: &'a str, own: &'a [Cookie]) -> Vec<&'a Cookie> {
        let parents = domain.match_indices('.').map(|(at, _)| &domain[at + 1..]);
        let parents = parents.filter_map(|parent| self.places.get(parent));
        let cookies = parents.flat_map(|place| &self.domains[*place].1);
        cookies.filter(|c| c.wide && own.iter().all(|other| other.name != c.name)).collect()
    }
}

fn is_sendable(name: &str, value: &str) -> bool {
    !value.contains(';') && CookieSet::parse(&format!("{name}={value}")).is_ok()
}

/// Says whether a text can be a host's name or address; other texts are not shown to anybody.
pub(super) fn is_domain(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    (1..=255).contains(&text.len()) && text.bytes().all(plain)
}
