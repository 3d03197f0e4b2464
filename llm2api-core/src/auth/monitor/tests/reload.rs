//! Another code, or other figures, while it runs.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_refused_reload_leaves_what_is_kept_of_the_other_code() {
    let machine = Machine::new(good());
    let client = machine.start().await;
    let kept = machine.value("authorisation").await;
    machine.authority.say_once(no());
    let other = machine.settings().with_authorisation(machine.authorisation("bad"));
    client.reload(other).await.expect_err("refused");
    assert_eq!(machine.value("authorisation").await, kept);
}

#[tokio::test(start_paused = true)]
async fn a_reload_takes_another_code_or_changes_nothing() {
    let machine = Machine::new(good());
    let client = machine.start().await;
    let with = |code: &str| machine.settings().with_authorisation(machine.authorisation(code));

    machine.authority.say(no());
    let error = client.reload(with("bad").with_alias("new", ["demo/demo"])).await;
    assert_eq!(error.expect_err("refused").code(), "auth_code_invalid");
    assert_eq!(client.models().await.expect("models").len(), 1, "nothing changes");
    assert_eq!((state(&client), chat(&client).await), (AuthState::Verified, None));

    machine.authority.say(away());
    let error = client.reload(with("unknown")).await.expect_err("nobody knows");
    assert_eq!(error.kind(), ErrorKind::AuthUnverified);
    assert_eq!(chat(&client).await, None);

    let asked = machine.authority.asked().len();
    client.reload(machine.settings()).await.expect("the same code is not asked about");
    assert_eq!(machine.authority.asked().len(), asked);

    machine.authority.say(good());
    client.reload(with("better")).await.expect("a good code");
    assert_eq!(machine.authority.asked().last().expect("asked").code.expose(), "better");
    sleep(12 * MINUTE).await;
    assert_eq!(machine.authority.asked().last().expect("asked").code.expose(), "better");

    client.reload(Client::builder()).await.expect("no authorisation any more");
    assert!(client.authorisation().is_none());
    machine.authority.say(no());
    client.reload(with("bad")).await.expect_err("refused");
    assert_eq!(chat(&client).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_reload_mends_what_could_not_be_verified() {
    let machine = Machine::new(away());
    let client = machine.start().await;
    let with = |code: &str| machine.settings().with_authorisation(machine.authorisation(code));
    client.reload(with("other")).await.expect("there is nothing to lose");
    assert_eq!(chat(&client).await, Some("auth_unverified"));
    machine.authority.say(good());
    client.reload(with("good")).await.expect("a good code");
    assert_eq!(chat(&client).await, None);
}

#[tokio::test(start_paused = true)]
async fn another_grace_holds_at_once() {
    let machine = Machine::new(good());
    let client = machine.start().await;
    machine.authority.say(away());
    sleep(12 * MINUTE).await;
    assert_eq!(state(&client), AuthState::Grace);
    let short = machine.authorisation(CANARY).with_grace(MINUTE);
    client.reload(machine.settings().with_authorisation(short)).await.expect("the same code");
    assert_eq!(chat(&client).await, Some("auth_unverified"));
}
