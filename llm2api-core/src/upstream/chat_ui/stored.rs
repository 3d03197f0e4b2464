//! The conversation as the server has stored it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Api, Caller};
use super::config::Family;
use super::devalue;
use super::wire::Superjson;
use crate::error::{Error, ErrorKind, Result};

/// A stored conversation, as far as it matters here.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Conversation {
    root_message_id: Option<String>,
    model: String,
    preprompt: Option<String>,
    messages: Vec<Message>,
}

/// A stored message.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Message {
    id: String,
    from: String,
    content: String,
    ancestors: Vec<String>,
    reasoning: Option<String>,
    generation_id: Option<String>,
    interrupted: Option<bool>,
    updated_at: String,
    updates: Vec<Update>,
}

/// A stored update, in which the text of tokens is left out.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Update {
    #[serde(rename = "type")]
    kind: String,
    status: Value,
    message: Option<String>,
    #[serde(rename = "statusCode")]
    status_code: Option<u16>,
    interrupted: bool,
    name: Option<String>,
    sha: Option<String>,
    mime: Option<String>,
}

/// How far the answer of a turn has got.
pub(super) enum Progress {
    /// The message never arrived: nothing answers it.
    None,
    /// It is being written: this grows, or changes, as it goes on.
    Running(Signs),
    /// It is over.
    Over(StoredAnswer),
}

/// What shows that an answer goes on: its length, its updates, its date.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Signs(usize, usize, String);

/// An answer as it was stored.
#[derive(Debug, Default, PartialEq)]
pub(super) struct StoredAnswer {
    pub(super) text: String,
    pub(super) reasoning: String,
    pub(super) files: Vec<Value>,
    pub(super) interrupted: bool,
    /// Why it failed: the message, and the status where there is one.
    pub(super) failure: Option<(String, Option<u16>)>,
}

impl Conversation {
    /// Reads a conversation.
    pub(super) async fn read(
        api: &Api,
        caller: Caller<'_>,
        family: Family,
        id: &str,
    ) -> Result<Self> {
        if let Family::V2 { .. } = family {
            let path = format!("/api/v2/conversations/{id}");
            return Ok(api.get::<Superjson<Self>>(caller, &path).await?.json);
        }
        let page = api.page(caller, &format!("/conversation/{id}"), "01").await?;
        devalue::conversation(&page).ok_or_else(|| {
            let message = "the upstream does not tell what is in a conversation";
            Error::new(ErrorKind::UpstreamProtocol, "read conversation", message)
        })
    }

    /// Returns the id of the first message, the parent of the first user message.
    pub(super) fn root(&self) -> Option<&str> {
        let first = || self.messages.first().map(|first| first.id.as_str());
        self.root_message_id.as_deref().or_else(first)
    }

    /// Says whether nobody has written into it, and it was made for this model and with such a
    /// system prompt.
    pub(super) fn is_untouched(&self, model: &str, prompt: impl Fn(&str) -> bool) -> bool {
        let [root] = &self.messages[..] else { return false };
        let asked = self.preprompt.as_deref().unwrap_or(&root.content);
        root.from == "system" && self.model == model && prompt(asked)
    }

    /// Returns the generation that writes the newest answer, where the server names it.
    pub(super) fn generation(&self) -> Option<String> {
        let answer = self.messages.iter().rev().find(|message| message.from == "assistant");
        answer.and_then(|answer| answer.generation_id.clone())
    }

    /// Returns the id and the text of the answer that a generation has written, or, where the server
    /// names none, of the newest one to a message that answers `parent`.
    pub(super) fn answer(&self, generation: &str, parent: &str) -> Option<(&str, &str)> {
        let whole = |message: &&Message| {
            message.from == "assistant" && message.interrupted != Some(true) && message.is_over()
        };
        let answers = || self.messages.iter().rev().filter(whole);
        let is_ours = |answer: &&Message| match &answer.generation_id {
            Some(named) => named == generation,
            None => answer.ancestors.iter().rev().nth(1).is_some_and(|above| above == parent),
        };
        answers().find(is_ours).map(|answer| (&*answer.id, &*answer.content))
    }

