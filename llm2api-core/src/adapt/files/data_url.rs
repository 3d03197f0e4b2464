//! `data:` URLs and base64, read strictly.

use base64::Engine;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use super::refusal;
use crate::error::Result;

/// Missing padding is forgiven, since nothing is lost by it; all else that is wrong is not.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A `data:` URL, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DataUrl<'a> {
    /// The media type without parameters; may be empty.
    pub(super) media_type: &'a str,
    pub(super) base64: &'a str,
}

impl<'a> DataUrl<'a> {
    /// Takes a `data:` URL apart; none where `text` does not begin like one.
    ///
    /// # Errors
    /// One whose data is not in base64.
    pub(super) fn parse(text: &'a str) -> Result<Option<Self>> {
        let Some((_, rest)) = text.split_at_checked(5).filter(|(scheme, _)| is_scheme(scheme))
        else {
            return Ok(None);
        };
        let (head, base64) = rest.split_once(',').ok_or_else(refusal::bad_data_url)?;
        let (head, coding) = head.rsplit_once(';').ok_or_else(refusal::bad_data_url)?;
        if !coding.trim().eq_ignore_ascii_case("base64") {
            return Err(refusal::bad_data_url());
        }
        let media_type = head.split(';').next().unwrap_or_default().trim();
        Ok(Some(Self { media_type, base64 }))
    }
}

fn is_scheme(text: &str) -> bool {
    text.eq_ignore_ascii_case("data:")
}

/// Unpacks base64 of at most `limit` bytes.
pub(super) fn decode(base64: &str, limit: usize) -> Result<Vec<u8>> {
    if base64.trim_end_matches('=').len() / 4 * 3 > limit {
        return Err(refusal::too_large(limit));
    }
    let bytes = LENIENT.decode(base64).map_err(|_| refusal::bad_base64())?;
    match bytes.len() {
        0 => Err(refusal::empty()),
        length if length > limit => Err(refusal::too_large(limit)),
        _ => Ok(bytes),
    }
}

/// Writes a `data:` URL.
pub(super) fn write(media_type: &str, bytes: &[u8]) -> String {
    let mut url = format!("data:{media_type};base64,");
    STANDARD.encode_string(bytes, &mut url);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_urls_are_taken_apart() {
        let parse =
            |text| DataUrl::parse(text).map(|url| url.map(|url| (url.media_type, url.base64)));
        assert_eq!(parse("data:image/png;base64,AAAA").ok(), Some(Some(("image/png", "AAAA"))));
        assert_eq!(
            parse("DATA:text/csv;charset=utf-8;Base64,AA").ok(),
            Some(Some(("text/csv", "AA")))
        );
        assert_eq!(parse("data:;base64,AA").ok(), Some(Some(("", "AA"))));
        for text in ["https://a/b", "AAAA", "", "dat", "däta:x"] {
            assert_eq!(parse(text).ok(), Some(None), "{text}");
        }
        for text in
            ["data:", "data:image/png,AAAA", "data:text/plain;charset=utf-8,AA", "data:;base64"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_missing_padding_is_forgiven() {
        for (text, bytes) in
            [("AAEC", &[0, 1, 2][..]), ("AA==", &[0]), ("AA", &[0]), ("AAE", &[0, 1])]
        {
            assert_eq!(decode(text, 3).ok().as_deref(), Some(bytes), "{text}");
        }
        for text in ["A", "AA\nAA", "AA AA", " AAAA", "AA-_", "AA=A", "A===", "AB==", "é"] {
            assert_eq!(decode(text, 9).expect_err("bad").code(), "invalid_base64", "{text:?}");
        }
        assert!(decode("", 9).is_err());
        assert_eq!(decode("AAECAA==", 3).expect_err("long").code(), "request_too_large");
    }
}
