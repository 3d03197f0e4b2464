//! Several servers of one store.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_refusal_is_not_brought_back_by_another_server_that_hears_nothing() {
    let one = Machine::new(good());
    let two = one.beside(good());
    let (first, second) = (one.start().await, two.start().await);
    one.authority.say(no());
    sleep(12 * MINUTE).await;
    two.authority.say(away());
    sleep(12 * MINUTE).await;
    assert_eq!(chat(&first).await, Some("auth_code_invalid"));
    assert_eq!(chat(&second).await, Some("auth_unverified"), "the other one's no counts here too");
    assert!(one.value("authorisation").await.contains("\"said\":null"));
    Machine::stop(first).await;
    Machine::stop(second).await;
    one.authority.say(away());
    let client = one.start().await;
    assert_eq!(chat(&client).await, Some("auth_unverified"), "the last word was a no");
    one.authority.say(good());
    sleep(15 * SECOND).await;
    assert_eq!(chat(&client).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_reaches_a_server_that_is_in_its_grace() {
    let one = Machine::new(good());
    let two = one.beside(good());
    let (_first, second) = (one.start().await, two.start().await);
    two.authority.say(away());
    sleep(12 * MINUTE).await;
    assert_eq!(state(&second), AuthState::Grace);
    one.authority.say(no());
    sleep(24 * MINUTE).await;
    assert_eq!(chat(&second).await, Some("auth_unverified"));
    assert!(one.value("authorisation").await.contains("\"said\":null"));
    one.authority.say(good());
    sleep(12 * MINUTE).await;
    assert_eq!(state(&second), AuthState::Grace, "and so does the good answer after it");
}

#[tokio::test(start_paused = true)]
async fn the_grace_begins_after_the_last_good_answer_to_any_server() {
    let one = Machine::new(good());
    let two = one.beside(good());
    let (first, second) = (one.start().await, two.start().await);
    two.authority.say(away());
    sleep(30 * HOUR).await;
    assert_eq!((state(&first), state(&second)), (AuthState::Verified, AuthState::Grace));
    Machine::stop(first).await;
    one.authority.say(away());
    let first = one.start().await;
    assert_eq!((state(&first), chat(&first).await), (AuthState::Grace, None));
    sleep(25 * HOUR).await;
    assert_eq!(chat(&first).await, Some("auth_unverified"));
    assert_eq!(chat(&second).await, Some("auth_unverified"));
}
