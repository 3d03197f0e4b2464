//! Makes of a text upstream's answer what the request demands.

use std::collections::VecDeque;

use futures::{StreamExt, stream};
use tower::{Service, ServiceExt};

use crate::adapt::{AnswerShaper, Demands, Shaped, TokenCounter, estimate_request};
use crate::chat::{
    ChatItem, ChatStream, Chunk, ChunkBody, ChunkChoice, Delta, FinishReason, Message, Role, Usage,
};
use crate::error::{Error, Result};
use crate::pool::Sending;

/// An upstream, and what it is asked: it may be asked again.
pub(super) struct Asking<S> {
    inner: S,
    sending: Sending,
}

impl<S> Asking<S>
where
    S: Service<Sending, Response = ChatStream, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    pub(super) fn new(inner: S, sending: Sending) -> Self {
        Self { inner, sending }
    }

    async fn ask(&mut self) -> Result<ChatStream> {
        let answer = self.inner.clone().oneshot(self.sending.clone()).await?;
        Ok(answer.into_chunks(true))
    }

    /// Draws on the budget that all layers share.
    fn may_ask_again(&self) -> bool {
        self.sending.request.call.take_send()
    }

    /// Asks again, with what was said and what is wrong with it.
    async fn ask_again(&mut self, said: &str, correction: &str) -> Result<ChatStream> {
        let messages = self.sending.request.messages.iter().cloned();
        let more = [Message::assistant(said), Message::user(correction)];
        self.sending.request.messages = messages.chain(more).collect();
        self.ask().await
    }
}

/// Asks, and gives the answer in the form that was demanded.
pub(super) async fn emulate<S>(
    mut asking: Asking<S>,
    demands: Demands,
    usage: bool,
) -> Result<ChatStream>
where
    S: Service<Sending, Response = ChatStream, Error = Error> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    let prompt = estimate_request(&asking.sending.request);
    let most = demands.most_tokens();
    let answer = asking.ask().await?;
    let emulation = Emulation {
        asking,
        answer: Some(answer),
        shaper: AnswerShaper::new(demands),
        ready: VecDeque::new(),
        head: None,
        began: false,
        told: false,
        counts: Counts { wanted: usage, prompt, text: TokenCounter::new(), most, given: None },
    };
    Ok(ChatStream::new(stream::unfold(emulation, |mut emulation| async move {
        let item = emulation.next().await?;
        Some((item, emulation))
    })))
}

/// An answer that is made while the model speaks.
struct Emulation<S> {
    asking: Asking<S>,
    /// What the model says; none once nothing more counts.
    answer: Option<ChatStream>,
    shaper: AnswerShaper,
    ready: VecDeque<ChatItem>,
    head: Option<ChunkBody>,
    began: bool,
    /// It was told that something is on its way.
    told: bool,
    counts: Counts,
}

/// Tokens of all that was asked and said.
struct Counts {
    wanted: bool,
    prompt: u64,
    text: TokenCounter,
    /// What comes after these is not for the caller.
    most: u64,
    given: Option<Usage>,
}

impl<S> Emulation<S>
where
    S: Service<Sending, Response = ChatStream, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    async fn next(&mut self) -> Option<Result<ChatItem>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Some(Ok(item));
            }
            let said = self.answer.as_mut()?.next().await;
            let step = match said {
                Some(Ok(ChatItem::Chunk(chunk))) => self.read(chunk),
                Some(Ok(_)) => Ok(()),
                Some(Err(error)) => Err(error),
                None => self.settle().await,
            };
            if let Err(error) = step {
                self.answer = None;
                return Some(Err(error));
            }
        }
    }

    fn read(&mut self, chunk: Chunk) -> Result<()> {
        let body = chunk.into_body()?;
        self.head.get_or_insert_with(|| body.head());
        self.counts.add(body.usage);
        for ChunkChoice { delta, finish_reason, .. } in body.choices {
            self.counts.text.push(delta.reasoning_text().unwrap_or_default());
            self.counts.text.push(delta.content.as_deref().unwrap_or_default());
            self.shaper.read(delta, finish_reason);
        }
        self.pass_on();
        if let Some(reason) = self.shaper.is_over() {
            self.close(reason);
        }
        Ok(())
    }

    /// The model has said all: that is the answer, or it has to be asked again.
    async fn settle(&mut self) -> Result<()> {
        let shaped = self.shaper.finish();
        self.pass_on();
        let correction = match shaped {
            Shaped::Ended(reason) => {
                self.close(reason);
                return Ok(());
            }
            Shaped::Invalid(Some(correction), _) if self.asking.may_ask_again() => correction,
            Shaped::Invalid(_, error) => return Err(error),
        };
        let answer = self.asking.ask_again(self.shaper.said(), &correction).await?;
        self.shaper.begin_again();
        self.counts.prompt += estimate_request(&self.asking.sending.request);
        self.answer = Some(answer);
        Ok(())
    }

    /// Makes chunks of what the caller may see.
    fn pass_on(&mut self) {
        while let Some(mut delta) = self.shaper.next() {
            if !std::mem::replace(&mut self.began, true) {
                delta.role = Some(Role::Assistant);
            }
            self.emit(Some(ChunkChoice::from(delta)), None);
        }
        let silent = !self.began && !self.shaper.said().is_empty();
        if silent && !std::mem::replace(&mut self.told, true) {
            self.ready.push_back(ChatItem::Progress);
        }
    }

    /// Ends the answer. What the model may still say is of no use: dropping its answer stops it.
    fn close(&mut self, reason: FinishReason) {
        self.answer = None;
        if !std::mem::replace(&mut self.began, true) {
            self.emit(Some(ChunkChoice::from(Delta::assistant())), None);
        }
        let mut end = ChunkChoice::from(reason);
        if let Some(sequence) = self.shaper.stop_met() {
            // Where vLLM names the sequence as well.
            end.extra.insert("stop_reason".into(), sequence.into());
        }
        self.emit(Some(end), None);
        if let Some(usage) = self.counts.take() {
            self.emit(None, Some(usage));
        }
    }

    fn emit(&mut self, choice: Option<ChunkChoice>, usage: Option<Usage>) {
        let head = self.head.clone().unwrap_or_default();
        let body = ChunkBody { choices: choice.into_iter().collect(), usage, ..head };
        self.ready.push_back(ChatItem::Chunk(Chunk::from(body)));
    }
}

impl Counts {
    /// Adds the figures that the upstream gave for one of the times it was asked.
    fn add(&mut self, usage: Option<Usage>) {
        let Some(usage) = usage else { return };
        let sum = self.given.get_or_insert_default();
        sum.prompt_tokens += usage.prompt_tokens;
        sum.completion_tokens += usage.completion_tokens;
        sum.total_tokens += usage.total_tokens;
        sum.estimated |= usage.estimated;
    }

    fn take(&mut self) -> Option<Usage> {
        let estimate = || Usage::estimate(self.prompt, self.text.tokens().min(self.most));
        self.wanted.then(|| self.given.take().unwrap_or_else(estimate))
    }
}
