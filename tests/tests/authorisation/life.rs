//! How a server fares while its authority comes, goes, and changes its mind.

use std::fs;

use llm2api_tests::processes::{Server, eventually};

use crate::authority::Authority;
use crate::{CANARY, Data, SOON, chat, ready};

/// Waits until a chat ends in this way.
async fn until(server: &Server, status: u16, code: &str) {
    eventually(code, SOON, async || {
        (chat(server).await == (status, code.to_owned())).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_authority_that_comes_late_is_found_within_seconds() {
    let (data, authority) = (Data::new(), Authority::start(&[CANARY]).await);
    authority.set_works(false);
    let settings = [("AUTH_URL", &*authority.url), ("AUTH_CODE", CANARY)];
    let server = Server::start(&data.path(), &settings).await;
    assert_eq!(chat(&server).await, (503, "auth_unverified".to_owned()));
    let told = server.ask(crate::hello()).await;
    assert_eq!(told.header("retry-after"), Some("10"));
    let before = ready(&server).await;
    assert_eq!(server.api.get("/livez").await.status, 200);

    authority.set_works(true);
    until(&server, 200, "").await;
    insta::assert_snapshot!(format!("{before}\n{}", ready(&server).await));
    assert_eq!(authority.asked()[0]["version"], env!("CARGO_PKG_VERSION"));
    assert!(!data.has(CANARY), "the code is kept or logged");
}

#[tokio::test]
async fn a_restart_without_the_authority_serves_in_the_grace() {
    let (data, authority) = (Data::new(), Authority::start(&[CANARY]).await);
    let settings = [("AUTH_URL", &*authority.url), ("AUTH_CODE", CANARY), ("AUTH_GRACE", "1h")];
    let mut server = Server::start(&data.path(), &settings).await;
    assert_eq!(chat(&server).await.0, 200);
    let installation = authority.asked()[0]["installation"].clone();
    server.signal("TERM").await;
    assert!(server.ended().await);

    authority.set_works(false);
    let server = Server::start(&data.path(), &settings).await;
    assert_eq!(chat(&server).await.0, 200);
    insta::assert_snapshot!(ready(&server).await);
    assert_eq!(authority.asked().last().expect("asked")["installation"], installation);
    assert!(!data.has(CANARY), "the code is kept or logged");
}

#[tokio::test]
async fn a_grace_that_is_over_closes_and_says_since_when() {
    let (data, authority) = (Data::new(), Authority::start(&[CANARY]).await);
    let settings = [
        ("AUTH_URL", &*authority.url),
        ("AUTH_CODE", CANARY),
        ("AUTH_GRACE", "2s"),
        ("CHECK_INTERVAL", "1s"),
    ];
    let server = Server::start(&data.path(), &settings).await;
    assert_eq!(chat(&server).await.0, 200);
    authority.set_works(false);
    until(&server, 503, "auth_unverified").await;
    insta::assert_snapshot!(ready(&server).await);
}

#[tokio::test]
async fn a_revoked_code_is_refused_and_sighup_takes_another() {
    let (data, authority) = (Data::new(), Authority::start(&["first", "second"]).await);
    let code_file = data.path().join("../code");
    let write = |code: &str| fs::write(&code_file, code).expect("a file");
    write("first");
    let url = &authority.url;
    let text = format!(
        "[server]\nlisten = \"127.0.0.1:0\"\napi_key = \"sk-client\"\nadmin_key = \"sk-operator\"\n\
         log_format = \"json\"\ncheck_interval = \"1s\"\nauth_url = \"{url}\"\n\
         auth_code_file = \"../code\"\n"
    );
    fs::write(data.path().join("settings.toml"), text).expect("a file");
    let server = Server::start_from(&data.path(), "settings.toml").await;
    assert_eq!(chat(&server).await.0, 200);

    let hang_up = async || {
        let before = server.said("SIGHUP:").len();
        server.signal("HUP").await;
        eventually("an answer", SOON, async || server.said("SIGHUP:").get(before).cloned()).await
    };
    write(CANARY);
    let line = hang_up().await;
    assert_eq!(line["level"], "ERROR", "{line}");
    assert!(line["error"].as_str().is_some_and(|why| why.starts_with("`AUTH_CODE`: ")), "{line}");
    assert_eq!(chat(&server).await.0, 200, "nothing changes");

    authority.set_good(&["second"]);
    until(&server, 403, "auth_code_invalid").await;
    insta::assert_snapshot!(ready(&server).await);

    write("second");
    let line = hang_up().await;
    let message = line["message"].as_str().unwrap_or_default();
    assert!(message.ends_with("changed: settings AUTH_CODE"), "{line}");
    assert_eq!(chat(&server).await.0, 200);
    assert!(!data.has(CANARY), "a code is logged");
}
