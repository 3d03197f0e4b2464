//! Lets a call pass only while the gate is open.

use std::task::{Context, Poll};

use futures::future::{Either, Ready, ready};
use tower::{Layer, Service};

use crate::auth::Gate;
use crate::chat::{ChatRequest, ChatStream};
use crate::error::Error;

/// Refuses calls while the authorisation code is not good.
///
/// # Order
/// Outside `Retry`: a refusal is no fault to try again. Reading the gate is no I/O.
///
/// # Example
/// ```
/// use llm2api_core::auth::Gate;
/// use llm2api_core::layers::AuthCheckLayer;
///
/// let layer = AuthCheckLayer::new(Gate::open());
/// # drop(layer);
/// ```
#[derive(Clone, Debug)]
pub struct AuthCheckLayer {
    gate: Gate,
}

impl AuthCheckLayer {
    /// Reads `gate` on every call.
    pub fn new(gate: Gate) -> Self {
        Self { gate }
    }
}

impl<S> Layer<S> for AuthCheckLayer {
    type Service = AuthCheck<S>;

    fn layer(&self, inner: S) -> AuthCheck<S> {
        AuthCheck { inner, gate: self.gate.clone() }
    }
}

/// The service of [`AuthCheckLayer`].
#[derive(Clone, Debug)]
pub struct AuthCheck<S> {
    inner: S,
    gate: Gate,
}

// ===== impl AuthCheck =====

impl<S> Service<ChatRequest> for AuthCheck<S>
where
    S: Service<ChatRequest, Response = ChatStream, Error = Error>,
{
    type Response = ChatStream;
    type Error = Error;
    type Future = Either<S::Future, Ready<Result<ChatStream, Error>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: ChatRequest) -> Self::Future {
        match self.gate.check() {
            Ok(()) => Either::Left(self.inner.call(request)),
            Err(error) => Either::Right(ready(Err(error))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Access;
    use crate::error::ErrorKind;
    use tower::{ServiceExt, service_fn};

    #[tokio::test]
    async fn a_closed_gate_sends_nothing_on() {
        let (keeper, gate) = Gate::new(Access::Denied("revoked".into()));
        let inner = service_fn(|_: ChatRequest| ready(Err::<ChatStream, _>(reached())));
        let service = AuthCheckLayer::new(gate).layer(inner);
        let kind = async || match service.clone().oneshot(ChatRequest::new("m")).await {
            Ok(_) => unreachable!("the inner service always fails"),
            Err(error) => error.kind(),
        };
        assert_eq!(kind().await, ErrorKind::AuthInvalid);
        keeper.set(Access::Unverified);
        assert_eq!(kind().await, ErrorKind::AuthUnverified);
        keeper.set(Access::Open);
        assert_eq!(kind().await, ErrorKind::Internal);
    }

    fn reached() -> Error {
        Error::new(ErrorKind::Internal, "test", "the call passed the gate")
    }
}
