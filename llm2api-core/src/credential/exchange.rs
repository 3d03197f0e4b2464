//! Credentials as texts that other programs write and read: cookie files, browser exports, lists.
//!
//! Everything here is pure: a text in, credentials out, and back. Errors name a line or an entry
//! and never repeat what stands there.

mod jar;
mod json;
mod netscape;

use super::Secret;
use super::cookie::is_set;
use crate::error::{Error, ErrorKind, Result};

/// More credentials than this are not taken from one text.
const MOST: usize = 20_000;
/// Cookies of a domain hold for its subdomains too, so a text can stand for more than it is long.
const MOST_BYTES: usize = 64 << 20;

/// A form that credentials travel in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExchangeFormat {
    /// Our own `{"version":1,"accounts":[…]}`, and what browser extensions export. Holds everything.
    Json,
    /// Netscape's cookie file, one after the other where there are several accounts. Holds cookies.
    Netscape,
    /// `Cookie: name=value; …`, one account a line. Holds cookies.
    Header,
    /// One credential a line; lines that begin with `#` are comments.
    Plain,
}

/// A credential that was found in a text, not yet checked.
///
/// # Example
/// ```
/// use llm2api_core::credential::exchange::{self, ExchangeFormat, Found};
///
/// let text = "# from the browser\nhf-chat=abc; token=def\n";
/// assert_eq!(exchange::read(text, None)?, [Found::new("hf-chat=abc; token=def")]);
/// # Ok::<(), llm2api_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Found {
    /// A `name=value; …` cookie set, or a bare value.
    pub secret: Secret,
    /// The upstream's name, where the text says it.
    pub upstream: Option<String>,
    /// The name for people, where the text says it.
    pub label: Option<String>,
    /// The domain that the cookies belong to, in lower case and without a leading dot.
    pub domain: Option<String>,
    /// Its share of the calls, where the text says it.
    pub weight: Option<u32>,
    /// False where the text says that it is switched off.
    pub enabled: Option<bool>,
}

impl ExchangeFormat {
    /// Every format, the one that holds most first.
    pub const ALL: [Self; 4] = [Self::Json, Self::Netscape, Self::Header, Self::Plain];

    /// Returns the format's name, such as `netscape`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Netscape => "netscape",
            Self::Header => "header",
            Self::Plain => "plain",
        }
    }

    /// Finds a format by its name.
    ///
    /// ```
    /// use llm2api_core::credential::exchange::ExchangeFormat;
    ///
    /// assert_eq!(ExchangeFormat::from_name("header"), Some(ExchangeFormat::Header));
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }
}

impl Found {
    /// Takes a cookie set or a bare value.
    pub fn new(secret: impl Into<Secret>) -> Self {
        Self {
            secret: secret.into(),
            upstream: None,
            label: None,
            domain: None,
            weight: None,
            enabled: None,
        }
    }

    /// Names the upstream.
    #[must_use]
    pub fn with_upstream(mut self, name: impl Into<String>) -> Self {
        self.upstream = Some(name.into());
        self
    }

    /// Names the account for people.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Names the domain of the cookies.
    #[must_use]
    pub fn with_domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }
}

/// Finds the credentials in `text`; without a format, the text shows which one it is in.
///
/// Of a cookie file or a browser's export, the cookies of one domain are one credential, together
/// with those that its parent domains share with it, as a browser would send them. Cookies that
/// cannot stand in a header are left out.
///
/// What is found is not checked: that is [`Credential::parse`](super::Credential::parse)'s to do.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] with code `invalid_text`, naming the line or the entry, and for
/// more than 20,000 credentials.
pub fn read(text: &str, format: Option<ExchangeFormat>) -> Result<Vec<Found>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut list = List::default();
    match format.unwrap_or_else(|| detect(text)) {
        ExchangeFormat::Json => json::read(text, &mut list)?,
        ExchangeFormat::Netscape => netscape::read(text, &mut list)?,
        ExchangeFormat::Header => read_headers(text, &mut list)?,
        ExchangeFormat::Plain => {
            content(text).try_for_each(|(_, line)| list.push(Found::new(line)))?;
        }
    }
    Ok(list.found)
}

