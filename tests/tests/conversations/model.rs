//! Random histories: whatever a client sends, the model is given just that.

use std::env;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{join, join_all};
use llm2api_core::pool::PoolRules;
use llm2api_core::{ChatRequest, Client, Message, Role};
use llm2api_tests::{Options, Snapshot};

use crate::stage::{Answered, MODEL, ask, made, settings, simulator};

/// Histories in all at least, unless `HISTORIES` says otherwise.
const HISTORIES: usize = 10_000;
/// Requests at one simulator, and how many talk to it at the same time.
const ROUND: usize = 100;
const TALKERS: usize = 4;
const ACCOUNTS: usize = 3;
/// Simulators at the same time.
const AT_ONCE: usize = 4;

/// One who talks, goes back, and begins anew.
struct Talker<'a> {
    client: &'a Client,
    random: fastrand::Rng,
    answered: Vec<Answered>,
    name: String,
    said: usize,
}

impl Talker<'_> {
    /// A text of its own, whose answer is one of its own too, or one that others have as well.
    fn text(&mut self) -> String {
        self.said += 1;
        let (name, number) = match self.random.u8(..3) {
            0 => ("everybody", self.random.usize(..4)),
            _ => (self.name.as_str(), self.said),
        };
        let text = format!("question {number} of {name}\nECHO:answer {number} to {name}");
        if self.random.u8(..4) == 0 { format!("THINK {text} ") } else { text }
    }

    fn question(&mut self) -> Message {
        Message::user(self.text())
    }

    /// What one of those that were answered has come to.
    fn history(&mut self) -> Vec<Message> {
        if self.answered.is_empty() || self.random.u8(..10) == 0 {
            return self.beginning();
        }
        let at = self.random.usize(..self.answered.len());
        let mut history = self.answered[at].history();
        if let Some(Message { content: Some(content), .. }) = history.last_mut() {
            let text = content.text();
            *content = match self.random.u8(..6) {
                0 => format!("<think>Hm.</think>{text}").into(),
                1 => format!("{text}\r\n").into(),
                _ => text.into(),
            };
        }
        history
    }

    /// Nothing, or a system prompt.
    fn beginning(&mut self) -> Vec<Message> {
        let prompt = self.random.u8(..3);
        let prompts = ["Be brief.", "Be kind."];
        prompts.get(usize::from(prompt)).map(|text| Message::system(*text)).into_iter().collect()
    }

    /// The next request.
    fn next(&mut self) -> Vec<Message> {
        let mut history = self.history();
        let users: Vec<_> =
            (0..history.len()).filter(|at| history[*at].role == Role::User).collect();
        match (self.random.u8(..10), users.is_empty()) {
            // An edit: something else is said in the place of an earlier turn.
            (0 | 1, false) => history.truncate(users[self.random.usize(..users.len())]),
            // A regeneration.
            (2 | 3, false) => {
                history.truncate(users[users.len() - 1] + 1);
                return history;
            }
            // The client has changed what the model said.
            (4, false) => {
                if let Some(last) = history.last_mut() {
                    *last = Message::assistant(format!("{} changed", last.text().trim()));
                }
            }
            // The client has changed what stands before everything.
            (5, _) => {
                history.retain(|message| message.role != Role::System);
                history.splice(0..0, self.beginning());
            }
            // More than one message is new.
            (6, _) => {
                let more = self.question();
                history.push(more);
            }
            _ => {}
        }
        let last = self.question();
        history.push(last);
        history
    }

    async fn play(mut self, requests: usize) -> Vec<Answered> {
        for _ in 0..requests {
            match self.random.u8(..20) {
                0 => self.fail().await,
                1 => self.leave().await,
                2 => {
                    // Two at once, from the same place.
                    let history = self.history();
                    let more = [self.question(), self.question()];
                    let [one, other] = more.map(|last| {
                        ask(self.client, history.iter().cloned().chain([last]).collect())
                    });
                    let (one, other) = join(one, other).await;
                    self.answered.extend([one, other].map(|one| one.expect("an answer")));
                }
                _ => {
                    let asked = self.next();
                    let answer = ask(self.client, asked).await.expect("an answer");
                    self.answered.push(answer);
                }
            }
        }
        self.answered
    }

    /// A turn that fails, before its first content or after it.
    async fn fail(&mut self) {
        let mut asked = self.history();
        let words = if self.random.bool() { "ERR400" } else { "MIDERR" };
        asked.push(Message::user(format!("{words} {}", self.said)));
        ask(self.client, asked).await.expect_err("it fails");
    }

    /// A turn whose client leaves in the middle.
    async fn leave(&mut self) {
        let mut asked = self.history();
        asked.push(Message::user(format!("LONGRUN {}", self.said)));
        let request = ChatRequest::new(MODEL).with_messages(asked).with_stream(true);
        let mut answer = self.client.chat(request).await.expect("it begins");
        answer.next().await.expect("a piece").expect("of text");
    }
}

/// Plays one round; returns what was answered, and the log.
async fn round(seed: u64) -> (Vec<Answered>, Snapshot) {
    let upstream = simulator(Options::default()).await;
    let mut rules = PoolRules::default();
    // What is to fail here says nothing of anybody.
    (rules.weak_errors, rules.incident_credentials) = (u32::MAX, usize::MAX);
    let settings = settings(&upstream, ACCOUNTS).with_pool_rules(rules);
    let client = settings.build().await.expect("a client");
    let talkers = (0..TALKERS).map(|number| {
        let random = fastrand::Rng::with_seed(seed * 1000 + number as u64);
        let name = format!("talker {number} in round {seed}");
        let talker = Talker { client: &client, random, answered: Vec::new(), name, said: 0 };
        talker.play(ROUND / TALKERS)
    });
    let answered = join_all(talkers).await.concat();
    let log = upstream.log();
    client.shutdown(Duration::from_secs(10)).await;
    let left = upstream.log().conversations.len();
    assert_eq!(left, 0, "nobody knows them any more");
    (answered, log)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_the_model_is_given_all_of_it() {
    let histories = env::var("HISTORIES").map_or(HISTORIES, |text| text.parse().expect("a number"));
    let (mut answers, mut conversations) = (0, 0);
    let mut seeds = 0..;
    while answers < histories {
        let rounds = join_all(seeds.by_ref().take(AT_ONCE).map(round)).await;
        for (answered, log) in rounds {
            answered.iter().for_each(|one| one.is_true_to(&log));
            answers += answered.len();
            conversations += made(&log);
        }
    }
    println!("{answers} histories in {conversations} conversations");
    assert!(conversations * 10 < answers * 8, "{conversations} of {answers} begin anew");
}
