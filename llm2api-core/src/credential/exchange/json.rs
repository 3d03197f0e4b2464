//! JSON: our own list of accounts, and what browser extensions export.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::jar::{Cookie, Jar, is_domain};
use super::{Found, List, bad_entry, bad_line, invalid};
use crate::credential::Secret;
use crate::error::Result;

/// The version of our own form.
const VERSION: u64 = 1;

#[derive(Serialize)]
struct Backup<'a> {
    version: u64,
    accounts: Vec<Account<'a>>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Account<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upstream: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<Cow<'a, str>>,
    cookie: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    weight: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
}

/// Writes our own form, which holds everything but domains.
pub(super) fn write(accounts: &[Found]) -> Secret {
    let accounts = accounts.iter().map(|found| Account {
        upstream: found.upstream.as_deref().map(Cow::Borrowed),
        label: found.label.as_deref().map(Cow::Borrowed),
        cookie: Cow::Borrowed(found.secret.expose()),
        weight: found.weight,
        enabled: found.enabled,
    });
    let backup = Backup { version: VERSION, accounts: accounts.collect() };
    let text = serde_json::to_string(&backup);
    Secret::from(text.expect("a String takes everything, and all keys are texts"))
}

/// Reads `{"version","accounts"}`, `{"cookies"}`, a list of cookies, and lists of such.
pub(super) fn read(text: &str, list: &mut List) -> Result<()> {
    let value = serde_json::from_str(text)
        .map_err(|error| bad_line(error.line(), "is where the JSON text goes wrong"))?;
    let items = match value {
        Value::Array(items) => items,
        Value::Object(mut map) => {
            let version = map.remove("version").unwrap_or(VERSION.into());
            if version.as_u64() != Some(VERSION) {
                return Err(invalid(
                    "the `version` of the export is not 1: this one reads only that",
                ));
            }
            match map.remove("accounts").or_else(|| map.remove("cookies")) {
                Some(Value::Array(items)) => items,
                _ => return Err(invalid("the JSON object has no list of `accounts` or `cookies`")),
            }
        }
        _ => return Err(invalid("the JSON text is neither a list nor an object")),
    };
    accounts(items, list)
}

/// Reads accounts, one an item; cookies that stand here by themselves are one browser's.
fn accounts(items: Vec<Value>, list: &mut List) -> Result<()> {
    let mut jar = Jar::default();
    for (at, item) in items.into_iter().enumerate() {
        let wrong = || bad_entry(at + 1, "is neither a cookie nor an account");
        match item {
            Value::String(text) => list.push(Found::new(text))?,
            Value::Array(cookies) => browser(cookies).ok_or_else(wrong)?.empty_into(list)?,
            Value::Object(map) if map.contains_key("name") => {
                jar.push(cookie(map).ok_or_else(wrong)?);
            }
            Value::Object(mut map) if map.contains_key("cookies") => {
                let Some(Value::Array(cookies)) = map.remove("cookies") else {
                    return Err(wrong());
                };
                browser(cookies).ok_or_else(wrong)?.empty_into(list)?;
            }
            item => list.push(account(item).ok_or_else(wrong)?)?,
        }
    }
    jar.empty_into(list)
}

fn account(item: Value) -> Option<Found> {
    let Account { upstream, label, cookie, weight, enabled } = serde_json::from_value(item).ok()?;
    let mut found = Found::new(cookie.into_owned());
    found.upstream = upstream.map(Cow::into_owned);
    found.label = label.map(Cow::into_owned);
    (found.weight, found.enabled) = (weight, enabled);
    Some(found)
}

fn browser(cookies: Vec<Value>) -> Option<Jar> {
    let mut jar = Jar::default();
    for item in cookies {
        let Value::Object(map) = item else { return None };
        jar.push(cookie(map)?);
    }
    Some(jar)
}

/// Reads `{"name","value","domain","hostOnly",…}`; the rest is of no use to a header.
fn cookie(mut map: Map<String, Value>) -> Option<Cookie> {
    let mut text = |name| match map.remove(name) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let (name, value) = (text("name")?, text("value")?);
    let domain = text("domain").filter(|domain| is_domain(domain)).unwrap_or_default();
    let host_only = map.get("hostOnly").and_then(Value::as_bool).unwrap_or(false);
    let wide = domain.starts_with('.') && !host_only;
    Some(Cookie { domain, wide, name, value })
}
