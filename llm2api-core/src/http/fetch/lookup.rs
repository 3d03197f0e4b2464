//! From names to addresses, once, all of them judged.

use std::fmt::{self, Debug};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use super::reach::Reach;

/// Looks names up.
#[async_trait]
pub(super) trait Lookup: Debug + Send + Sync + 'static {
    /// Returns all addresses of a name; a port of 0 stands for that of the URL.
    async fn lookup(&self, name: &str) -> io::Result<Vec<SocketAddr>>;
}

/// Asks the operating system.
#[derive(Debug)]
pub(super) struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, name: &str) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host((name, 0)).await?.collect())
    }
}

/// The only way from a name to a connection: what it has not judged is not connected to.
#[derive(Clone, Debug)]
pub(super) struct JudgingResolver {
    pub(super) lookup: Arc<dyn Lookup>,
    pub(super) reach: Reach,
}

/// A name has an address that is not public.
#[derive(Debug)]
struct NotPublic;

impl fmt::Display for NotPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name that does not lead to public addresses only")
    }
}

impl std::error::Error for NotPublic {}

impl Resolve for JudgingResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { lookup, reach } = self.clone();
        Box::pin(async move {
            let addresses = lookup.lookup(name.as_str()).await?;
            // One that is not public is enough: such a name plays a game.
            if addresses.iter().all(|address| reach.covers(*address)) {
                return Ok(Box::new(addresses.into_iter()) as Addrs);
            }
            Err(NotPublic.into())
        })
    }
}