    /// Says how far the answer of the newest turn has got. A server that names generations must
    /// name this one.
    pub(super) fn progress(self, generation: &str) -> Progress {
        let answer = self.messages.into_iter().rev().find(|message| message.from == "assistant");
        let ours = |answer: &Message| {
            answer.generation_id.as_deref().is_none_or(|named| named == generation)
        };
        match answer.filter(ours) {
            None => Progress::None,
            Some(answer) if !answer.is_over() => Progress::Running(answer.signs()),
            Some(answer) => Progress::Over(answer.into_answer()),
        }
    }
}

impl Message {
    fn is_over(&self) -> bool {
        self.interrupted.is_some() || self.updates.iter().any(Update::ends)
    }

    fn signs(self) -> Signs {
        Signs(self.content.len(), self.updates.len(), self.updated_at)
    }

    fn into_answer(self) -> StoredAnswer {
        let failure = self.updates.iter().find(|update| update.is_status("error"));
        let failure = failure.map(|update| {
            let reason = update.message.as_deref().unwrap_or("no reason given");
            (reason.to_owned(), update.status_code)
        });
        let cut =
            self.updates.iter().any(|update| update.kind == "finalAnswer" && update.interrupted);
        let files = self.updates.iter().filter(|update| update.kind == "file");
        let file = |file: &Update| json!({"name": file.name, "sha": file.sha, "mime": file.mime});
        StoredAnswer {
            files: files.map(file).collect(),
            text: self.content,
            reasoning: self.reasoning.unwrap_or_default(),
            interrupted: self.interrupted.unwrap_or(cut),
            failure,
        }
    }
}

impl Update {
    fn is_status(&self, status: &str) -> bool {
        self.kind == "status" && self.status == status
    }

    fn ends(&self) -> bool {
        self.kind == "finalAnswer" || self.is_status("finished") || self.is_status("error")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(answer: &Value) -> Progress {
        let root = json!({"id": "r", "from": "system", "content": "P"});
        let asked = json!({"id": "u", "from": "user", "content": "Hi"});
        let all = json!({"messages": [root, asked, answer]});
        serde_json::from_value::<Conversation>(all).expect("a conversation").progress("g1")
    }

    #[test]
    fn what_is_being_written_is_told_from_what_is_over() {
        let running = json!({"id": "a", "from": "assistant", "content": "He",
            "generationId": "g1", "updates": [{"type": "status", "status": "started"}]});
        assert!(matches!(progress(&running), Progress::Running(_)));
        let other =
            json!({"id": "a", "from": "assistant", "generationId": "g0", "interrupted": false});
        assert!(matches!(progress(&other), Progress::None));
        let over = json!({"id": "a", "from": "assistant", "content": "Hello", "updates": [
            {"type": "file", "name": "n", "sha": "s", "mime": "m"},
            {"type": "finalAnswer", "text": "Hello", "interrupted": true}]});
        let Progress::Over(answer) = progress(&over) else { panic!("it is over") };
        assert_eq!(
            (answer.text.as_str(), answer.interrupted, answer.files.len()),
            ("Hello", true, 1)
        );
        let failed = json!({"id": "a", "from": "assistant", "updates": [
            {"type": "status", "status": "error", "message": "down", "statusCode": 503}]});
        let Progress::Over(answer) = progress(&failed) else { panic!("it is over") };
        assert_eq!(answer.failure, Some(("down".to_owned(), Some(503))));
    }

    #[test]
    fn a_conversation_with_a_message_is_not_untouched() {
        let root = json!({"id": "r", "from": "system", "content": "P"});
        let read = |value: Value| serde_json::from_value::<Conversation>(value).expect("one");
        let fresh = read(json!({"messages": [root], "model": "m", "preprompt": "P"}));
        assert!(fresh.is_untouched("m", |text| text == "P"));
        assert!(!fresh.is_untouched("m", |text| text == "Q"));
        assert!(!fresh.is_untouched("n", |text| text == "P"));
        let used = json!({"messages": [root, {"id": "u", "from": "user"}], "model": "m"});
        assert!(!read(used).is_untouched("m", |_| true));
    }
}
