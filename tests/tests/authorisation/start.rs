//! Whether a start, or a look at the settings, ends at once, and what it says.

use llm2api_core::auth::PrivateKey;
use llm2api_tests::processes::Server;

use crate::authority::Authority;
use crate::{CANARY, Data, signed};

/// Starts a server that must not come up; returns its exit code, and what it says beside its log.
async fn refusal(settings: &[(&str, &str)]) -> (Option<i32>, String) {
    let data = Data::new();
    let mut program = Server::launch(&data.path(), settings);
    let code = program.ended().await.code();
    let log = program.log();
    assert!(!log.contains(CANARY), "{log}");
    let said: Vec<_> = log.lines().filter(|line| !line.starts_with('{')).collect();
    (code, said.join("\n"))
}

#[tokio::test]
async fn a_definite_no_ends_with_78_and_one_line() {
    let (ours, theirs) = (PrivateKey::random(), PrivateKey::random());
    let (ours, theirs) = (ours.expect("random bytes"), theirs.expect("random bytes"));
    let authority = Authority::start(&[]).await;
    let (key, code) = (ours.public_key().to_string(), signed(&theirs));
    let good = signed(&ours);
    let cases: [&[(&str, &str)]; 4] = [
        &[("AUTH_PUBLIC_KEY", &key), ("AUTH_CODE", &code)],
        &[("AUTH_PUBLIC_KEY", &key), ("AUTH_CODE", CANARY)],
        &[("AUTH_URL", &authority.url), ("AUTH_CODE", CANARY)],
        &[("AUTH_URL", &authority.url), ("AUTH_PUBLIC_KEY", &key), ("AUTH_CODE", &good)],
    ];
    let mut said = Vec::new();
    for settings in cases {
        let (code, text) = refusal(settings).await;
        assert_eq!((code, text.lines().count()), (Some(78), 1), "{text}");
        said.push(text.replace(&good, "CODE"));
    }
    insta::assert_snapshot!(said.join("\n"));
}

#[tokio::test]
async fn settings_that_do_not_fit_end_with_2() {
    let settings = [("AUTH_URL", "https://auth.example.org")];
    let (code, said) = refusal(&settings).await;
    assert_eq!(code, Some(2));
    assert!(said.contains("set AUTH_CODE"), "{said}");
}

#[tokio::test]
async fn config_check_verifies_a_signature_and_asks_nobody() {
    let (ours, theirs) = (PrivateKey::random(), PrivateKey::random());
    let (ours, theirs) = (ours.expect("random bytes"), theirs.expect("random bytes"));
    let authority = Authority::start(&[]).await;
    let (key, data) = (ours.public_key().to_string(), Data::new());
    for (code, fits) in [(signed(&ours), true), (signed(&theirs), false)] {
        let settings =
            [("AUTH_URL", &*authority.url), ("AUTH_PUBLIC_KEY", &key), ("AUTH_CODE", &code)];
        let (good, said) = Server::run(&data.path(), &settings, &["config", "check"]).await;
        assert_eq!(good, fits, "{said}");
        assert!(!said.contains(&code), "{said}");
    }
    let settings = [("AUTH_URL", "http://["), ("AUTH_CODE", CANARY)];
    let (good, said) = Server::run(&data.path(), &settings, &["config", "check"]).await;
    assert!(!good && said.contains("authority's URL"), "{said}");
    assert_eq!(authority.asked().len(), 0, "nobody is asked");
}
