use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::quota::Allowance;

const NOW: u64 = 1_790_000_000;

fn key() -> PrivateKey {
    PrivateKey::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("32 bytes")
}

fn claims() -> Claims {
    let mut claims = Claims::new("code_1", "Ada", NOW);
    claims.plan = Some("team".into());
    claims.expires = Some(NOW + 100);
    claims.limits = Allowance { concurrency: Some(4), ..Allowance::default() };
    claims
}

/// Signs any header and claims, as a careless issuer would.
fn forge(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = URL_SAFE_NO_PAD.encode(key().sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn refused(code: &str) -> Refusal {
    verify(code, &key().public_key(), NOW).expect_err("no good code")
}

#[test]
fn a_signed_code_comes_back_as_it_was() {
    let code = sign(&claims(), &key()).expect("short");
    assert_eq!(verify(code.expose(), &key().public_key(), NOW), Ok(claims()));
    insta::assert_snapshot!(code.expose());
}

#[test]
fn each_bad_code_is_refused_with_its_own_message() {
    let good = json!({"jti": "code_1", "sub": "Ada", "iat": NOW});
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        forge(&json!({"alg": "EdDSA"}), &claims)
    };
    let code = sign(&claims(), &key()).expect("short").expose().to_owned();
    let other = sign(&claims(), &PrivateKey::random().expect("random")).expect("short");
    let (head, signature) = code.rsplit_once('.').expect("has dots");
    let changed = sign(&Claims::new("code_1", "Eve", NOW), &key()).expect("short");
    let changed = changed.expose().rsplit_once('.').expect("has dots").0;
    let unsigned = forge(&json!({"alg": "none"}), &good);
    let unsigned = unsigned.rsplit_once('.').expect("has dots").0;
    let unnamed = forge(&json!({"alg": "EdDSA"}), &good);
    let cases = [
        ("x".repeat(LONGEST + 1), Refusal::TooLong),
        ("opaque".into(), Refusal::NotSigned),
        (format!("{code}.x"), Refusal::NotSigned),
        ("a.b.c".into(), Refusal::Malformed),
        (format!("{code}="), Refusal::Malformed),
        (format!("{head}."), Refusal::OtherCurve),
        (format!("{unsigned}."), Refusal::Algorithm),
        (forge(&json!({"alg": "HS256"}), &good), Refusal::Algorithm),
        (forge(&json!({"alg": "eddsa"}), &good), Refusal::Algorithm),
        (format!("{head}.{}", URL_SAFE_NO_PAD.encode([7; 114])), Refusal::OtherCurve),
        (forge(&json!({"alg": "EdDSA", "crit": ["b64"]}), &good), Refusal::Critical),
        (other.expose().into(), Refusal::OtherKey),
        (format!("{changed}.{signature}"), Refusal::Changed),
        (format!("{head}.{}", URL_SAFE_NO_PAD.encode([0; 64])), Refusal::Changed),
        (unnamed.replacen('.', ".e", 1), Refusal::WrongSignature),
        (with("nbf", json!(NOW + LEEWAY + 1)), Refusal::NotYetValid),
        (with("exp", json!(NOW)), Refusal::Expired),
        (with("exp", json!("soon")), Refusal::Malformed),
        (with("exp", json!(-1)), Refusal::Malformed),
        (with("sub", json!(7)), Refusal::Malformed),
        (with("jti", Value::Null), Refusal::Malformed),
        (with("limits", json!({"concurrency": "many"})), Refusal::Malformed),
    ];
    for (code, refusal) in cases {
        assert_eq!(refused(&code), refusal, "{}", &code[..code.len().min(80)]);
    }
    let expired = claims().expires.expect("it has an end");
    assert!(refused(&with("exp", json!(NOW))).is_expiry());
    assert_eq!(verify(&code, &key().public_key(), expired - 1), Ok(claims()));
}

#[test]
fn dates_may_have_fractions_and_clocks_may_differ() {
    let claims = json!({
        "jti": "code_1", "sub": "Ada", "iat": 1.5, "exp": 1_790_000_000.9, "nbf": NOW + LEEWAY,
        "aud": "others", "limits": {"colour": "red"},
    });
    let code = forge(&json!({"alg": "EdDSA"}), &claims);
    let claims = verify(&code, &key().public_key(), NOW - 1).expect_err("too early");
    assert_eq!(claims, Refusal::NotYetValid);
    assert_eq!(refused(&code), Refusal::Expired, "the fraction is cut");
    let read = read(&code, None).expect("it can be read");
    assert_eq!((read.issued, read.expires), (1, Some(NOW)));
    let twice = r#"{"jti":"code_1","sub":"Ada","iat":1,"sub":"Eve"}"#;
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(r#"{"alg":"EdDSA"}"#),
        URL_SAFE_NO_PAD.encode(twice)
    );
    let signature = URL_SAFE_NO_PAD.encode(key().sign(signed.as_bytes()));
    assert_eq!(refused(&format!("{signed}.{signature}")), Refusal::Malformed, "a claim twice");
}

#[test]
fn keys_are_read_in_every_base64_and_nothing_else() {
    let public = key().public_key();
    let text = public.to_string();
    let url = text.replace('+', "-").replace('/', "_");
    for text in [&text, &url, text.trim_end_matches('='), &format!(" {text}\n")] {
        assert_eq!(PublicKey::parse(text).expect("a key"), public, "{text}");
    }
    let nothing = STANDARD_ZEROES;
    for text in ["", "AAAA", nothing, &text[1..], "-----BEGIN PUBLIC KEY-----"] {
        assert!(PublicKey::parse(text).is_err(), "{text}");
    }
}

/// A point of small order: with it, one signature fits many messages.
const STANDARD_ZEROES: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_none_is_good(text in "[ -~]{0,200}", dotted in "[A-Za-z0-9_.-]{0,200}") {
        prop_assert!(verify(&text, &key().public_key(), NOW).is_err());
        prop_assert!(verify(&dotted, &key().public_key(), NOW).is_err());
    }

    #[test]
    fn one_changed_character_is_enough_to_be_refused(at in 0_usize..400, letter in "[A-Za-z0-9_-]") {
        let code = sign(&claims(), &key()).expect("short").expose().to_owned();
        let at = at % code.len();
        prop_assume!(code[at..=at] != *letter);
        let changed = format!("{}{letter}{}", &code[..at], &code[at + 1..]);
        prop_assert!(verify(&changed, &key().public_key(), NOW).is_err());
    }
}