/// Writes `accounts` so that [`read`] finds them again.
///
/// # Errors
/// [`ErrorKind::InvalidRequest`] with code `unsupported_format` where an account does not fit the
/// format: nothing is left out quietly.
pub fn write(accounts: &[Found], format: ExchangeFormat) -> Result<Secret> {
    if format == ExchangeFormat::Json {
        return Ok(json::write(accounts));
    }
    let mut text = String::new();
    for account in accounts {
        let secret = account.secret.expose();
        match format {
            ExchangeFormat::Plain if is_plain(secret) => text = text + secret + "\n",
            ExchangeFormat::Header if is_set(secret) => text = text + "Cookie: " + secret + "\n",
            ExchangeFormat::Netscape if is_set(secret) => netscape::write(account, &mut text),
            _ => return Err(unsupported(format)),
        }
    }
    Ok(Secret::from(text))
}

/// What was found so far, within bounds.
#[derive(Default)]
struct List {
    found: Vec<Found>,
    bytes: usize,
}

impl List {
    fn push(&mut self, found: Found) -> Result<()> {
        self.bytes += found.secret.expose().len();
        if self.found.len() == MOST || self.bytes > MOST_BYTES {
            return Err(invalid(format!("the text holds more than {MOST} credentials: split it")));
        }
        self.found.push(found);
        Ok(())
    }
}

/// The first line that is no comment tells cookie files, headers and plain lists apart.
fn detect(text: &str) -> ExchangeFormat {
    if text.trim_start().starts_with(['{', '[']) {
        return ExchangeFormat::Json;
    }
    if text.lines().any(netscape::is_cookie_file) {
        return ExchangeFormat::Netscape;
    }
    match content(text).any(|(_, line)| cookie_header(line).is_some()) {
        true => ExchangeFormat::Header,
        false => ExchangeFormat::Plain,
    }
}

/// Reads the `Cookie` lines of one or many request heads; the other lines of a head are passed over.
fn read_headers(text: &str, list: &mut List) -> Result<()> {
    for (number, line) in content(text) {
        match cookie_header(line) {
            Some(cookies) => list.push(Found::new(cookies))?,
            None if is_of_a_head(line) => {}
            None => return Err(bad_line(number, "is neither `Cookie: …` nor another header")),
        }
    }
    Ok(())
}

/// Lists the lines that hold something, with their numbers.
fn content(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn cookie_header(line: &str) -> Option<&str> {
    let (name, value) = line.split_at_checked("cookie:".len())?;
    name.eq_ignore_ascii_case("cookie:").then(|| value.trim())
}

/// Says whether a line is a header, HTTP/2's `:path: …` included, or a request line.
fn is_of_a_head(line: &str) -> bool {
    let name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let line = line.strip_prefix(':').unwrap_or(line);
    line.split_once(':').is_some_and(|(before, _)| name(before)) || line.contains(" HTTP/")
}

fn is_plain(secret: &str) -> bool {
    let fits = |text: &str| !text.is_empty() && !text.starts_with('#') && text.trim() == text;
    fits(secret) && !secret.contains(['\n', '\r'])
}

fn bad_line(number: usize, wrong: &str) -> Error {
    invalid(format!("line {number} {wrong}"))
}

fn bad_entry(number: usize, wrong: &str) -> Error {
    invalid(format!("entry {number} {wrong}"))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRequest, "read credentials", message).with_code("invalid_text")
}

fn unsupported(format: ExchangeFormat) -> Error {
    let message = format!(
        "an account does not fit the format `{}`, which holds {}: use `json`, which holds all",
        format.as_str(),
        if format == ExchangeFormat::Plain { "lines" } else { "cookies only" }
    );
    Error::new(ErrorKind::InvalidRequest, "write credentials", message)
        .with_code("unsupported_format")
}

#[cfg(test)]
mod tests;
