use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn found(text: &str) -> Vec<Found> {
    read(text, None).unwrap_or_else(|error| panic!("{error}"))
}

fn wrong(text: &str, format: Option<ExchangeFormat>) -> String {
    read(text, format).expect_err("a mistake").message().to_owned()
}

#[test]
fn a_text_shows_its_format() {
    let netscape = "example.org\tFALSE\t/\tTRUE\t0\ta\t1";
    let cases = [
        ("{\"version\":1,\"accounts\":[{\"cookie\":\"a=1\"}]}", ExchangeFormat::Json),
        (" [\"a=1\"]", ExchangeFormat::Json),
        (netscape, ExchangeFormat::Netscape),
        ("#HttpOnly_example.org\tFALSE\t/\tTRUE\t0\ta\t1", ExchangeFormat::Netscape),
        ("GET / HTTP/1.1\nHost: x\ncookie: a=1\n", ExchangeFormat::Header),
        ("# mine\na=1\n", ExchangeFormat::Plain),
        ("sk-1", ExchangeFormat::Plain),
        ("", ExchangeFormat::Plain),
    ];
    for (text, format) in cases {
        assert_eq!(detect(text), format, "{text}");
    }
}

#[test]
fn cookies_of_one_domain_are_one_credential() {
    let text = "\u{feff}# Netscape HTTP Cookie File\r\n\
                # a comment\r\n\
                \r\n\
                #HttpOnly_.Example.org\tTRUE\t/\tTRUE\t1999999999\ttoken\tt1\r\n\
                example.org\tFALSE\t/\tFALSE\t0\thf-chat\th1\r\n\
                other.test\tFALSE\t/\tFALSE\t0\tsid\ts1\r\n\
                # Netscape HTTP Cookie File\r\n\
                example.org\tFALSE\t/\tFALSE\t0\thf-chat\th2\r\n";
    let expected = [
        Found::new("token=t1; hf-chat=h1").with_domain("example.org"),
        Found::new("sid=s1").with_domain("other.test"),
        Found::new("hf-chat=h2").with_domain("example.org"),
    ];
    assert_eq!(found(text), expected);
}

#[test]
fn parents_share_what_is_not_for_them_alone() {
    let text = r#"[
        {"domain": ".example.org", "hostOnly": false, "name": "token", "value": "t"},
        {"domain": "example.org", "hostOnly": true, "name": "own", "value": "o"},
        {"domain": ".example.org", "name": "sid", "value": "parent"},
        {"domain": "chat.example.org", "name": "sid", "value": "child"}
    ]"#;
    let expected = [
        Found::new("token=t; own=o; sid=parent").with_domain("example.org"),
        Found::new("sid=child; token=t").with_domain("chat.example.org"),
    ];
    assert_eq!(found(text), expected);
}

#[test]
fn cookies_that_no_header_takes_are_left_out() {
    let text = r#"[{"name": "a", "value": "1"}, {"name": "junk", "value": "{\"x\": ü}"},
                   {"name": "b", "value": "1;c=2"}]"#;
    assert_eq!(found(text), [Found::new("a=1")]);
}

#[test]
fn exports_of_many_accounts_are_taken_apart() {
    let text = r#"[[{"name": "a", "value": "1"}], [{"name": "a", "value": "2"}],
                   {"cookies": [{"name": "a", "value": "3"}], "origins": []}, "a=4",
                   {"cookie": "a=5", "label": "Ann", "upstream": "team"}]"#;
    let last = Found::new("a=5").with_label("Ann").with_upstream("team");
    let secrets = ["a=1", "a=2", "a=3", "a=4"].map(Found::new);
    assert_eq!(found(text), [&secrets[..], &[last]].concat());
    let playwright = r#"{"cookies": [{"name": "a", "value": "1", "domain": "x.test"}]}"#;
    assert_eq!(found(playwright), [Found::new("a=1").with_domain("x.test")]);
}

#[test]
fn request_heads_may_be_pasted_as_they_are() {
    let text =
        "GET /chat HTTP/1.1\n:authority: x.test\nAccept: */*\nCookie: a=1; b=2\n\ncookie: c=3";
    assert_eq!(found(text), [Found::new("a=1; b=2"), Found::new("c=3")]);
}

