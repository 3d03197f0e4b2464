use std::time::Duration;

use llm2api_core::pool::Member;
use llm2api_core::{ChatRequest, Client, Credential, Message, Outcome, UpstreamConfig};
use tokio::time::Instant;

use super::*;
use crate::config::{Settings, Sources};
use crate::state::State;
use crate::stop::Stop;

/// The metrics and attributes of OpenTelemetry's conventions for generative AI that are told, copied
/// from docs/gen-ai/gen-ai-metrics.md of open-telemetry/semantic-conventions-genai.
const CONVENTIONS: [&str; 7] = [
    "gen_ai.client.operation.duration",
    "gen_ai.client.token.usage",
    "gen_ai.server.time_to_first_token",
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.token.type",
];

fn state(client: Client, pairs: &[(&str, &str)]) -> State {
    let mut sources = Sources::default();
    let pairs = pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    sources.environment = pairs.collect();
    let config = Settings::resolve(&sources).and_then(|settings| settings.config());
    State::new(client, &config.expect("valid"), Stop::new())
}

async fn demo() -> Client {
    Client::builder().build().await.expect("the demo needs nothing")
}

async fn say(client: &Client, model: &str) {
    let request = ChatRequest::new(model).with_message(Message::user("Hello")).with_stream(true);
    let answer = client.chat(request).await.expect("the demo answers");
    answer.collect().await.expect("a whole answer");
}

/// Returns the lines that begin so, without their values.
fn series(text: &str, start: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.starts_with(start));
    lines.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect()
}

#[tokio::test]
async fn every_family_is_there_from_the_start() {
    let state = state(demo().await, &[("METRICS_GENAI", "true")]);
    let text = write(&state, Form::OpenMetrics);
    assert!(text.ends_with("# EOF\n"), "{text}");
    let ours = |line: &&str| line.starts_with("# TYPE ") && !line.contains(" process_");
    let families: Vec<_> = text.lines().filter(ours).collect();
    insta::assert_snapshot!(families.join("\n"));
    assert!(!text.contains("_created"), "they were not asked for");
}

#[tokio::test]
async fn counters_begin_at_nothing() {
    let client = demo().await;
    client.models().await.expect("the demo lists its models");
    let text = write(&state(client, &[]), Form::Classic);
    for line in [
        "llm2api_requests_total{model=\"demo\",outcome=\"failed\"} 0",
        "llm2api_requests_total{model=\"demo\",outcome=\"refused\"} 0",
        "llm2api_requests_total{model=\"other\",outcome=\"completed\"} 0",
        "llm2api_upstream_attempts_total{upstream=\"demo\",outcome=\"cancelled\"} 0",
        "llm2api_retries_total{reason=\"rate_limit_exceeded\"} 0",
        "llm2api_credentials{upstream=\"demo\",state=\"active\"} 1",
        "llm2api_credentials{upstream=\"demo\",state=\"invalid\"} 0",
        "llm2api_overhead_seconds_count 0",
        "llm2api_authorised 1",
    ] {
        assert!(text.lines().any(|told| told == line), "{line} is missing in\n{text}");
    }
}

#[tokio::test]
async fn a_chat_is_counted_by_its_model() {
    let client = demo().await;
    say(&client, "demo").await;
    let text = write(&state(client, &[("METRICS_GENAI", "true")]), Form::OpenMetrics);
    for line in [
        "llm2api_requests_total{model=\"demo\",outcome=\"completed\"} 1",
        "llm2api_request_duration_seconds_count{model=\"demo\"} 1",
        "llm2api_request_duration_seconds_bucket{le=\"+Inf\",model=\"demo\"} 1",
        "llm2api_time_to_first_token_seconds_count{model=\"demo\"} 1",
        "llm2api_upstream_attempts_total{upstream=\"demo\",outcome=\"completed\"} 1",
        "gen_ai_client_operation_duration_seconds_count{gen_ai_operation_name=\"chat\",\
         gen_ai_provider_name=\"llm2api\",gen_ai_request_model=\"demo\"} 1",
    ] {
        assert!(text.lines().any(|told| told == line), "{line} is missing in\n{text}");
    }
}

