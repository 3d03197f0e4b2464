//! What is sent.

use bytes::Bytes;
use http::Method;
use zeroize::Zeroizing;

use super::error::WireError;
use super::target::Target;

/// Room for the head of a usual request.
const HEAD: usize = 512;

/// A request, written down as it is put together.
pub(crate) struct Request {
    target: Option<Target>,
    /// First line and fields; the credential is among them.
    head: Zeroizing<Vec<u8>>,
    body: Bytes,
    has_body: bool,
    sendable: bool,
    user_agent: Option<&'static str>,
    /// The connection is for this request alone.
    closes: bool,
}

/// A request as it is sent.
pub(super) struct Prepared {
    pub(super) target: Target,
    pub(super) head: Zeroizing<Vec<u8>>,
    pub(super) body: Bytes,
    pub(super) closes: bool,
}

/// What only the framing of a request may say.
const OURS: [&str; 3] = ["host", "content-length", "transfer-encoding"];

impl Request {
    /// Begins a request; one without a target is refused when it is sent.
    pub(super) fn new(method: &Method, target: Option<Target>, user_agent: &'static str) -> Self {
        let mut head = Zeroizing::new(Vec::with_capacity(HEAD));
        if let Some(target) = &target {
            head.extend_from_slice(method.as_str().as_bytes());
            head.push(b' ');
            head.extend_from_slice(target.path().as_bytes());
            head.extend_from_slice(b" HTTP/1.1\r\n");
        }
        let has_body = !matches!(*method, Method::GET | Method::HEAD | Method::DELETE);
        let mut request = Self {
            target,
            head,
            body: Bytes::new(),
            has_body,
            sendable: true,
            user_agent: Some(user_agent),
            closes: false,
        };
        let Some(place) = request.target.as_ref().map(|target| target.place().clone()) else {
            return request;
        };
        request.put("host", place.authority.as_bytes());
        if let Some(proof) = place.proxy_authorization() {
            request.put("proxy-authorization", proof);
        }
        request
    }

    /// Adds a field. A name or value that HTTP has no form for, or that is not a caller's to give, is
    /// told when the request is sent.
    pub(crate) fn header(mut self, name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Self {
        let (name, value) = (name.as_ref(), value.as_ref());
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        self.sendable &= !OURS.into_iter().any(is);
        self.closes |= is("connection") && value.eq_ignore_ascii_case(b"close");
        self.user_agent = self.user_agent.filter(|_| !is("user-agent"));
        self.put(name, value);
        self
    }

    fn put(&mut self, name: &str, value: &[u8]) {
        self.sendable &= is_token(name.as_bytes()) && value.iter().all(|byte| is_text(*byte));
        self.make_room(name.len() + value.len() + 4);
        self.head.extend_from_slice(name.as_bytes());
        self.head.extend_from_slice(b": ");
        self.head.extend_from_slice(value);
        self.head.extend_from_slice(b"\r\n");
    }

    /// Sees to it that what was written is wiped where it has to be moved.
    fn make_room(&mut self, more: usize) {
        let wanted = self.head.len() + more;
        if wanted > self.head.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(2 * wanted));
            larger.extend_from_slice(&self.head);
            self.head = larger;
        }
    }

    /// Adds a key.
    pub(crate) fn bearer_auth(self, key: &str) -> Self {
        let mut value = Zeroizing::new(Vec::with_capacity(7 + key.len()));
        value.extend_from_slice(b"Bearer ");
        value.extend_from_slice(key.as_bytes());
        self.header("authorization", &*value)
    }

    /// Sets the body.
    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        (self.body, self.has_body) = (body.into(), true);
        self
    }

    /// Returns where the request goes, and its head and body as they are sent.
    pub(super) fn finish(mut self) -> Result<Prepared, WireError> {
        let target = self.target.take().filter(|_| self.sendable).ok_or(WireError::Unsendable)?;
        if let Some(user_agent) = self.user_agent {
            self.put("user-agent", user_agent.as_bytes());
        }
        if self.has_body {
            let length = self.body.len().to_string();
            self.put("content-length", length.as_bytes());
        }
        self.make_room(2);
        self.head.extend_from_slice(b"\r\n");
        Ok(Prepared { target, head: self.head, body: self.body, closes: self.closes })
    }
}

fn is_token(name: &[u8]) -> bool {
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.iter().all(token)
}

fn is_text(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

#[cfg(test)]
mod tests {
    use hyper_util::client::proxy::matcher::Matcher;

    use super::*;

    fn request(url: &str) -> Request {
        let target = Target::parse(url, &Matcher::builder().build());
        Request::new(&Method::POST, target, "test")
    }

    #[test]
    fn a_request_reads_as_it_should() {
        let request = request("http://[::1]:8080/v1/a%20b?c=d").bearer_auth("k").body("{}");
        let Prepared { target, head, body, .. } = request.finish().expect("sendable");
        let text = "POST /v1/a%20b?c=d HTTP/1.1\r\nhost: [::1]:8080\r\nauthorization: Bearer k\r\n\
                    user-agent: test\r\ncontent-length: 2\r\n\r\n";
        assert_eq!(std::str::from_utf8(&head).expect("text"), text);
        assert_eq!((&body[..], target.place().port), (&b"{}"[..], 8080));
    }

    #[test]
    fn what_has_no_form_is_refused() {
        let good = || request("http://a/");
        let cases = [
            good().header("x", "a\r\nb: c"),
            good().header("x", "a\0"),
            good().header("x y", "a"),
            good().header("", "a"),
            good().bearer_auth("a\nb"),
            good().header("Content-Length", "1"),
            good().header("transfer-encoding", "chunked"),
            good().header("Host", "b"),
            request("ftp://a/"),
            request("a"),
        ];
        for case in cases {
            assert!(matches!(case.finish(), Err(WireError::Unsendable)));
        }
        assert!(good().header("x", "\u{e9}\t").finish().is_ok());
    }

    #[test]
    fn what_a_caller_says_of_itself_and_of_the_connection_holds() {
        let request =
            request("http://a/").header("User-Agent", "other").header("connection", "close");
        let prepared = request.header("x", "y".repeat(5_000)).finish().expect("sendable");
        let head = String::from_utf8(prepared.head.to_vec()).expect("text");
        assert!(
            prepared.closes && head.contains("other") && !head.contains("user-agent"),
            "{head}"
        );
    }

    #[test]
    fn a_proxy_is_asked_for_the_whole_url_and_a_tunnel_is_not() {
        let proxies = Matcher::builder().all("http://u:p@proxy:3128").no("b").build();
        let head = |url| {
            let request = Request::new(&Method::GET, Target::parse(url, &proxies), "t");
            let prepared = request.finish().expect("sendable");
            String::from_utf8(prepared.head.to_vec()).expect("text")
        };
        let asked = head("http://a:81/x");
        assert!(asked.starts_with("GET http://a:81/x HTTP/1.1\r\nhost: a:81\r\n"), "{asked}");
        assert!(asked.contains("proxy-authorization: Basic dTpw\r\n"), "{asked}");
        for url in ["https://a/x", "http://b/x"] {
            let asked = head(url);
            assert!(asked.starts_with("GET /x ") && !asked.contains("proxy-"), "{asked}");
        }
    }
}
