//! JSON that stays as it came until somebody looks into it.

use std::sync::OnceLock;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result};

/// A JSON document with two faces: the bytes it arrived in and the typed value.
///
/// A document made [from the wire](Self::from_wire) is written out byte for byte as it came, and is
/// parsed at most once, when [`body`](Self::body) is called. A document made [from a
/// value](Self::from_body) is serialised when it is written.
///
/// It is moved through every layer, so the value has a place of its own.
#[derive(Clone, Debug)]
pub struct Document<T> {
    json: Option<Bytes>,
    body: OnceLock<Box<T>>,
}

impl<T: Serialize + DeserializeOwned + Default> Document<T> {
    /// Keeps bytes that the caller has found to be a JSON text of type `T`.
    ///
    /// If they are not, [`body`](Self::body) gives `T::default()` and
    /// [`into_body`](Self::into_body) the error.
    pub fn from_wire(json: Bytes) -> Self {
        Self { json: Some(json), body: OnceLock::new() }
    }

    /// Keeps a typed value.
    pub fn from_body(body: T) -> Self {
        Self { json: None, body: OnceLock::from(Box::new(body)) }
    }

    /// Says whether the document is still the bytes that it arrived in.
    pub(crate) fn is_as_it_came(&self) -> bool {
        self.json.is_some()
    }

    /// Says whether somebody has looked at the typed value, or changed it.
    #[cfg(all(test, feature = "openai"))]
    pub(crate) fn is_parsed(&self) -> bool {
        self.body.get().is_some()
    }

    /// Returns the typed value, parsing the bytes at the first call.
    pub fn body(&self) -> &T {
        self.body.get_or_init(|| Box::new(self.parse().unwrap_or_default()))
    }

    /// Returns the typed value for changing; the bytes it came in are given up.
    pub fn body_mut(&mut self) -> &mut T {
        if self.body.get().is_none() {
            self.body = OnceLock::from(Box::<T>::new(self.parse().unwrap_or_default()));
        }
        self.json = None;
        self.body.get_mut().expect("filled two lines above")
    }

    /// Turns the document into the typed value.
    ///
    /// # Errors
    /// [`ErrorKind::UpstreamProtocol`] where the bytes are no JSON text of type `T` after all.
    pub fn into_body(mut self) -> Result<T> {
        // What `body` put there may stand for bytes that could not be read.
        if let (None, Some(body)) = (&self.json, self.body.take()) {
            return Ok(*body);
        }
        self.parse().map_err(|error| {
            let message = "the upstream's answer holds what cannot be read";
            Error::new(ErrorKind::UpstreamProtocol, "read answer", message).with_source(error)
        })
    }

    /// Appends the document's JSON text, on one line, to `out`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match &self.json {
            Some(json) => out.extend_from_slice(json),
            None => serde_json::to_writer(out, self.body())
                .expect("a Vec takes every byte, and the vocabulary has string keys only"),
        }
    }

    fn parse(&self) -> serde_json::Result<T> {
        serde_json::from_slice(self.json.as_deref().unwrap_or_default())
    }
}
