//! Adds what an upstream lacks.

mod emulate;
mod usage;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::timeout;
use tower::{Layer, Service};

use self::emulate::{Asking, emulate};
use self::usage::{Prompt, with_usage};
use super::{ChatFuture, take_ready};
use crate::adapt::files::FileKit;
use crate::adapt::{Demands, Profile, sort_out};
use crate::chat::{ChatRequest, ChatStream, Ending};
use crate::error::{Error, ErrorKind, Result};
use crate::pool::{Attempt, Sending};

/// How long the images and files of a request are waited for, all together: an account is held
/// meanwhile.
const FILES_WAIT: Duration = Duration::from_secs(20);

/// What the layer has to know of an upstream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lacks {
    /// How each parameter is treated.
    pub profile: Profile,
    /// Whether it gives token counts by itself.
    pub counts_tokens: bool,
}

impl Lacks {
    /// Describes an upstream.
    pub fn new(profile: Profile, counts_tokens: bool) -> Self {
        Self { profile, counts_tokens }
    }
}

/// Describes an upstream by its name.
type Describe = Arc<dyn Fn(&str) -> Lacks + Send + Sync>;

/// Wraps the upstream that was chosen: only there is it known what is lacking.
///
/// # Notes
/// For an upstream that takes text and gives text, it puts tools and the form of the answer into
/// words, and reads calls, JSON, stop sequences and limits out of what the model says. An answer
/// that is not what was demanded is asked for once more, of the same account, where the call's send
/// budget allows it. Where the caller wants token counts and the upstream gives none, it adds an
/// estimate. All else passes through.
///
/// # Order
/// Innermost, around the upstream: it holds the lease, under which it may send twice.
///
/// # Cancellation safety
/// Dropping the future or the stream drops what is under way at the upstream.
///
/// # Example
/// ```
/// use llm2api_core::adapt::Profile;
/// use llm2api_core::layers::{AdaptLayer, Lacks};
///
/// let layer = AdaptLayer::new(|upstream| match upstream {
///     "local" => Lacks::new(Profile::OpenAi, true),
///     _ => Lacks::default(),
/// });
/// # drop(layer);
/// ```
#[derive(Clone)]
pub struct AdaptLayer {
    describe: Describe,
    strict: bool,
    files: FileKit,
}

impl AdaptLayer {
    /// Makes a layer; `describe` tells of an upstream, by its name, what it lacks.
    pub fn new(describe: impl Fn(&str) -> Lacks + Send + Sync + 'static) -> Self {
        Self { describe: Arc::new(describe), strict: false, files: FileKit::default() }
    }

    /// Sets whether a parameter that would be ignored is refused; off by default.
    #[must_use]
    pub fn with_strict_parameters(mut self, strict: bool) -> Self {
        self.strict = strict;
        self
    }

    /// Sets what takes images and files in for an upstream that takes text and images only; by
    /// default it neither fetches nor reads documents.
    #[must_use]
    pub fn with_files(mut self, files: FileKit) -> Self {
        self.files = files;
        self
    }
}

impl std::fmt::Debug for AdaptLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdaptLayer").field("strict", &self.strict).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for AdaptLayer {
    type Service = Adapt<S>;

    fn layer(&self, inner: S) -> Adapt<S> {
        Adapt { inner, layer: self.clone() }
    }
}

/// The service of [`AdaptLayer`].
#[derive(Clone, Debug)]
pub struct Adapt<S> {
    inner: S,
    layer: AdaptLayer,
}

// ===== impl Adapt =====

impl<S> Service<Attempt> for Adapt<S>
where
    S: Service<Sending, Response = ChatStream, Error = Error> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = ChatStream;
    type Error = Error;
    type Future = ChatFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, attempt: Attempt) -> ChatFuture {
        let inner = take_ready(&mut self.inner);
        let layer = self.layer.clone();
        Box::pin(async move {
            let (sending, mut lease) = attempt.into_sending();
            match layer.ask(inner, sending).await {
                Ok(stream) => Ok(stream.with_watch(lease)),
                Err(error) => {
                    lease.settle(Ending::Failed(&error));
                    Err(error)
                }
            }
        })
    }
}

impl AdaptLayer {
    async fn ask<S>(&self, mut inner: S, mut sending: Sending) -> Result<ChatStream>
    where
        S: Service<Sending, Response = ChatStream, Error = Error> + Clone + Send + 'static,
        S::Future: Send,
    {
        let lacks = (self.describe)(&sending.upstream);
        let ignored = sort_out(&sending.request, lacks.profile, self.strict)?;
        let demands = Demands::of(&sending.request, lacks.profile)?;
        let usage = wants_counts(&sending.request);
        if lacks.profile == Profile::Text {
            // Boxed, as below: what most calls never come to must not make all of them large.
            let request = demands.put_into_words(sending.request);
            sending.request = Box::pin(self.take_files(request)).await?;
        }
        let stream = if demands.is_nothing() {
            let prompt = usage.then(|| Prompt::of(&sending.request));
            let stream = inner.call(sending).await?;
            match prompt {
                Some(prompt) => with_usage(stream, prompt, lacks.counts_tokens),
                None => stream,
            }
        } else {
            Box::pin(emulate(Asking::new(inner, sending), demands, usage)).await?
        };
        Ok(stream.with_ignored(ignored))
    }
}

impl AdaptLayer {
    /// Takes images and files in, once for all attempts of a call.
    async fn take_files(&self, mut request: ChatRequest) -> Result<ChatRequest> {
        if request.messages.iter().all(|message| message.attachments().next().is_none()) {
            return Ok(request);
        }
        if let Some(messages) = request.call.prepared() {
            request.messages = messages;
            return Ok(request);
        }
        let taken = timeout(FILES_WAIT, self.files.inline(request)).await;
        let request = taken.map_err(|_| files_too_slow())??;
        request.call.keep_prepared(request.messages.clone());
        Ok(request)
    }
}

fn files_too_slow() -> Error {
    let message = "the images and files of the request could not be taken in within 20 s: send \
                   fewer, or images as `data:` URLs";
    Error::new(ErrorKind::InvalidRequest, "take files", message).with_param("messages")
}

/// Says whether the caller gets token counts: whole answers carry them always.
fn wants_counts(request: &ChatRequest) -> bool {
    request.wants_usage() || !request.streams()
}
