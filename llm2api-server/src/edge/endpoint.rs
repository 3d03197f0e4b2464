//! The outermost endpoint.

use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::FutureExt;
use http_body_util::BodyExt;
use http_body_util::combinators::BoxBody;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use poem::http::{HeaderValue, Method};
use poem::{Body, Endpoint, Request, Response, Result};
use tracing::error;

use super::record::Record;
use super::request_id;
use crate::accept::Turns;
use crate::exposition::Responses;
use crate::journal::Journal;
use crate::openai::error::{Failed, Failure};
use crate::telemetry::Tracer;

/// Gives each request an id, turns every error and panic into an envelope, and writes the log line
/// when the answer has gone out.
pub(crate) struct Edge<E> {
    inner: E,
    journal: Option<Journal>,
    responses: Option<Responses>,
    tracer: Tracer,
}

impl<E: Endpoint<Output = Response>> Edge<E> {
    pub(crate) fn new(inner: E) -> Self {
        Self { inner, journal: None, responses: None, tracer: Tracer::default() }
    }

    /// Writes down what clients have asked for.
    pub(crate) fn with_journal(mut self, journal: Journal) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Counts what it answers.
    pub(crate) fn with_responses(mut self, responses: Responses) -> Self {
        self.responses = Some(responses);
        self
    }

    /// Tells `tracer` what becomes of requests.
    pub(crate) fn with_tracer(self, tracer: Tracer) -> Self {
        Self { tracer, ..self }
    }

    /// A panic's message may quote content, so our log gets the fact alone. The process's panic
    /// hook, which is not a library's to replace, has printed the message to stderr by then.
    async fn answer(&self, request: Request, record: &Record) -> Response {
        let call = AssertUnwindSafe(self.inner.call(request)).catch_unwind();
        let result = call.await.unwrap_or_else(|_| {
            error!(request_id = record.id(), "a handler panicked");
            Err(Failure::internal().into())
        });
        result.unwrap_or_else(|error| Failure::from_poem(error).respond(record.id()))
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for Edge<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> Result<Response> {
        let id = request_id::of(request.headers());
        let connection = request.data::<Turns>().cloned();
        let journal = self.journal.clone();
        let record = Record::new(id, request.method().clone(), connection, journal);
        record.trace(self.tracer.place(request.headers()), self.tracer.clone());
        let head_only = request.method() == Method::HEAD;
        request.set_data(record.clone());
        let mut response = self.answer(request, &record).await;

        record.answered(response.status().as_u16());
        if let Some(responses) = &self.responses {
            responses.count(record.taken_route(), response.status().as_u16());
        }
        if let Some(Failed(failure)) = response.data() {
            record.fail(failure.clone());
        }
        let id = HeaderValue::from_str(record.id());
        let id = id.expect("request ids are made of letters, digits, `.`, `_` and `-`");
        response.headers_mut().insert(request_id::HEADER, id);
        let inner = BoxBody::from(response.take_body());
        if head_only || inner.is_end_stream() {
            record.complete();
        }
        response.set_body(Body::from(Watched { inner, record }.boxed()));
        Ok(response)
    }
}

/// A body that holds its request's record until it has gone out.
struct Watched {
    inner: BoxBody<Bytes, io::Error>,
    record: Record,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        if frame.is_none() || self.inner.is_end_stream() {
            self.record.complete();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
