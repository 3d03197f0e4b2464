//! Asks the model what to search for.

use tokio::time::{Instant, timeout_at};
use tower::{Service, ServiceExt};
use tracing::debug;

use crate::adapt::{estimate_request, estimate_tokens};
use crate::chat::{ChatRequest, ChatStream, Message, Role};
use crate::error::{Error, Result};

/// Turns of the conversation that are shown.
const TURNS: usize = 6;
/// Characters of each.
const LONGEST: usize = 600;

const TASK: &str = "Below is the end of a conversation. Write the query for a web search engine that \
finds what is needed to answer the user's last message. Put names in the place of words like \"it\" \
and \"there\", and write in the user's language. Reply with the query alone, on one line.";

/// A better query, and what it has cost.
pub(super) struct Rewritten {
    pub(super) query: String,
    pub(super) tokens: u64,
}

/// Returns a better query, or none: where the call has no send to spare, or the model no answer.
///
/// It is a call beside `request`, of the same model and within its send budget.
pub(super) async fn rewrite<S>(inner: S, request: &ChatRequest, until: Instant) -> Option<Rewritten>
where
    S: Service<ChatRequest, Response = ChatStream, Error = Error> + Send,
    S::Future: Send,
{
    let aside = request.call.aside()?;
    let task = Message::user(format!("{TASK}\n\n{}", tail(&request.messages)));
    let mut asked = ChatRequest::new(&request.model).with_message(task);
    asked.call = aside.clone();
    let prompt = estimate_request(&asked);
    let said = timeout_at(until, ask(inner, asked)).await;
    request.call.rejoin(&aside);
    match said {
        Ok(Ok(said)) => {
            let tokens = prompt + estimate_tokens(&said);
            query(&said).map(|query| Rewritten { query, tokens })
        }
        Ok(Err(error)) => {
            debug!(request_id = request.call.id(), %error, "no query from the model");
            None
        }
        Err(_) => {
            debug!(request_id = request.call.id(), "no query from the model in time");
            None
        }
    }
}

async fn ask<S>(inner: S, request: ChatRequest) -> Result<String>
where
    S: Service<ChatRequest, Response = ChatStream, Error = Error> + Send,
    S::Future: Send,
{
    let answer = inner.oneshot(request).await?;
    Ok(answer.collect().await?.text().to_owned())
}

/// Writes the end of a conversation down.
fn tail(messages: &[Message]) -> String {
    let spoken = |message: &&Message| matches!(message.role, Role::User | Role::Assistant);
    let turns: Vec<_> = messages.iter().filter(spoken).collect();
    let last = turns.len().saturating_sub(TURNS);
    let line = |message: &&Message| {
        let text: String = message.text().chars().take(LONGEST).collect();
        format!("{}: {}", message.role.as_str(), text.trim())
    };
    turns[last..].iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Reads the query out of what the model has said: the first line, without quotes around it.
fn query(said: &str) -> Option<String> {
    let line = said.lines().map(str::trim).find(|line| !line.is_empty())?;
    let line = line.trim_matches(['"', '`', '“', '”', '„', '*']).trim();
    (!line.is_empty()).then(|| line.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_query() {
        assert_eq!(query("\n \"oslo weather\"\nBecause…").as_deref(), Some("oslo weather"));
        assert_eq!(query("**rust 2024**").as_deref(), Some("rust 2024"));
        assert_eq!(query(" \n\"\"\n"), None);
    }

    #[test]
    fn only_the_end_is_shown() {
        let turns = (0..10).map(|at| Message::user(format!("{at} {}", "x".repeat(700))));
        let messages: Vec<_> = [Message::system("secret")].into_iter().chain(turns).collect();
        let tail = tail(&messages);
        assert!(tail.starts_with("user: 4 x") && tail.lines().count() == TURNS, "{tail}");
        assert!(tail.lines().all(|line| line.len() <= LONGEST + "user: ".len()));
    }
}