#[tokio::test]
async fn names_that_callers_make_up_are_others_and_names_that_are_odd_are_escaped() {
    let client = demo().await;
    let metrics = client.metrics();
    metrics.known_model("made-up").end(Outcome::Cancelled, Duration::ZERO);
    metrics.model("a\"b\\c\nd").end(Outcome::Completed, Duration::ZERO);
    let text = write(&state(client, &[]), Form::Classic);
    assert!(!text.contains("made-up"), "{text}");
    let other = "llm2api_requests_total{model=\"other\",outcome=\"cancelled\"} 1";
    assert!(text.lines().any(|line| line == other), "{text}");
    let odd = r#"llm2api_requests_total{model="a\"b\\c\nd",outcome="completed"} 1"#;
    assert!(text.lines().any(|line| line == odd), "{text}");
}

#[test]
fn names_of_generative_ai_are_those_of_the_conventions() {
    let underlined: Vec<_> = CONVENTIONS.iter().map(|name| name.replace('.', "_")).collect();
    let told = [
        gen_ai::DURATION.stem,
        gen_ai::USAGE.stem,
        gen_ai::FIRST_TOKEN.stem,
        gen_ai::OPERATION,
        gen_ai::PROVIDER,
        gen_ai::MODEL,
        gen_ai::TOKEN_TYPE,
    ];
    assert_eq!(underlined, told);
}

#[tokio::test]
async fn ten_thousand_credentials_are_told_in_less_than_a_second_and_only_those_that_are_out() {
    let client = demo().await;
    // As members of the pool alone: accounts made so fast are dated ahead of the clock, which tests
    // beside this one would see.
    let secret = |number| Credential::parse("crowd", &format!("canary-{number}")).expect("is one");
    client.pool().add((0..10_000).map(|number| Member::new(secret(number))));
    let crowd = client.pool().states().into_iter().filter(|of| &*of.upstream == "crowd");
    crowd.take(3).for_each(|of| client.pool().set_enabled(&of.id, false));
    let state = state(client, &[]);
    let begun = Instant::now();
    let text = write(&state, Form::Classic);
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(1), "{took:?}");
    let told = series(&text, "llm2api_credential_state{");
    assert_eq!(told.len(), 3, "those that are not active: {told:?}");
    let active = "llm2api_credentials{upstream=\"crowd\",state=\"active\"} 9997";
    assert!(text.lines().any(|line| line == active), "{text}");
    assert!(!text.contains("canary"), "a secret is told");
}

#[tokio::test]
async fn each_credential_of_few_has_its_state() {
    let upstream = UpstreamConfig::new("demo", "team").with_credential("canary");
    let client = Client::builder().with_upstream(upstream).build().await.expect("valid");
    let [account] = &client.accounts().list()[..] else { panic!("one account") };
    let (id, label) = (account.id.clone(), account.label.clone());
    client.accounts().disable(&id).await.expect("is there");
    let text = write(&state(client, &[]), Form::Classic);
    let line = format!(
        "llm2api_credential_state{{credential_id=\"{id}\",credential=\"{label}\",\
         upstream=\"team\",state=\"disabled\"}}"
    );
    assert_eq!(series(&text, "llm2api_credential_state{"), [line]);
    assert!(!text.contains("canary"), "a secret is told");
}

#[test]
fn answers_are_counted_by_route_and_status() {
    let responses = Responses::default();
    responses.count(Some("/a".into()), 200);
    responses.count(Some("/a".into()), 200);
    responses.count(None, 404);
    assert_eq!(responses.read(), [("/a".into(), 200, 2), ("none".into(), 404, 1)]);
}
