//! superjson, the form of `/api/v2` replies.

use serde_json::{Map, Value, json};

/// Plain data with the places of dates and of what is undefined.
#[derive(Debug, Default)]
pub(super) struct Annotated {
    /// The data.
    pub(super) data: Value,
    /// Path to type.
    pub(super) values: Map<String, Value>,
}

impl Annotated {
    /// Data without such places.
    pub(super) fn plain(data: Value) -> Self {
        Self { data, values: Map::new() }
    }

    /// Notes a date at `path`.
    pub(super) fn date(&mut self, path: impl Into<String>) {
        self.values.insert(path.into(), json!(["Date"]));
    }

    /// Notes something undefined at `path`.
    pub(super) fn undefined(&mut self, path: impl Into<String>) {
        self.values.insert(path.into(), json!(["undefined"]));
    }

    /// The whole object.
    pub(super) fn to_json(&self) -> Value {
        if self.values.is_empty() {
            return json!({"json": self.data});
        }
        json!({"json": self.data, "meta": {"values": self.values, "v": 1}})
    }
}
