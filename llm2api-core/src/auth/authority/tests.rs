use std::sync::Arc;

use futures::future::join_all;

use super::*;
use crate::ErrorKind;
use crate::auth::{Claims, PrivateKey, sign};
use crate::quota::Allowance;
use crate::store::{AuditEntry, MemoryStore, RecordChange, Records};

fn key() -> PrivateKey {
    PrivateKey::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("32 bytes")
}

fn authority() -> Authority {
    Authority::new(Arc::new(MemoryStore::default()), Some(key()))
}

fn wanted() -> NewCode {
    let mut wanted = NewCode::new("Ada");
    wanted.plan = Some("team".into());
    wanted.limits = Allowance { concurrency: Some(4), ..Allowance::default() };
    wanted
}

async fn check(authority: &Authority, code: &str, now: u64) -> Checked {
    authority.check(code, now).await.expect("the memory fails nobody")
}

async fn acts(authority: &Authority) -> Vec<String> {
    let log = authority.audit_log(100).await.expect("a log");
    let told = |entry: &AuditEntry| format!("{} {} {}", entry.actor, entry.act, entry.subject);
    log.iter().rev().map(told).collect()
}

#[tokio::test]
async fn a_code_lives_from_issue_to_revocation() {
    for signed in [false, true] {
        let authority = authority();
        let (issued, code) = authority.issue(wanted(), signed, "cli").await.expect("a code");
        let Claims { id, issued: now, .. } = issued.claims.clone();
        let good = check(&authority, &format!(" {}\n", code.expose()), now).await;
        assert!(good.is_valid() && good.message.is_none(), "{good:?}");
        assert_eq!((good.id.as_ref(), good.plan.as_deref()), (Some(&id), Some("team")));
        assert_eq!(good.limits.concurrency, Some(4));

        let first = authority.revoke(&id, "192.0.2.1").await.expect("it is there");
        let again = authority.revoke(&id, "192.0.2.2").await.expect("it still is");
        assert_eq!((first.is_new, again.is_new), (true, false));
        assert_eq!(first.code, again.code);
        let bad = check(&authority, code.expose(), now).await;
        assert_eq!((bad.state, bad.is_valid()), (CodeState::Revoked, false));
        assert!(bad.message.is_some_and(|text| text.starts_with("the code was revoked on 20")));

        let kind = if signed { CodeKind::Signed } else { CodeKind::Opaque };
        let listed = authority.list().await.expect("a list");
        assert_eq!((listed.len(), &listed[0]), (1, &again.code));
        assert_eq!((listed[0].kind, listed[0].state(now)), (kind, CodeState::Revoked));
        assert_eq!(authority.find(&id).await.expect("found"), Some(again.code));
        let expected = [format!("cli code.issue {id}"), format!("192.0.2.1 code.revoke {id}")];
        assert_eq!(acts(&authority).await, expected);
    }
}

#[tokio::test]
async fn a_code_is_good_between_its_dates() {
    for signed in [false, true] {
        let authority = authority();
        let now = crate::clock::unix_seconds();
        let (from, end) = (now + 1000, now + 2000);
        let wanted = NewCode { not_before: Some(from), expires: Some(end), ..wanted() };
        let (_, code) = authority.issue(wanted, signed, "cli").await.expect("a code");
        for (at, state) in [
            (now, CodeState::NotYetValid),
            (from - 61, CodeState::NotYetValid),
            (from - 60, CodeState::Active),
            (end - 1, CodeState::Active),
            (end, CodeState::Expired),
        ] {
            let verdict = check(&authority, code.expose(), at).await;
            assert_eq!(verdict.state, state, "{}", at - now);
            assert_eq!(
                (verdict.is_valid(), verdict.expires),
                (state == CodeState::Active, Some(end))
            );
        }
        let late = check(&authority, code.expose(), 253_402_300_799).await;
        let day = date::day(end);
        assert_eq!(late.message, Some(format!("the code expired on {day}")));
    }
}

