//! What a start waits for, and what ends it.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_definite_no_ends_a_start() {
    let machine = Machine::new(no());
    let error = machine.settings().build().await.expect_err("refused");
    assert_eq!((error.kind(), error.code()), (ErrorKind::AuthInvalid, "auth_code_invalid"));
    machine.authority.say(Verdict::Denied(Denial::expired("it has expired")));
    let error = machine.settings().build().await.expect_err("refused");
    assert_eq!((error.kind(), error.code()), (ErrorKind::AuthInvalid, "auth_code_expired"));
    machine.authority.say(good_until(MONDAY));
    let error = machine.settings().build().await.expect_err("refused");
    assert_eq!(error.code(), "auth_code_expired", "whatever the authority calls it");
}

#[tokio::test(start_paused = true)]
async fn a_start_without_the_authority_waits_for_it() {
    let machine = Machine::new(away());
    let client = machine.start().await;
    assert_eq!(chat(&client).await, Some("auth_unverified"));
    sleep(Duration::from_secs(25)).await;
    assert_eq!(machine.authority.asked().len(), 3, "every ten seconds");
    machine.authority.say(good());
    sleep(Duration::from_secs(15)).await;
    assert_eq!(chat(&client).await, None);
}

#[tokio::test(start_paused = true)]
async fn a_start_after_the_expiry_waits_for_the_authority() {
    let machine = Machine::new(good_until(MONDAY + 3600));
    Machine::stop(machine.start().await).await;
    sleep(2 * HOUR).await;
    machine.authority.say(away());
    let client = machine.start().await;
    assert_eq!(
        (state(&client), chat(&client).await),
        (AuthState::Expired, Some("auth_code_expired"))
    );
    let silent =
        machine.authorisation(CANARY).with_authority(Slow(HOUR, machine.authority.clone()));
    let settings = machine.settings().with_authorisation(silent);
    let slow = settings.build().await.expect("a slow answer is no refusal");
    assert_eq!(chat(&slow).await, Some("auth_code_expired"));
    Machine::stop(slow).await;
    machine.authority.say(good());
    sleep(15 * SECOND).await;
    assert_eq!((state(&client), chat(&client).await), (AuthState::Verified, None), "prolonged");
}

#[tokio::test(start_paused = true)]
async fn a_signed_code_that_has_expired_ends_a_start_without_the_authority() {
    let key = PrivateKey::random().expect("random bytes");
    let mut claims = Claims::new("code_1", "Ada", MONDAY);
    claims.expires = Some(MONDAY + 3600);
    let code = sign(&claims, &key).expect("a code");
    let machine = Machine::new(good());
    let both = || machine.authorisation(code.expose()).with_public_key(key.public_key());
    let settings = || machine.settings().with_authorisation(both());
    Machine::stop(settings().build().await.expect("a client")).await;
    sleep(2 * HOUR).await;
    machine.authority.say(away());
    let error = settings().build().await.expect_err("expired by its own words");
    assert_eq!(error.code(), "auth_code_expired");
}

/// Never answers.
#[derive(Debug)]
struct Silent;

#[async_trait]
impl Verify for Silent {
    fn name(&self) -> &'static str {
        "silent"
    }

    async fn verify(&self, _: &Question) -> Verdict {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_authority_holds_nobody_up() {
    let machine = Machine::new(good());
    let silent = machine.authorisation(CANARY).with_authority(Silent);
    let begun = Instant::now();
    let client = machine.settings().with_authorisation(silent).build().await.expect("a client");
    assert!(begun.elapsed() <= Duration::from_secs(6));
    assert_eq!(chat(&client).await, Some("auth_unverified"));
}

/// An authority that takes its time.
#[derive(Debug)]
struct Slow(Duration, Scripted);

#[async_trait]
impl Verify for Slow {
    fn name(&self) -> &str {
        self.1.name()
    }

    async fn verify(&self, question: &Question) -> Verdict {
        sleep(self.0).await;
        self.1.verify(question).await
    }
}

#[tokio::test(start_paused = true)]
async fn a_start_waits_two_seconds_and_a_slower_answer_counts_when_it_comes() {
    for (verdict, state) in [(good(), AuthState::Verified), (no(), AuthState::Denied)] {
        let machine = Machine::new(verdict);
        let slow = Slow(Duration::from_secs(3), machine.authority.clone());
        let authorisation = machine.authorisation(CANARY).with_authority(slow);
        let begun = Instant::now();
        let client = machine.settings().with_authorisation(authorisation).build().await;
        let client = client.expect("nobody has said no");
        assert_eq!(begun.elapsed().as_secs(), 2);
        assert_eq!(status(&client).state, AuthState::Unverified);
        assert!(status(&client).message.is_some_and(|text| text.contains("within 2 s")));
        sleep(Duration::from_millis(3_100)).await;
        assert_eq!(status(&client).state, state);
        Machine::stop(client).await;
    }
}
