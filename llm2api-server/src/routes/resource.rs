//! One path of the route table: which method it takes, and who may come in.

use std::sync::Arc;

use poem::endpoint::{BoxEndpoint, EndpointExt, make};
use poem::http::Method;
use poem::{Endpoint, PathPattern, Request, Response, Result};

use super::cors;
use crate::edge::Record;
use crate::openai::error::Failure;
use crate::state::State;

/// An endpoint for one path.
pub(super) struct Resource {
    state: Arc<State>,
    method: Method,
    client: bool,
    handler: BoxEndpoint<'static>,
}

/// A path that takes `POST` from holders of a client key.
pub(super) fn client_post<F, A>(state: &Arc<State>, handler: F) -> Resource
where
    F: Fn(Arc<State>, Request) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Response, Failure>> + Send + 'static,
{
    Resource::new(state, Method::POST, true, handler)
}

/// A path that takes `GET` from holders of a client key.
pub(super) fn client_get<F, A>(state: &Arc<State>, handler: F) -> Resource
where
    F: Fn(Arc<State>, Request) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Response, Failure>> + Send + 'static,
{
    Resource::new(state, Method::GET, true, handler)
}

/// A path that takes `GET` from everybody.
pub(super) fn public_get<F, A>(state: &Arc<State>, handler: F) -> Resource
where
    F: Fn(Arc<State>, Request) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Response, Failure>> + Send + 'static,
{
    Resource::new(state, Method::GET, false, handler)
}

impl Resource {
    fn new<F, A>(state: &Arc<State>, method: Method, client: bool, handler: F) -> Self
    where
        F: Fn(Arc<State>, Request) -> A + Send + Sync + 'static,
        A: Future<Output = Result<Response, Failure>> + Send + 'static,
    {
        let shared = state.clone();
        let handler = make(move |request| {
            let answer = handler(shared.clone(), request);
            async move { answer.await.map_err(poem::Error::from) }
        });
        Self { state: state.clone(), method, client, handler: handler.boxed() }
    }

    fn takes(&self, method: &Method) -> bool {
        // hyper leaves the body of an answer to HEAD out.
        method == self.method || (method == Method::HEAD && self.method == Method::GET)
    }

    fn allow(&self) -> &'static str {
        match (self.method == Method::POST, self.client) {
            (true, _) => "POST, OPTIONS",
            (false, true) => "GET, HEAD, OPTIONS",
            (false, false) => "GET, HEAD",
        }
    }

    /// The key comes first: a stranger learns nothing about a path but that it wants one.
    async fn answer(&self, request: Request) -> Result<Response> {
        if self.client {
            self.state.keys.check(request.headers())?;
        }
        if !self.takes(request.method()) {
            return Err(Failure::method_not_allowed(self.allow()).into());
        }
        self.handler.call(request).await
    }
}

impl Endpoint for Resource {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let record = request.data::<Record>().cloned();
        if let (Some(record), Some(PathPattern(route))) = (&record, request.data()) {
            record.route(route.clone());
        }
        if !self.client {
            return self.answer(request).await;
        }
        if request.method() == Method::OPTIONS {
            return Ok(cors::preflight(self.allow()));
        }
        // Errors are answered here and not further out, so that browsers may read them too.
        let mut response = self.answer(request).await.unwrap_or_else(|error| {
            Failure::from_poem(error).respond(record.as_ref().map_or("", Record::id))
        });
        cors::open(&mut response);
        Ok(response)
    }
}