#[tokio::test]
async fn nobody_learns_which_codes_there_are() {
    let authority = authority();
    let (issued, code) = authority.issue(wanted(), false, "cli").await.expect("a code");
    let (gone, revoked) = authority.issue(wanted(), false, "cli").await.expect("a code");
    let (_, signed) = authority.issue(wanted(), true, "cli").await.expect("a code");
    authority.revoke(&gone.claims.id, "cli").await.expect("it is there");
    authority.revoke("zzzzzzzzzzzzzzzz", "cli").await.expect("it is kept");
    let now = issued.claims.issued;
    let (id, code) = (issued.claims.id.as_str(), code.expose());
    let (revoked, gone) = (revoked.expose(), gone.claims.id.as_str());
    let other = sign(&issued.claims, &PrivateKey::random().expect("random")).expect("short");
    let zeroes = "0".repeat(64);
    let texts = [
        String::new(),
        id.to_owned(),
        format!("l2a_{id}"),
        format!("l2a_{id}_"),
        format!("l2a_{id}_{zeroes}"),
        format!("l2a_{gone}_{zeroes}"),
        format!("l2a_aaaaaaaaaaaaaaaa_{zeroes}"),
        format!("l2a_zzzzzzzzzzzzzzzz_{zeroes}"),
        format!("l2a_0000000000000000_{zeroes}"),
        format!("l2a_{}_{zeroes}", "x".repeat(9000)),
        code[..code.len() - 1].to_owned(),
        format!("{code}0"),
        code.to_uppercase(),
        code.replacen(id, gone, 1),
        revoked.replacen(gone, id, 1),
        format!("{code} {code}"),
        other.expose().to_owned(),
        format!("{}x", signed.expose()),
        "a.b.c".to_owned(),
        ".".to_owned(),
    ];
    let told: Vec<_> = join_all(texts.iter().map(|text| check(&authority, text, now))).await;
    for (text, verdict) in texts.iter().zip(&told) {
        assert_eq!(verdict, &told[0], "{text}");
    }
    assert_eq!(told[0], Checked::invalid());
    assert_eq!(told[0].message.as_deref(), Some("the code is not valid"));
    assert!(check(&authority, code, now).await.is_valid());
}

#[tokio::test]
async fn the_store_has_the_secret_of_no_code() {
    let store = Arc::new(MemoryStore::default());
    let authority = Authority::new(store.clone(), Some(key()));
    let (_, opaque) = authority.issue(wanted(), false, "cli").await.expect("a code");
    let (_, signed) = authority.issue(wanted(), true, "cli").await.expect("a code");
    let secret = opaque.expose().rsplit('_').next().expect("a part");
    let signature = signed.expose().rsplit('.').next().expect("a part");
    let listing = store.records("auth_code", None).await.expect("read").expect("new");
    assert_eq!(listing.records.len(), 2);
    let kept = format!("{:?} {:?}", listing.records, store.audit_log(10).await.expect("read"));
    assert!(kept.contains("Ada") && !kept.contains(secret) && !kept.contains(signature), "{kept}");
    assert!(!format!("{authority:?}").contains("AAEC"));
}

