//! One path of the route table: which methods it takes, and who may come in.

use std::sync::Arc;

use futures::TryFutureExt;
use poem::endpoint::{BoxEndpoint, EndpointExt, make};
use poem::http::{HeaderValue, Method};
use poem::{Endpoint, PathPattern, Request, Response, Result};

use super::{cors, limits, shield};
use crate::admin::Level;
use crate::caller::{Stranger, identify};
use crate::dialect::Dialect;
use crate::door::Behind;
use crate::edge::Record;
use crate::openai::error::Failure;

/// Who may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody, to the very end: health checks.
    Probe,
    /// Everybody.
    Public,
    /// Holders of a client key, browsers on any page included.
    Client,
    /// The operator.
    Admin(Level),
    /// Everybody who calls the server by a name that it knows: pages, and signing in.
    Page,
}

/// An endpoint for one path.
pub(crate) struct Resource<S> {
    state: Arc<S>,
    access: Access,
    dialect: Dialect,
    handlers: Vec<(Method, BoxEndpoint<'static>)>,
}

/// What answers a request once it is let in.
pub(crate) trait Handler<S> {
    /// Makes an endpoint of it.
    fn bind(self, state: Arc<S>) -> BoxEndpoint<'static>;
}

impl<S, F, A> Handler<S> for F
where
    S: Behind,
    F: Fn(Arc<S>, Request) -> A + Send + Sync + 'static,
    A: Future<Output = Result<Response, Failure>> + Send + 'static,
{
    fn bind(self, state: Arc<S>) -> BoxEndpoint<'static> {
        // No block around it: that would hold it a second time.
        let handler = make(move |request| self(state.clone(), request).err_into::<poem::Error>());
        handler.boxed()
    }
}

/// A path that takes `POST` from holders of a client key.
pub(crate) fn client_post<S: Behind>(state: &Arc<S>, handler: impl Handler<S>) -> Resource<S> {
    Resource::new(state, Access::Client).and(Method::POST, handler)
}

/// A path that takes `POST` from holders of a client key, in the dialect of Messages.
pub(crate) fn messages_post<S: Behind>(state: &Arc<S>, handler: impl Handler<S>) -> Resource<S> {
    let resource = client_post(state, handler);
    Resource { dialect: Dialect::Messages, ..resource }
}

/// A path that takes `GET` from holders of a client key.
pub(crate) fn client_get<S: Behind>(state: &Arc<S>, handler: impl Handler<S>) -> Resource<S> {
    Resource::new(state, Access::Client).and(Method::GET, handler)
}

/// A path that takes `GET` from the operator.
pub(crate) fn admin_get<S: Behind>(state: &Arc<S>, handler: impl Handler<S>) -> Resource<S> {
    Resource::new(state, Access::Admin(Level::Session)).and(Method::GET, handler)
}

/// A path that takes `GET` from the operator, and the key itself from him.
pub(crate) fn secret_get<S: Behind>(state: &Arc<S>, handler: impl Handler<S>) -> Resource<S> {
    Resource::new(state, Access::Admin(Level::Key)).and(Method::GET, handler)
}

/// A path that takes `POST` from the operator.
pub(crate) fn admin_post<S: Behind>(state: &Arc<S>, handler: impl Handler<S>) -> Resource<S> {
    Resource::new(state, Access::Admin(Level::Session)).and(Method::POST, handler)
}

/// A path that shows a page, or a part of one.
pub(crate) fn page_get<S: Behind>(state: &Arc<S>, handler: impl Handler<S>) -> Resource<S> {
    Resource::new(state, Access::Page).and(Method::GET, handler)
}

/// A path that takes `POST` from whoever is about to become the operator.
pub(crate) fn page_post<S: Behind>(state: &Arc<S>, handler: impl Handler<S>) -> Resource<S> {
    Resource::new(state, Access::Page).and(Method::POST, handler)
}

/// A path that takes `GET` from everybody.
pub(crate) fn public_get<S: Behind>(state: &Arc<S>, handler: impl Handler<S>) -> Resource<S> {
    Resource::new(state, Access::Public).and(Method::GET, handler)
}

/// A path that takes `POST` from everybody.
pub(crate) fn public_post<S: Behind>(state: &Arc<S>, handler: impl Handler<S>) -> Resource<S> {
    Resource::new(state, Access::Public).and(Method::POST, handler)
}

/// A path that takes `GET` from those who watch the server, also while it ends.
pub(crate) fn probe_get<S: Behind>(state: &Arc<S>, handler: impl Handler<S>) -> Resource<S> {
    Resource::new(state, Access::Probe).and(Method::GET, handler)
}

impl<S: Behind> Resource<S> {
    fn new(state: &Arc<S>, access: Access) -> Self {
        let (state, dialect) = (state.clone(), Dialect::OpenAi);
        Self { state, access, dialect, handlers: Vec::new() }
    }

