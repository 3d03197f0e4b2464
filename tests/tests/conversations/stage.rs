//! A client before a simulator, and one who talks to it.

use llm2api_core::{
    ChatRequest, Client, ClientBuilder, ConversationMode, Error, Message, UpstreamConfig,
};
use llm2api_tests::{Options, Simulator, Snapshot};

use crate::given::{Said, given, said};

/// The model of all requests.
pub(crate) const MODEL: &str = "mock/vision-1";

/// Starts a simulator.
pub(crate) async fn simulator(options: Options) -> Simulator {
    Simulator::start(options).await.expect("the simulator listens")
}

/// Settings for an upstream with so many accounts.
pub(crate) fn settings(upstream: &Simulator, accounts: usize) -> ClientBuilder {
    let config = UpstreamConfig::new("chat-ui", "sim").with_url(upstream.url());
    let config = (0..accounts)
        .fold(config, |config, number| config.with_credential(format!("hf-chat=session-{number}")));
    Client::builder().with_upstream(config).with_conversations(ConversationMode::Reuse)
}

/// A client of one account.
pub(crate) async fn client(upstream: &Simulator) -> Client {
    settings(upstream, 1).build().await.expect("a client")
}

/// An answer, and what it answers.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    /// What the request held.
    pub(crate) asked: Vec<Message>,
    pub(crate) text: String,
    generation: String,
}

impl Answered {
    /// The history with the answer, as a client goes on from it.
    pub(crate) fn history(&self) -> Vec<Message> {
        self.asked.iter().cloned().chain([Message::assistant(self.text.as_str())]).collect()
    }

    /// The model was given what the request held.
    pub(crate) fn is_true_to(&self, log: &Snapshot) {
        let expected: Vec<Said> = said(&self.asked);
        assert_eq!(given(log, &self.generation), expected, "{self:#?}");
    }

    /// The conversation that it is in.
    pub(crate) fn conversation(&self, log: &Snapshot) -> String {
        let holds = |messages: &[llm2api_tests::Message]| {
            messages.iter().any(|one| one.generation_id.as_deref() == Some(&*self.generation))
        };
        let found = log.conversations.iter().find(|one| holds(&one.messages));
        found.expect("it is there").id.clone()
    }
}

/// Asks for an answer to these messages.
pub(crate) async fn ask(client: &Client, asked: Vec<Message>) -> Result<Answered, Error> {
    let request = ChatRequest::new(MODEL).with_messages(asked.clone()).with_stream(true);
    let whole = client.chat(request).await?.collect().await?;
    let body = serde_json::to_value(whole.body()).expect("JSON");
    let id = body["id"].as_str().expect("an id");
    let generation = id.strip_prefix("chatcmpl-").expect("a generation").to_owned();
    Ok(Answered { asked, text: whole.text().to_owned(), generation })
}

/// Says something more.
pub(crate) async fn go_on(client: &Client, before: &Answered, text: &str) -> Answered {
    let asked = before.history().into_iter().chain([Message::user(text)]).collect();
    ask(client, asked).await.expect("an answer")
}

/// Begins.
pub(crate) async fn begin(client: &Client, text: &str) -> Answered {
    ask(client, vec![Message::user(text)]).await.expect("an answer")
}

/// How many conversations were made.
pub(crate) fn made(log: &Snapshot) -> usize {
    let is_one = |path: &str| path == "/conversation";
    log.requests.iter().filter(|sent| sent.method == "POST" && is_one(&sent.path)).count()
}
