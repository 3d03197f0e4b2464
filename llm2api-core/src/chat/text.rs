//! All that a model has written, whatever field it stands in.

use serde_json::Value;

use super::{AssistantMessage, ChatItem, Delta};

impl ChatItem {
    /// Shows all texts that the model has written here, of every choice: text, reasoning, refusals,
    /// and the names and arguments of calls.
    ///
    /// # Example
    /// ```
    /// use llm2api_core::{ChatItem, ChunkBody};
    ///
    /// let item = ChatItem::Chunk(ChunkBody::text("id", "demo", "Hello").into());
    /// let mut seen = String::new();
    /// item.visit_texts(&mut |text| seen.push_str(text));
    /// assert_eq!(seen, "Hello");
    /// ```
    pub fn visit_texts(&self, visit: &mut dyn FnMut(&str)) {
        match self {
            Self::Chunk(chunk) => {
                chunk.body().choices.iter().for_each(|choice| delta(&choice.delta, visit));
            }
            Self::Whole(completion) => {
                completion.body().choices.iter().for_each(|choice| message(&choice.message, visit));
            }
            Self::Progress => {}
        }
    }
}

fn delta(delta: &Delta, visit: &mut dyn FnMut(&str)) {
    let texts = [delta.reasoning_text(), delta.content.as_deref(), delta.refusal.as_deref()];
    texts.into_iter().flatten().for_each(&mut *visit);
    for function in delta.tool_calls.iter().flatten().filter_map(|call| call.function.as_ref()) {
        let texts = [function.name.as_deref(), function.arguments.as_deref()];
        texts.into_iter().flatten().for_each(&mut *visit);
    }
}

fn message(message: &AssistantMessage, visit: &mut dyn FnMut(&str)) {
    let newer = || message.extra.get("reasoning").and_then(Value::as_str);
    let reasoning = message.reasoning_content.as_deref().or_else(newer);
    let texts = [reasoning, message.content.as_deref(), message.refusal.as_deref()];
    texts.into_iter().flatten().for_each(&mut *visit);
    for call in message.tool_calls.iter().flatten() {
        visit(&call.function.name);
        visit(&call.function.arguments);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::chat::{Chunk, ChunkBody, Completion, CompletionBody};

    fn texts(item: &ChatItem) -> Vec<String> {
        let mut seen = Vec::new();
        item.visit_texts(&mut |text| seen.push(text.to_owned()));
        seen
    }

    #[test]
    fn every_field_and_every_choice_is_shown() {
        let call = |name: &str| json!({"index": 0, "function": {"name": name, "arguments": "{}"}});
        let delta: Value = json!({"choices": [
            {"index": 0, "delta": {"content": "a", "reasoning": "b", "refusal": "c"}},
            {"index": 1, "delta": {"reasoning_content": "d", "tool_calls": [call("e"), call("f")]}},
        ]});
        let body: ChunkBody = serde_json::from_value(delta).expect("a chunk");
        let chunk = ChatItem::Chunk(Chunk::from(body));
        assert_eq!(texts(&chunk), ["b", "a", "c", "d", "e", "{}", "f", "{}"]);

        let message = json!({"choices": [
            {"index": 0, "message": {"role": "assistant", "content": "a", "reasoning": "b"}},
            {"index": 1, "message": {"role": "assistant", "content": null, "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "c", "arguments": "{}"}},
            ]}},
        ]});
        let body: CompletionBody = serde_json::from_value(message).expect("an answer");
        let whole = ChatItem::Whole(Box::new(Completion::from(body)));
        assert_eq!(texts(&whole), ["b", "a", "c", "{}"]);
        assert!(texts(&ChatItem::Progress).is_empty());
    }
}