#[test]
fn mistakes_are_named_by_line_and_never_quoted() {
    let cases = [
        ("{\n\"cookies\": [\ncanary]}", None),
        ("{}", None),
        ("{\"accounts\": \"canary\"}", None),
        ("{\"version\": 2, \"accounts\": []}", None),
        ("[{\"name\": \"a\", \"value\": \"1\"}, 7]", None),
        ("[{\"cookie\": \"a=1\", \"canary\": 1}]", None),
        ("[[\"canary\"]]", None),
        ("x.test\tFALSE\t/\tTRUE\t0\ta\t1\n\ncanary", None),
        ("canary", Some(ExchangeFormat::Netscape)),
        ("Cookie: a=1\ncanary=2", None),
        ("canary", Some(ExchangeFormat::Json)),
    ];
    let mut table = String::new();
    for (text, format) in cases {
        writeln!(table, "{}", wrong(text, format)).expect("a String takes everything");
    }
    assert!(!table.contains("canary"), "{table}");
    insta::assert_snapshot!(table);
}

#[test]
fn there_is_an_end_to_what_is_taken() {
    assert_eq!(found(&"a=1\n".repeat(MOST)).len(), MOST);
    assert!(wrong(&"a=1\n".repeat(MOST + 1), None).contains("20000"));
    let value = "x".repeat(16_000);
    let children = (0..MOST)
        .fold(format!(".x.test\tTRUE\t/\tTRUE\t0\ta\t{value}\n"), |text, at| {
            text + &format!("h{at}.x.test\tTRUE\t/\tTRUE\t0\tb\t1\n")
        });
    assert!(wrong(&children, None).contains("split it"), "not a hundred times its size");
}

#[test]
fn what_does_not_fit_is_refused_and_not_left_out() {
    let bare = [Found::new("a=1"), Found::new("sk-canary")];
    for format in [ExchangeFormat::Netscape, ExchangeFormat::Header] {
        let error = write(&bare, format).expect_err("holds cookies only");
        assert_eq!(error.code(), "unsupported_format");
        assert!(!error.to_string().contains("canary"));
    }
    assert!(write(&[Found::new("# no comment")], ExchangeFormat::Plain).is_err());
    assert!(write(&[Found::new("two\nlines")], ExchangeFormat::Plain).is_err());
}

fn cookies() -> impl Strategy<Value = String> {
    let pair = "[A-Za-z0-9_-]{1,8}=[!-:<-\\[\\]-~]{1,12}";
    let not_only_equals = |pair: &String| !pair.ends_with('=');
    vec(pair.prop_filter("a bare value", not_only_equals), 1..4).prop_map(|pairs| pairs.join("; "))
}

fn domain() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("[a-z0-9]{1,5}(\\.[a-z]{1,3}){0,2}")
}

/// Anything at all, as the JSON form holds it.
fn account() -> impl Strategy<Value = Found> {
    let text = || proptest::option::of(any::<String>());
    (any::<String>(), text(), text()).prop_map(|(secret, upstream, label)| {
        let mut found = Found::new(secret);
        (found.upstream, found.label) = (upstream, label);
        found
    })
}

fn cookie_account() -> impl Strategy<Value = Found> {
    (cookies(), domain()).prop_map(|(secret, domain)| {
        let mut found = Found::new(secret);
        found.domain = domain;
        found
    })
}

fn check(accounts: &[Found], format: ExchangeFormat, detected: bool) -> Result<(), TestCaseError> {
    let text = write(accounts, format).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let formats = [Some(format), None];
    for format in &formats[..=usize::from(detected)] {
        let found = read(text.expose(), *format);
        prop_assert_eq!(found.expect("what was written can be read"), accounts);
    }
    Ok(())
}

proptest! {
    #[test]
    fn json_holds_everything(accounts in vec(account(), 0..6)) {
        check(&accounts, ExchangeFormat::Json, true)?;
    }

    #[test]
    fn cookie_files_hold_cookies_and_domains(accounts in vec(cookie_account(), 0..6)) {
        check(&accounts, ExchangeFormat::Netscape, true)?;
    }

    #[test]
    fn headers_hold_cookies(secrets in vec(cookies(), 0..6)) {
        let accounts: Vec<_> = secrets.into_iter().map(Found::new).collect();
        check(&accounts, ExchangeFormat::Header, true)?;
    }

    #[test]
    fn plain_lists_hold_lines(secrets in vec("[!-\"$-~][!-~]{0,20}", 0..6)) {
        let accounts: Vec<_> = secrets.into_iter().map(Found::new).collect();
        check(&accounts, ExchangeFormat::Plain, false)?;
    }

    #[test]
    fn no_text_brings_it_down(text in any::<String>(), at in 0..5_usize) {
        let _ = read(&text, ExchangeFormat::ALL.get(at).copied());
    }
}
