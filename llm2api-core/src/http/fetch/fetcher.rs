//! The fetcher.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use reqwest::{Client, Response, Url};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::lookup::{JudgingResolver, Lookup, SystemLookup};
use super::page::Page;
use super::reach::Reach;
use super::want::{IMAGE, PAGE, Want};
use crate::adapt::files::Fetch;
use crate::error::Result;
use crate::http::client::{USER_AGENT, configuration, tls_config};

const REDIRECTS: usize = 3;
/// Images and pages at the same time: bounds the memory, and the look-ups that a slow server of names
/// holds up.
const PLACES: usize = 32;
/// What comes behind so much of a page is left.
const PAGE_LIMIT: usize = 1 << 20;

/// Fetches images and pages from public addresses and from no others.
///
/// # Notes
/// - Only http and https at their own ports, without a user or password in the URL.
/// - A name is looked up once; if any of its addresses is not public it is refused, else the
///   connection goes to one of exactly those. An address in the URL is judged in the same way.
/// - At most three redirects, each judged like the first URL. No proxy, no cookies.
/// - Ten seconds in all for an image and five for a page, and a limit for the bytes that are read; 32
///   of them at the same time.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use llm2api_core::adapt::files::Fetch;
/// use llm2api_core::http::PublicFetcher;
///
/// let fetcher = PublicFetcher::new()?;
/// assert!(fetcher.image("http://127.0.0.1/secret.png", 1024).await.is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct PublicFetcher {
    client: Client,
    reach: Reach,
    places: Arc<Semaphore>,
}

impl PublicFetcher {
    /// Makes a fetcher.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) where the system's certificates
    /// cannot be read.
    pub fn new() -> Result<Self> {
        Self::over(Arc::new(SystemLookup), Reach::default())
    }

    /// Makes one that asks `lookup` for addresses and goes as far as `reach`.
    pub(super) fn over(lookup: Arc<dyn Lookup>, reach: Reach) -> Result<Self> {
        let client = Client::builder()
            .tls_backend_preconfigured(tls_config(true)?)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .dns_resolver(JudgingResolver { lookup, reach: reach.clone() })
            .no_proxy()
            .referer(false)
            // A kept connection would answer for a name without its being looked up.
            .pool_max_idle_per_host(0)
            .http1_only()
            .user_agent(USER_AGENT)
            .build()
            .map_err(|error| configuration("the fetcher cannot be built").with_source(error))?;
        Ok(Self { client, reach, places: Arc::new(Semaphore::new(PLACES)) })
    }

    /// Fetches the page at `url`: HTML, XHTML or plain text. What comes behind the first MiB is left.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::ErrorKind::InvalidRequest) with the code `search_page`, in
    /// words that say nothing of what is behind an address that is not public.
    pub async fn page(&self, url: &str) -> Result<Page> {
        let fetch = async {
            let (content_type, mut bytes) = self.fetch(&PAGE, url, PAGE_LIMIT).await?;
            bytes.truncate(PAGE_LIMIT);
            Page::new(&content_type, bytes).ok_or_else(|| PAGE.something_else())
        };
        timeout(PAGE.time, fetch).await.map_err(|_| PAGE.late())?
    }

    /// Returns a type that is wanted, and the bytes: all of them, or more than `limit`.
    async fn fetch(&self, want: &Want, url: &str, limit: usize) -> Result<(String, BytesMut)> {
        // Nobody closes the semaphore.
        let _place = self.places.acquire().await.map_err(|_| want.out_of_reach())?;
        let response = self.follow(want, url).await?;
        let content_type = unpacked_type(&response).filter(|_| response.status().is_success());
        let content_type = content_type.filter(|content_type| (want.takes)(content_type));
        let content_type = content_type.ok_or_else(|| want.something_else())?.to_owned();
        Ok((content_type, read(want, response, limit).await?))
    }

    /// Follows redirects to an answer that is none.
    async fn follow(&self, want: &Want, url: &str) -> Result<Response> {
        let mut url = self.reach.parse(url).ok_or_else(|| want.out_of_reach())?;
        for _ in 0..=REDIRECTS {
            let request = self.client.get(url.clone()).header(ACCEPT, want.accept);
            let response = request.send().await.map_err(|error| want.no_answer(error))?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let next = location(&url, &response).and_then(|url| self.reach.check(url));
            url = next.ok_or_else(|| want.out_of_reach())?;
        }
        Err(want.too_many_redirects())
    }
}

#[async_trait]
impl Fetch for PublicFetcher {
    async fn image(&self, url: &str, limit: usize) -> Result<Bytes> {
        let fetch = timeout(IMAGE.time, self.fetch(&IMAGE, url, limit)).await;
        let (_, bytes) = fetch.map_err(|_| IMAGE.late())??;
        let bytes = (bytes.len() <= limit).then(|| bytes.freeze());
        bytes.ok_or_else(|| IMAGE.too_large(limit))
    }
}

fn location(url: &Url, response: &Response) -> Option<Url> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    url.join(location).ok()
}

/// The type of an answer that is not packed: none was asked to be.
fn unpacked_type(response: &Response) -> Option<&str> {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let packed = header(CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    header(CONTENT_TYPE).filter(|_| !packed)
}

/// Reads a body, and stops behind the limit; the bytes are counted, since the length that is
/// announced proves nothing.
async fn read(want: &Want, mut response: Response, limit: usize) -> Result<BytesMut> {
    let mut body = BytesMut::new();
    while body.len() <= limit {
        match response.chunk().await.map_err(|error| want.no_answer(error))? {
            Some(bytes) => body.extend_from_slice(&bytes),
            None => break,
        }
    }
    Ok(body)
}