#[tokio::test]
async fn a_record_that_cannot_be_read_hides_no_other() {
    let store = Arc::new(MemoryStore::default());
    let authority = Authority::new(store.clone(), None);
    let (issued, _) = authority.issue(wanted(), false, "cli").await.expect("a code");
    let (at, actor, act) = (1, "cli".to_owned(), "code.issue".to_owned());
    let audit = AuditEntry { at, actor, act, subject: "later".to_owned() };
    let (id, text) = ("later".to_owned(), r#"{"kind":"of_later","claims":7}"#.to_owned());
    let change = RecordChange { collection: "auth_code", id, expected: None, text, audit };
    store.change_record(&change).await.expect("the memory fails nobody");
    assert_eq!(authority.list().await.expect("a list"), [issued]);
    let error = authority.revoke("later", "cli").await.expect_err("it stays as it is");
    assert_eq!(error.kind(), ErrorKind::Store);
}

#[tokio::test]
async fn a_signed_code_from_elsewhere_is_taken_and_can_be_revoked() {
    let authority = authority();
    let now = crate::clock::unix_seconds();
    let code = sign(&Claims::new("code/7 of Bob", "Bob", now), &key()).expect("short");
    assert!(check(&authority, code.expose(), now).await.is_valid());
    assert_eq!(authority.list().await.expect("a list"), []);
    let revoked = authority.revoke("code/7 of Bob", "cli").await.expect("kept");
    assert_eq!((revoked.is_new, revoked.code.kind), (true, CodeKind::Unrecorded));
    assert_eq!(check(&authority, code.expose(), now).await.state, CodeState::Revoked);

    let keyless = Authority::new(Arc::new(MemoryStore::default()), None);
    assert!(!keyless.can_sign() && authority.can_sign());
    for text in [code.expose(), "a.b.c", "canary.", "."] {
        let error = keyless.check(text, now).await.expect_err("nobody can say");
        let told = (error.kind(), error.code());
        assert_eq!(told, (ErrorKind::AuthUnverified, "authority_without_key"), "{text}");
        let told = error.to_string();
        assert!(told.contains("--private-key-file") && !told.contains("canary"), "{told}");
    }
    let error = keyless.issue(wanted(), true, "cli").await.expect_err("no key");
    assert_eq!((error.kind(), error.code()), (ErrorKind::InvalidRequest, "no_signing_key"));
}

#[tokio::test]
async fn what_cannot_be_issued_or_revoked_leaves_no_trace() {
    let authority = authority();
    let long = "x".repeat(101);
    let now = crate::clock::unix_seconds();
    let zero = Allowance { tokens_per_day: Some(0), ..Allowance::default() };
    let far = Some(253_402_300_800);
    let cases = [
        ("holder", NewCode::new("")),
        ("holder", NewCode::new(" ")),
        ("holder", NewCode::new("a\nb")),
        ("holder", NewCode::new(&*long)),
        ("plan", NewCode { plan: Some(long), ..wanted() }),
        ("expires_at", NewCode { expires: Some(now), ..wanted() }),
        ("expires_at", NewCode { expires: far, ..wanted() }),
        ("not_before", NewCode { not_before: far, ..wanted() }),
        ("expires_at", NewCode { not_before: Some(now + 20), expires: Some(now + 20), ..wanted() }),
        ("limits.tokens_per_day", NewCode { limits: zero, ..wanted() }),
    ];
    for (param, wanted) in cases {
        for signed in [false, true] {
            let error = authority.issue(wanted.clone(), signed, "cli").await.expect_err(param);
            assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some(param)));
        }
    }
    for id in ["", "a\u{7f}", &"x".repeat(201)] {
        let error = authority.revoke(id, "cli").await.expect_err("no id");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
    assert_eq!(acts(&authority).await, [""; 0]);
    assert_eq!(authority.list().await.expect("a list"), []);
}

#[tokio::test]
async fn a_whole_code_is_no_id_and_is_kept_nowhere() {
    for signed in [false, true] {
        let authority = authority();
        let (issued, code) = authority.issue(wanted(), signed, "cli").await.expect("a code");
        let whole = code.expose();
        let cut = &whole[..whole.len() - 20];
        let line = format!("AUTH_CODE=\"{whole}\"");
        for id in [whole.to_owned(), format!(" {whole}"), line, cut.to_owned()] {
            let error = authority.revoke(&id, "cli").await.expect_err("a code");
            let told = (error.kind(), error.code(), error.param());
            assert_eq!(told, (ErrorKind::InvalidRequest, "invalid_value", Some("id")));
            let text = format!("{error} {error:?}");
            assert!(text.contains("this is the code itself: give its id"), "{text}");
            assert!(!text.contains(&whole[8..]), "{text}");
        }
        let expected = [format!("cli code.issue {}", issued.claims.id)];
        assert_eq!(acts(&authority).await, expected);
        let listed = authority.list().await.expect("a list");
        assert_eq!((listed.len(), &listed[0]), (1, &issued));
        assert!(check(&authority, whole, issued.claims.issued).await.is_valid());
        authority.revoke(&issued.claims.id, "cli").await.expect("an id");
    }
    let id = "l2a_abcdefghijkmnpqr";
    authority().revoke(id, "cli").await.expect_err("a code that was cut off after its id");
}

#[tokio::test]
async fn what_merely_resembles_a_code_can_be_revoked() {
    let now = crate::clock::unix_seconds();
    // The last ones begin with the JSON `{}` and `7`, which are no header.
    let error = authority().revoke("sk-l2a-7k2m9xq4wt1c-canary", "cli").await.expect_err("a key");
    assert!(error.param() == Some("id") && !error.to_string().contains("canary"), "{error}");
    for id in ["org.example.team.7", "code.7", "2026.07.1", "a.b.c", "e30.e30.e30", "Nw.x.y"]
        .into_iter()
        .chain(["l2a_7", "old-l2a_7", "l2a_team_7", "l2a_2026.07.1", "l2a_abcdefghijkmnpqrs_7"])
    {
        let authority = authority();
        let code = sign(&Claims::new(id, "Bob", now), &key()).expect("short");
        assert!(check(&authority, code.expose(), now).await.is_valid(), "{id}");
        authority.revoke(id, "cli").await.expect(id);
        assert_eq!(check(&authority, code.expose(), now).await.state, CodeState::Revoked, "{id}");
    }
}
