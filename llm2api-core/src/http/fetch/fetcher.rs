//! The fetcher.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use reqwest::{Client, Response, Url};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::lookup::{JudgingResolver, Lookup, SystemLookup};
use super::reach::Reach;
use crate::adapt::files::Fetch;
use crate::error::{Error, ErrorKind, Result};
use crate::http::client::{USER_AGENT, configuration, tls_config};

const OPERATION: &str = "fetch image";
const CODE: &str = "invalid_image_url";
/// One image, all hops, to its last byte.
const TIME_LIMIT: Duration = Duration::from_secs(10);
const REDIRECTS: usize = 3;
/// Images at the same time: bounds the memory, and the look-ups that a slow server of names holds up.
const PLACES: usize = 32;
const WANTED: &str = "image/png, image/jpeg, image/*;q=0.1";

/// Fetches images from public addresses and from no others.
///
/// # Notes
/// - Only http and https at their own ports, without a user or password in the URL.
/// - A name is looked up once; if any of its addresses is not public it is refused, else the
///   connection goes to one of exactly those. An address in the URL is judged in the same way.
/// - At most three redirects, each judged like the first URL. No proxy, no cookies.
/// - Ten seconds in all, and a limit for the bytes that are read; 32 images at the same time.
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
    /// [`ErrorKind::Configuration`] where the system's certificates cannot be read.
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

    async fn fetch(&self, url: &str, limit: usize) -> Result<Bytes> {
        // Nobody closes the semaphore.
        let _place = self.places.acquire().await.map_err(|_| out_of_reach())?;
        let response = self.follow(url).await?;
        if !response.status().is_success() || !is_plain_image(&response) {
            return Err(no_image());
        }
        read(response, limit).await
    }

    /// Follows redirects to an answer that is none.
    async fn follow(&self, url: &str) -> Result<Response> {
        let mut url = self.reach.parse(url).ok_or_else(out_of_reach)?;
        for _ in 0..=REDIRECTS {
            let request = self.client.get(url.clone()).header(ACCEPT, WANTED);
            let response = request.send().await.map_err(no_answer)?;
            if !response.status().is_redirection() {
                return Ok(response);
            }
            let next = location(&url, &response).and_then(|url| self.reach.check(url));
            url = next.ok_or_else(out_of_reach)?;
        }
        Err(refused("an image's address redirects more than three times"))
    }
}

#[async_trait]
impl Fetch for PublicFetcher {
    async fn image(&self, url: &str, limit: usize) -> Result<Bytes> {
        let late = |_| refused("an image could not be fetched within ten seconds");
        timeout(TIME_LIMIT, self.fetch(url, limit)).await.map_err(late)?
    }
}

fn location(url: &Url, response: &Response) -> Option<Url> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    url.join(location).ok()
}

/// Says whether the answer calls itself an image that is not packed: none was asked to be.
fn is_plain_image(response: &Response) -> bool {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let packed = header(CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
    let media_type = header(CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    !packed && media_type.starts_with("image/")
}

/// Reads a body; its length is counted, since what it is said to be proves nothing.
async fn read(mut response: Response, limit: usize) -> Result<Bytes> {
    let mut body = BytesMut::new();
    while let Some(bytes) = response.chunk().await.map_err(no_answer)? {
        if body.len() + bytes.len() > limit {
            let message = format!("an image at an address has more than {limit} bytes");
            return Err(Error::new(ErrorKind::RequestTooLarge, OPERATION, message));
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body.freeze())
}

/// What is not public and what does not answer read the same: nobody learns what is there.
fn out_of_reach() -> Error {
    refused(
        "an image could not be fetched: its address must be public, answer, and use http or https \
         at the usual port without a password",
    )
}

fn no_answer(error: reqwest::Error) -> Error {
    out_of_reach().with_source(error.without_url())
}

fn no_image() -> Error {
    refused("an image's address does not lead to an image")
}

fn refused(message: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, OPERATION, message).with_code(CODE)
}
