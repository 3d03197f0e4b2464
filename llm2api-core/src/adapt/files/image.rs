//! Images, wherever they come from.

use super::data_url::{self, DataUrl};
use super::refusal;
use super::sniff::{Found, is_svg, sniff};
use crate::chat::ImageUrl;
use crate::error::Result;

/// Returns the media type of an image that every upstream with images takes.
pub(super) fn check(bytes: &[u8]) -> Result<&'static str> {
    match sniff(bytes) {
        Found::Image(media_type) => Ok(media_type),
        Found::OtherImage(found) | Found::Other(found) => Err(refusal::wrong_image(found)),
        Found::Unknown if is_svg(bytes) => Err(refusal::wrong_image("an SVG")),
        Found::Document(_) => {
            Err(refusal::wrong_image("a document, which goes into a `file` part"))
        }
        Found::Unknown => Err(refusal::wrong_image("of no known format")),
    }
}

/// Keeps a `data:` URL that says what its bytes are, and writes a right one in place of any other.
pub(super) fn correct(image: &ImageUrl, url: DataUrl<'_>, bytes: &[u8]) -> Result<ImageUrl> {
    let media_type = check(bytes)?;
    let plain = format!("data:{media_type};base64,");
    let is_right = image.url.starts_with(&plain) && url.base64.len().is_multiple_of(4);
    let url = if is_right { image.url.clone() } else { data_url::write(media_type, bytes) };
    Ok(with_url(image, url))
}

/// Makes the same image with its bytes in the URL.
pub(super) fn embed(image: &ImageUrl, bytes: &[u8]) -> Result<ImageUrl> {
    Ok(with_url(image, data_url::write(check(bytes)?, bytes)))
}

fn with_url(image: &ImageUrl, url: String) -> ImageUrl {
    ImageUrl { url, detail: image.detail.clone(), extra: image.extra.clone() }
}
