//! The messages of a chat, put together from the items of another dialect.

use llm2api_core::{Content, FunctionCall, Message, Part, Role, ToolCall};

/// A conversation under construction.
///
/// A chat's tools answer with texts only. What else one answers with, such as a picture, is said by
/// the person right after: nothing may stand between the answers of several calls.
#[derive(Debug, Default)]
pub(crate) struct History {
    messages: Vec<Message>,
    attached: Vec<Part>,
}

impl History {
    /// Adds what somebody said; nothing is nothing.
    ///
    /// What an assistant says behind its calls joins them: the answers have to follow right after.
    pub(crate) fn say(&mut self, role: Role, parts: Vec<Part>) {
        let parts = match role {
            Role::User => self.attached.drain(..).chain(parts).collect(),
            _ => parts,
        };
        if parts.is_empty() {
            return;
        }
        self.attach();
        match self.messages.last_mut().filter(|last| role == last.role && calls(last)) {
            Some(last) => add(last, parts),
            None => self.messages.push(Message::new(role, content(parts))),
        }
    }

    /// Adds a call; one that follows what the assistant said or called belongs to the same message.
    pub(crate) fn call(&mut self, id: String, name: String, arguments: String) {
        self.attach();
        if self.messages.last().is_none_or(|message| message.role != Role::Assistant) {
            self.messages.push(Message { role: Role::Assistant, ..Message::default() });
        }
        let function = FunctionCall { name, arguments, ..FunctionCall::default() };
        let call = ToolCall { id, kind: "function".into(), function, ..ToolCall::default() };
        if let Some(last) = self.messages.last_mut() {
            last.tool_calls.get_or_insert_default().push(call);
        }
    }

    /// Adds what a tool answered.
    pub(crate) fn answer(&mut self, call: String, parts: Vec<Part>) {
        let (said, attached): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|part| part.text().is_some());
        self.attached.extend(attached);
        let text = Content::Parts(said).text();
        self.messages.push(Message { tool_call_id: Some(call), ..Message::new(Role::Tool, text) });
    }

    /// Returns the messages.
    pub(crate) fn finish(mut self) -> Vec<Message> {
        self.attach();
        self.messages
    }

    /// Says what tools have answered with besides text.
    fn attach(&mut self) {
        if !self.attached.is_empty() {
            let parts = std::mem::take(&mut self.attached);
            self.messages.push(Message::user(Content::Parts(parts)));
        }
    }
}

fn calls(message: &Message) -> bool {
    message.tool_calls.as_ref().is_some_and(|calls| !calls.is_empty())
}

/// Adds to what a message says.
fn add(message: &mut Message, more: Vec<Part>) {
    let said = match (message.content.take(), content(more)) {
        (None, more) => more,
        // In place, since this may happen very often.
        (Some(Content::Text(mut text)), Content::Text(more)) => {
            text.push('\n');
            text.push_str(&more);
            Content::Text(text)
        }
        (Some(said), more) => {
            let mut said = listed(said);
            said.extend(listed(more));
            Content::Parts(said)
        }
    };
    message.content = Some(said);
}

fn listed(content: Content) -> Vec<Part> {
    match content {
        Content::Text(text) => vec![Part::text_part(text)],
        Content::Parts(parts) => parts,
    }
}

/// Joins parts that are all text, since many upstreams read a list only where there is more in it.
fn content(parts: Vec<Part>) -> Content {
    let only_text = parts.iter().all(|part| matches!(part, Part::Text { .. }));
    let content = Content::Parts(parts);
    if only_text { Content::Text(content.text()) } else { content }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Part {
        Part::text_part(text)
    }

    fn told(history: History) -> String {
        let messages = history.finish();
        let lines = messages.iter().map(|message| {
            serde_json::to_string(message).expect("messages are JSON with string keys")
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn calls_join_what_was_said_and_pictures_follow_all_answers() {
        let mut history = History::default();
        history.say(Role::System, vec![text("Be brief."), text("Be kind.")]);
        history.say(Role::User, vec![text("Look."), Part::image("data:a")]);
        history.say(Role::Assistant, vec![text("I will.")]);
        history.call("1".into(), "see".into(), "{}".into());
        history.call("2".into(), "see".into(), "{}".into());
        history.answer("1".into(), vec![text("one"), Part::image("data:1")]);
        history.answer("2".into(), vec![Part::image("data:2")]);
        history.say(Role::User, vec![text("Well?")]);
        history.call("3".into(), "see".into(), "{}".into());
        history.answer("3".into(), vec![Part::image("data:3")]);
        insta::assert_snapshot!(told(history));
    }

    #[test]
    fn what_an_assistant_says_behind_its_calls_joins_them() {
        let mut history = History::default();
        history.call("1".into(), "see".into(), "{}".into());
        history.say(Role::Assistant, vec![text("I look.")]);
        history.say(Role::Assistant, vec![text("Closely.")]);
        history.answer("1".into(), vec![text("one")]);
        history.say(Role::Assistant, vec![text("Seen.")]);
        let messages = history.finish();
        let roles: Vec<_> = messages.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::Assistant, Role::Tool, Role::Assistant]);
        assert!(calls(&messages[0]) && !calls(&messages[2]));
        let said = messages[0].text();
        assert_eq!(said, "I look.\nClosely.");
    }

    #[test]
    fn nothing_said_is_no_message() {
        let mut history = History::default();
        history.say(Role::User, Vec::new());
        assert!(history.finish().is_empty());
    }
}
