//! What an installation is authorised by.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::code::AuthCode;
use super::gate::{EXPIRED, refused};
use super::signed::PublicKey;
use super::verifier::Verifier;
use super::verify::Verify;
use crate::clock::unix_millis;
use crate::error::Result;
#[cfg(not(feature = "http"))]
use crate::error::{Error, ErrorKind};

/// A day.
const GRACE: Duration = Duration::from_secs(24 * 3600);

/// Milliseconds since 1970.
pub(super) type WallClock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What an installation is authorised by: a code, and who verifies it.
///
/// With a public key the signature is verified, without any network. With an authority that one is
/// asked. With both, a signature that is not good is a definite no, and else the authority decides.
///
/// # Example
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> llm2api_core::Result<()> {
/// use llm2api_core::Client;
/// use llm2api_core::auth::{AuthState, Authorisation, Claims, PrivateKey, sign};
///
/// let key = PrivateKey::random()?; // the authority's
/// let code = sign(&Claims::new("code_1", "Ada", 1_790_000_000), &key)?;
///
/// let authorisation = Authorisation::new(code).with_public_key(key.public_key());
/// let client = Client::builder().with_authorisation(authorisation).build().await?;
/// let status = client.authorisation().expect("it was set");
/// assert_eq!(status.state, AuthState::Verified);
/// assert_eq!(status.holder.as_deref(), Some("Ada"));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Authorisation {
    pub(super) code: AuthCode,
    url: Option<String>,
    key: Option<PublicKey>,
    authority: Option<Arc<dyn Verify>>,
    pub(super) grace: Duration,
    pub(super) clock: WallClock,
}

impl Authorisation {
    /// Takes a code. Who verifies it has to be said too.
    pub fn new(code: AuthCode) -> Self {
        let clock = Arc::new(unix_millis);
        Self { code, url: None, key: None, authority: None, grace: GRACE, clock }
    }

    /// Sets the URL of an authority, which is asked by `POST`; needs the feature `http`.
    #[must_use]
    pub fn with_url(mut self, url: impl Into<String>) -> Self {
        self.url = Some(url.into());
        self
    }

    /// Sets an authority of your own in the place of one at a URL.
    #[must_use]
    pub fn with_authority(mut self, authority: impl Verify) -> Self {
        self.authority = Some(Arc::new(authority));
        self
    }

    /// Sets the key that the code is signed with.
    #[must_use]
    pub fn with_public_key(mut self, key: PublicKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets how long the last good answer counts from the first check on that could not be made; a
    /// day by default.
    #[must_use]
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Checks what needs no authority: that the URL can be used, and the signature.
    ///
    /// # Errors
    /// [`ErrorKind::AuthInvalid`](crate::ErrorKind::AuthInvalid) for a signature that is not good,
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for a URL that cannot be used.
    ///
    /// # Example
    /// ```
    /// # fn main() -> llm2api_core::Result<()> {
    /// use llm2api_core::auth::{AuthCode, Authorisation, PrivateKey};
    ///
    /// let code = AuthCode::new("opaque")?;
    /// let url = "https://auth.example.org/verify";
    /// assert!(Authorisation::new(code.clone()).with_url(url).check_offline().is_ok());
    /// let key = PrivateKey::random()?.public_key();
    /// assert!(Authorisation::new(code).with_public_key(key).check_offline().is_err());
    /// # Ok(()) }
    /// ```
    pub fn check_offline(&self) -> Result<()> {
        let verifier = self.verifier()?;
        let now = (self.clock)() / 1000;
        verifier.check_signature(self.code.expose(), now).map_err(|refusal| {
            let error = refused(&refusal.to_string());
            if refusal.is_expiry() { error.with_code(EXPIRED) } else { error }
        })
    }

    /// Sets the clock of dates.
    #[cfg(test)]
    pub(crate) fn with_clock(mut self, clock: WallClock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets up what verifies.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for a URL that cannot be used,
    /// and where nobody verifies.
    pub(super) fn verifier(&self) -> Result<Verifier> {
        let authority = match (&self.authority, &self.url) {
            (Some(authority), _) => Some(authority.clone()),
            (None, Some(url)) => Some(remote(url)?),
            (None, None) => None,
        };
        Verifier::new(self.key.clone(), authority)
    }
}

#[cfg(feature = "http")]
fn remote(url: &str) -> Result<Arc<dyn Verify>> {
    Ok(Arc::new(super::remote::Remote::new(url)?))
}

#[cfg(not(feature = "http"))]
fn remote(_url: &str) -> Result<Arc<dyn Verify>> {
    let message = "an authority at a URL cannot be asked: switch on the feature `http` of \
                   llm2api-core";
    Err(Error::new(ErrorKind::Configuration, "set up authorisation", message))
}

impl fmt::Debug for Authorisation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorisation")
            .field("code", &self.code)
            .field("url", &self.url)
            .field("key", &self.key)
            .field("authority", &self.authority)
            .field("grace", &self.grace)
            .finish_non_exhaustive()
    }
}
