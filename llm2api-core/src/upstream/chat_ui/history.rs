//! What was said so far, as the key of a branch.

use std::ops::Range;

use sha2::{Digest, Sha256};

use super::session::Session;
use crate::adapt::normalise_answer;
use crate::chat::{ChatRequest, Message, Role};
use crate::credential::{Credential, Material};
use crate::upstream::BranchKey;

/// The history of a request: the keys under which a branch may be known, and what comes after it.
#[derive(Clone)]
pub(super) struct History {
    all: Sha256,
    before: Option<(BranchKey, usize)>,
}

/// Whose conversation it is, and with which model.
#[derive(Clone, Copy)]
pub(super) struct Partners<'a> {
    pub(super) session: &'a Session,
    pub(super) credential: &'a Credential,
    pub(super) model: &'a str,
}

impl History {
    /// Reads a request. `system` is what becomes of its first messages, which `rest` leaves out.
    pub(super) fn new(
        partners: Partners<'_>,
        request: &ChatRequest,
        system: &str,
        rest: Range<usize>,
    ) -> Self {
        let mut all = Sha256::new();
        introduce(&mut all, partners);
        add(&mut all, &lines(system));
        let messages = &request.messages[rest.clone()];
        let last = messages.iter().rposition(|message| message.role == Role::Assistant);
        let mut before = None;
        for (at, message) in messages.iter().enumerate() {
            add_message(&mut all, message);
            // What ends with an answer asks for nothing that comes after it.
            if last == Some(at) && at + 1 < messages.len() {
                before = Some((key(&all), rest.start + at + 1));
            }
        }
        Self { all, before }
    }

    /// Names the branch that the request goes on from, and says at which message what is new begins.
    pub(super) fn before(&self) -> Option<(BranchKey, usize)> {
        self.before
    }

    /// Names the branch that ends with this answer.
    pub(super) fn after(&self, answer: &str) -> BranchKey {
        let mut all = self.all.clone();
        add_message(&mut all, &Message::assistant(answer));
        key(&all)
    }
}

fn key(all: &Sha256) -> BranchKey {
    BranchKey(all.clone().finalize().into())
}

/// A session that a server hands to whoever comes has no account: its conversations are known to it
/// alone, so it counts itself.
fn introduce(all: &mut Sha256, partners: Partners<'_>) {
    let Partners { session, credential, model } = partners;
    add(all, credential.upstream());
    add(all, credential.id().as_str());
    let cookies = match credential.material() {
        Material::Anonymous => session.header(),
        _ => None,
    };
    add(all, cookies.as_ref().map_or("", |cookies| cookies.expose()));
    add(all, model);
}

fn add_message(all: &mut Sha256, message: &Message) {
    let text = message.text();
    add(all, message.role.as_str());
    add(all, message.name.as_deref().unwrap_or_default());
    add(all, message.tool_call_id.as_deref().unwrap_or_default());
    match message.role {
        Role::Assistant => add(all, &normalise_answer(&text)),
        _ => add(all, &lines(&text)),
    }
    for call in message.tool_calls.iter().flatten() {
        add(all, &call.id);
        add(all, &call.function.name);
        add(all, &call.function.arguments);
    }
    for part in message.attachments() {
        // What cannot be written is known by that.
        add(all, &serde_json::to_string(part).unwrap_or_default());
    }
}

/// Adds a text so that no other sequence of texts comes to the same bytes.
fn add(all: &mut Sha256, text: &str) {
    all.update((text.len() as u64).to_le_bytes());
    all.update(text.as_bytes());
}

fn lines(text: &str) -> String {
    text.replace("\r\n", "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Part;
    use crate::credential::CredentialId;
    use proptest::prelude::*;

    fn history(messages: &[Message], model: &str, credential: &Credential) -> History {
        let request = ChatRequest::new(model).with_messages(messages.to_vec());
        let session = Session::default();
        let partners = Partners { session: &session, credential, model };
        History::new(partners, &request, "P", 0..messages.len())
    }

    fn account(id: &str) -> Credential {
        Credential::with_id(CredentialId::from_text(id), "x", Material::Anonymous)
    }

    fn of(messages: &[Message]) -> History {
        history(messages, "m", &account("1"))
    }

    fn before(messages: &[Message]) -> Option<BranchKey> {
        of(messages).before().map(|(key, _)| key)
    }

    #[test]
    fn a_request_goes_on_from_the_answer_to_the_one_before() {
        let (first, more) = (Message::user("Hi"), Message::user("And?"));
        let after = of(std::slice::from_ref(&first)).after("<think>Hm.</think>Hello.\r\nYou. ");
        let next = [first.clone(), Message::assistant("Hello.\nYou."), more.clone()];
        assert_eq!(of(&next).before(), Some((after, 2)));
        let edited = [first.clone(), Message::assistant("Hello."), more.clone()];
        assert_ne!(before(&edited), Some(after));
        let windows = [Message::user("Hi\r\n"), Message::assistant("a"), more.clone()];
        let unix = [Message::user("Hi\n"), Message::assistant("a"), more];
        assert_eq!(before(&windows), before(&unix));
        assert_eq!(before(&[first.clone(), Message::assistant("a")]), None, "it ends there");
        assert_eq!(before(&[first]), None);
    }

    #[test]
    fn everything_that_the_model_sees_counts() {
        let (answer, more) = (Message::assistant("a"), Message::user("And?"));
        let asked = |first: Message| before(&[first, answer.clone(), more.clone()]);
        let image = |data: &str| {
            let url = format!("data:image/png;base64,{data}");
            Message::user(vec![Part::text_part("Hi"), Part::image(url)])
        };
        let mut named = Message::user("Hi");
        named.name = Some("Ada".into());
        let all = [
            asked(Message::user("Hi")),
            asked(named),
            asked(Message::system("Hi")),
            asked(image("AAAA")),
            asked(image("AAAB")),
            before(&[Message::user("Hi"), answer.clone(), answer.clone(), more.clone()]),
            history(&[Message::user("Hi"), answer.clone(), more.clone()], "n", &account("1"))
                .before()
                .map(|(key, _)| key),
            history(&[Message::user("Hi"), answer.clone(), more.clone()], "m", &account("2"))
                .before()
                .map(|(key, _)| key),
        ];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }

    proptest! {
        #[test]
        fn no_two_histories_share_a_key(
            one in prop::collection::vec("[ab]{0,2}", 1..4),
            other in prop::collection::vec("[ab]{0,2}", 1..4),
        ) {
            let of = |texts: &[String]| {
                let messages: Vec<_> = texts.iter().map(|text| Message::user(text.as_str())).collect();
                of(&messages).after("")
            };
            prop_assert_eq!(of(&one) == of(&other), one == other);
        }
    }
}
