//! Netscape's cookie file: seven columns with tabs between them.

use super::jar::{Cookie, Jar, is_domain};
use super::{Found, List, bad_line};
use crate::error::Result;

const HEAD: &str = "# Netscape HTTP Cookie File";
const OTHER_HEAD: &str = "# HTTP Cookie File";
/// Marks a cookie that scripts cannot see; no comment, although it looks like one.
const HTTP_ONLY: &str = "#HttpOnly_";
/// Stands where the domain is not known; no such name can ever exist.
const NOWHERE: &str = "upstream.invalid";

/// Says whether a line is one that no other format has.
pub(super) fn is_cookie_file(line: &str) -> bool {
    is_head(line) || line.starts_with(HTTP_ONLY) || columns(line).is_some()
}

/// Reads one or many files; each head begins the next account.
pub(super) fn read(text: &str, list: &mut List) -> Result<()> {
    let mut jar = Jar::default();
    for (at, line) in text.lines().enumerate() {
        if is_head(line) {
            std::mem::take(&mut jar).empty_into(list)?;
            continue;
        }
        let line = line.strip_prefix(HTTP_ONLY).unwrap_or(line);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = "is no line of a cookie file: seven columns with tabs between them";
        jar.push(columns(line).ok_or_else(|| bad_line(at + 1, wrong))?);
    }
    jar.empty_into(list)
}

/// Writes a file of its own for the account, since a file holds one cookie of a name only.
pub(super) fn write(account: &Found, text: &mut String) {
    text.push_str(HEAD);
    text.push('\n');
    let domain = account.domain.as_deref().unwrap_or(NOWHERE);
    for pair in account.secret.expose().split(';').map(str::trim) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        for column in [domain, "FALSE", "/", "TRUE", "0", name] {
            text.push_str(column);
            text.push('\t');
        }
        text.push_str(value);
        text.push('\n');
    }
}

fn is_head(line: &str) -> bool {
    line.starts_with(HEAD) || line.starts_with(OTHER_HEAD)
}

/// Reads domain, subdomains, path, secure, expiry, name, value; the last is missing where it is
/// empty and the editor cuts blanks.
fn columns(line: &str) -> Option<Cookie> {
    let mut columns = line.splitn(7, '\t');
    let domain = columns.next().filter(|domain| is_domain(domain))?;
    let subdomains = columns.next().filter(|flag| is_flag(flag))?;
    let _path = columns.next()?;
    columns.next().filter(|flag| is_flag(flag))?;
    let _expiry = columns.next()?;
    let name = columns.next()?;
    let value = columns.next().unwrap_or_default();
    Some(Cookie {
        domain: Some(domain).filter(|domain| *domain != NOWHERE).unwrap_or_default().to_owned(),
        wide: domain.starts_with('.') || subdomains.eq_ignore_ascii_case("TRUE"),
        name: name.to_owned(),
        value: value.to_owned(),
    })
}

fn is_flag(text: &str) -> bool {
    ["TRUE", "FALSE"].iter().any(|flag| text.eq_ignore_ascii_case(flag))
}
