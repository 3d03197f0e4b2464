//! In which of two forms the text is written, as the reader asks for it.

use poem::http::HeaderMap;
use poem::http::header::{self, HeaderValue};

/// A form of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// OpenMetrics 1.0, for those who say that they read it.
    OpenMetrics,
    /// The text that Prometheus has had from the beginning, for everybody else.
    Classic,
}

impl Form {
    /// Reads what somebody accepts, and how much he likes it.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
        let (mut open, mut classic) = (0.0_f32, 0.0_f32);
        for range in values.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse().ok());
            let weight = weight.unwrap_or(1.0_f32);
            match kind.as_str() {
                "application/openmetrics-text" => open = open.max(weight),
                "text/plain" => classic = classic.max(weight),
                _ => {}
            }
        }
        if open > 0.0 && open >= classic { Self::OpenMetrics } else { Self::Classic }
    }

    /// Returns the type of content.
    pub(crate) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Classic => "text/plain; version=0.0.4; charset=utf-8",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(accept: &[&'static str]) -> Form {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(header::ACCEPT, HeaderValue::from_static(value));
        }
        Form::accepted(&headers)
    }

    #[test]
    fn openmetrics_is_for_those_who_ask_for_it() {
        let prometheus = "application/openmetrics-text;version=1.0.0,\
            application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        assert_eq!(form(&[prometheus]), Form::OpenMetrics);
        assert_eq!(form(&["text/html", "Application/OpenMetrics-Text; Q=1"]), Form::OpenMetrics);
        for classic in [
            "*/*",
            "text/plain",
            "application/json",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;version=1.0.0;q=0.2, text/plain;q=0.5",
        ] {
            assert_eq!(form(&[classic]), Form::Classic, "{classic}");
        }
        assert_eq!(form(&[]), Form::Classic);
    }
}
