//! The answers against the recordings of real servers, byte for byte.

use super::client::Talk;
use crate::{Family, Fixture, Options, Simulator};

const KEEP_ALIVE: &str = "{\"type\":\"status\",\"status\":\"keepAlive\"}\n";

/// What a new conversation answers to `text`.
async fn ask(family: Family, text: &str) -> String {
    let options = Options { family, ..Options::default() };
    let simulator = Simulator::start(options).await.unwrap();
    Talk::start(&simulator).await.say(text).await.replace(KEEP_ALIVE, "")
}

async fn compare(family: Family, cases: &[(&str, &str)]) {
    for (text, name) in cases {
        let recorded = Fixture::load(name).unwrap().body().replace(KEEP_ALIVE, "");
        assert_eq!(ask(family, text).await, recorded, "{name}");
    }
}

#[tokio::test]
async fn the_newest_family_answers_as_recorded() {
    let cases = [
        ("Say hello", "v0.20-plain"),
        ("THINK", "v0.20-reasoning"),
        ("ERR429", "v0.20-error-429"),
        ("ERR500", "v0.20-error-500"),
        ("MIDERR", "v0.20-error-mid-stream"),
        ("MIDERRONCE", "v0.20-silent-restart"),
        ("EMPTY", "v0.20-empty"),
        ("NOFINISH", "v0.20-no-final-answer"),
    ];
    compare(Family::V2, &cases).await;
}

#[tokio::test]
async fn the_2024_family_answers_as_recorded() {
    let cases = [
        ("Say hello", "v0.9.2-plain"),
        ("ERR500", "v0.9.2-error-500"),
        ("MIDERR", "v0.9.2-error-mid-stream"),
    ];
    compare(Family::Y2024, &cases).await;
}