    /// Takes another method.
    pub(crate) fn and(mut self, method: Method, handler: impl Handler<S>) -> Self {
        self.handlers.push((method, handler.bind(self.state.clone())));
        self
    }

    /// Returns who may come in.
    #[cfg(test)]
    pub(crate) fn access(&self) -> Access {
        self.access
    }

    /// Lists what it takes.
    #[cfg(test)]
    pub(crate) fn methods(&self) -> impl Iterator<Item = &Method> {
        self.handlers.iter().map(|(method, _)| method)
    }

    fn handler(&self, method: &Method) -> Option<&BoxEndpoint<'static>> {
        // hyper leaves the body of an answer to HEAD out.
        let method = if method == Method::HEAD { &Method::GET } else { method };
        self.handlers.iter().find(|(takes, _)| takes == method).map(|(_, handler)| handler)
    }

    fn allow(&self) -> &'static str {
        let takes = |method: Method| self.handlers.iter().any(|(takes, _)| *takes == method);
        match (self.access, takes(Method::GET), takes(Method::DELETE)) {
            (Access::Client, true, _) => "GET, HEAD, OPTIONS",
            (Access::Client, false, _) => "POST, OPTIONS",
            (_, true, _) => "GET, HEAD",
            (_, false, true) => "POST, DELETE",
            (_, false, false) => "POST",
        }
    }

    /// Who calls comes first: a stranger learns nothing about a path but that it wants a key.
    async fn let_in(&self, request: &Request) -> Result<(), Failure> {
        let admin = &self.state.door().admin;
        match self.access {
            Access::Probe | Access::Public => Ok(()),
            Access::Client => self.let_client_in(request).await,
            Access::Page => admin.check_host(request.headers()),
            Access::Admin(level) => admin.check(request, level, S::no_admin_key).await,
        }
    }

    async fn let_client_in(&self, request: &Request) -> Result<(), Failure> {
        let sent = self.dialect.keys(request.headers());
        let door = self.state.door();
        let kept = self.state.client_keys();
        let (caller, refusal) = match identify(&door.live.now().keys, kept.as_ref(), &sent) {
            Ok(caller) => (caller, Ok(())),
            Err(stranger) => {
                let failure = Failure::from(&stranger);
                match stranger {
                    Stranger::NoKey => (None, Err(failure)),
                    Stranger::WrongKey => {
                        (None, Err(door.admin.refuse_client(request, failure).await))
                    }
                    Stranger::Stopped(found) => (Some(found), Err(failure)),
                }
            }
        };
        if let (Some(record), Some(caller)) = (request.data::<Record>(), caller) {
            record.set_caller(caller);
        }
        refusal
    }

    async fn answer(&self, request: Request) -> Result<Response> {
        if self.state.door().stop.is_draining() && self.access != Access::Probe {
            return Err(Failure::shutting_down().into());
        }
        self.let_in(&request).await?;
        // Only now: strangers fill neither the journal nor the traces.
        if let Some(record) = request.data::<Record>() {
            if self.access == Access::Client && request.method() == Method::POST {
                record.keep();
            }
            if matches!(self.access, Access::Client | Access::Admin(_)) {
                record.admit();
            }
        }
        let Some(handler) = self.handler(request.method()) else {
            return Err(Failure::method_not_allowed(self.allow()).into());
        };
        // Most of them wait for upstreams, and the end must not wait for that.
        tokio::select! {
            // What is done is said to be done.
            biased;
            answer = handler.call(request) => answer,
            () = self.state.door().stop.cut_off() => Err(Failure::shutting_down().into()),
        }
    }
}

impl<S: Behind> Endpoint for Resource<S> {
    type Output = Response;

    async fn call(&self, request: Request) -> Result<Response> {
        let record = request.data::<Record>().cloned();
        if let (Some(record), Some(PathPattern(route))) = (&record, request.data()) {
            record.route(route.clone());
        }
        if matches!(self.access, Access::Probe | Access::Public) {
            return self.answer(request).await;
        }
        if self.access == Access::Client && request.method() == Method::OPTIONS {
            return Ok(cors::preflight(self.allow()));
        }
        // Errors are answered here and not further out, so that they get the same headers.
        let id = record.as_ref().map_or("", Record::id);
        let mut response = self
            .answer(request)
            .await
            .unwrap_or_else(|error| Failure::from_poem(error).respond_in(self.dialect, id));
        if let Some(standing) = record.as_ref().and_then(Record::standing) {
            limits::tell(&mut response, &standing);
        }
        match self.access {
            Access::Client => cors::open(&mut response),
            _ => shield::close(&mut response),
        }
        if let (Some(name), Ok(id)) = (self.dialect.request_id_header(), HeaderValue::from_str(id))
        {
            response.headers_mut().insert(name, id);
        }
        Ok(response)
    }
}
