//! What a request says of its search.

use serde::{Deserialize, Serialize};

use crate::chat::ChatRequest;
use crate::error::{Error, ErrorKind, Result};

/// More results than that are no prompt any more.
pub(super) const MOST_RESULTS: usize = 50;

/// The field of a request that asks for a search.
///
/// Source: `web_search_options` of `CreateChatCompletionRequest` of the OpenAI API.
pub(crate) const FIELD: &str = "web_search_options";

/// What a request says of its search.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, expecting = "an object such as {}")]
pub(crate) struct Options {
    search_context_size: Option<Size>,
    user_location: Option<Location>,
}

/// How much of what is found the model should read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Size {
    /// Half of the usual.
    Low,
    /// The usual.
    #[default]
    Medium,
    /// Twice the usual.
    High,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Location {
    approximate: Option<Place>,
    /// Some clients leave the level out that the API has.
    country: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Place {
    country: Option<String>,
}

impl Options {
    /// Takes them out of a request; none where it asks for no search.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`].
    pub(crate) fn take(request: &mut ChatRequest) -> Result<Option<Self>> {
        match request.extra.shift_remove(FIELD) {
            None | Some(serde_json::Value::Null) => Ok(None),
            Some(options) => serde_json::from_value(options).map(Some).map_err(|error| {
                let message = format!("`{FIELD}` cannot be read: {error}");
                Error::new(ErrorKind::InvalidRequest, "search", message).with_param(FIELD)
            }),
        }
    }

    /// Returns how much is to be read.
    pub(super) fn size(&self) -> Size {
        self.search_context_size.unwrap_or_default()
    }

    /// Returns the country, as two capital letters.
    pub(super) fn country(&self) -> Option<String> {
        let location = self.user_location.as_ref()?;
        let inner = location.approximate.as_ref().and_then(|place| place.country.as_ref());
        let country = inner.or(location.country.as_ref())?;
        let is_code = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_alphabetic());
        is_code.then(|| country.to_ascii_uppercase())
    }
}

impl Size {
    /// Returns how many results it stands for, where so many are usual; never more than
    /// [`MOST_RESULTS`].
    pub(super) fn of(self, usual: usize) -> usize {
        let results = match self {
            Self::Low => usual.div_ceil(2),
            Self::Medium => usual,
            Self::High => usual.saturating_mul(2),
        };
        results.min(MOST_RESULTS)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn take(options: Value) -> Result<Option<Options>> {
        let mut request = ChatRequest::new("demo");
        request.extra.insert(FIELD.into(), options);
        let taken = Options::take(&mut request);
        assert!(request.extra.is_empty(), "nobody else is to see it");
        taken
    }

    #[test]
    fn what_the_api_has_is_understood() {
        assert_eq!(Options::take(&mut ChatRequest::new("demo")).expect("valid"), None);
        assert_eq!(take(Value::Null).expect("valid"), None);
        assert_eq!(take(json!({})).expect("valid"), Some(Options::default()));
        let options = take(json!({
            "search_context_size": "high",
            "user_location": {"type": "approximate", "approximate": {"country": "gb", "city": "x"}},
        }));
        let options = options.expect("valid").expect("asked for");
        assert_eq!(options.size().of(8), 16);
        assert_eq!(options.country().as_deref(), Some("GB"));
        let unset = take(json!({"search_context_size": null, "user_location": null}));
        assert_eq!(unset.expect("valid"), Some(Options::default()));
        let flat = take(json!({"user_location": {"type": "approximate", "country": "DE"}}));
        assert_eq!(flat.expect("valid").and_then(|flat| flat.country()).as_deref(), Some("DE"));
        let odd = take(json!({"user_location": {"approximate": {"country": "Germany"}}}));
        assert_eq!(odd.expect("valid").and_then(|odd| odd.country()), None);
        assert_eq!((Size::Low.of(5), Size::High.of(40)), (3, MOST_RESULTS));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for options in [json!(true), json!("yes"), json!({"search_context_size": "huge"})] {
            let error = take(options).expect_err("wrong");
            assert_eq!((error.kind(), error.param()), (ErrorKind::InvalidRequest, Some(FIELD)));
        }
    }
}
