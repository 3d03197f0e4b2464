//! What the model was given: the branch of the tree that leads to an answer, as plain messages.

use llm2api_core::{Message, Role};
use llm2api_tests::Snapshot;

/// A role and a text.
pub(crate) type Said = (String, String);

/// Stands before a history that came as one message.
const LEAD: &str = "The conversation so far is given below, oldest message first. \
                    Write the assistant's next message, without a heading.\n\n";
const HEADINGS: [(&str, &str); 3] =
    [("## User\n", "user"), ("## Assistant\n", "assistant"), ("## System\n", "system")];

/// What the model was given for the answer of a generation.
pub(crate) fn given(log: &Snapshot, generation: &str) -> Vec<Said> {
    let answers = log.conversations.iter().flat_map(|one| {
        one.messages.iter().filter(|one| one.from == "assistant").map(move |answer| (one, answer))
    });
    let ours = |generation_id: &Option<String>| generation_id.as_deref() == Some(generation);
    let (conversation, answer) =
        answers.into_iter().find(|(_, one)| ours(&one.generation_id)).expect("it is stored");
    let mut all = Vec::new();
    if !conversation.preprompt.is_empty() {
        all.push(("system".to_owned(), conversation.preprompt.clone()));
    }
    let above = answer.ancestors.iter().filter_map(|id| conversation.message(id));
    for message in above.filter(|message| message.from != "system") {
        match message.from.as_str() {
            "user" => all.extend(unfolded(&message.content)),
            role => all.push((role.to_owned(), plain(&message.content))),
        }
    }
    all
}

/// The same of what a client has sent.
pub(crate) fn said(messages: &[Message]) -> Vec<Said> {
    let text = |message: &Message| match message.role {
        Role::Assistant => plain(&message.text()),
        _ => message.text(),
    };
    messages.iter().map(|one| (one.role.as_str().to_owned(), text(one))).collect()
}

/// The messages that one message stands for.
fn unfolded(text: &str) -> Vec<Said> {
    let rest = text.strip_prefix(LEAD).unwrap_or(text);
    if !rest.starts_with("## ") {
        return vec![("user".to_owned(), text.to_owned())];
    }
    let blocks = rest.split("\n\n## ").enumerate();
    let block = |(at, block): (usize, &str)| {
        let block = if at == 0 { block.to_owned() } else { format!("## {block}") };
        let mut found = HEADINGS.iter().filter_map(|(heading, role)| {
            block.strip_prefix(heading).map(|text| ((*role).to_owned(), text.to_owned()))
        });
        let (role, text) = found.next().unwrap_or_else(|| panic!("no heading: {block}"));
        let text = if role == "assistant" { plain(&text) } else { text };
        (role, text)
    };
    blocks.map(block).collect()
}

/// An answer without its reasoning and the space around it.
fn plain(text: &str) -> String {
    let text = text.trim();
    let rest = text.strip_prefix("<think>").and_then(|rest| rest.split_once("</think>"));
    rest.map_or(text, |(_, rest)| rest).trim().to_owned()
}
