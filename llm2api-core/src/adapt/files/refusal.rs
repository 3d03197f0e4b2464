//! What clients are told whose files are not taken.

use crate::error::{Error, ErrorKind};

const OPERATION: &str = "read files";
/// What is taken; said wherever something else was sent.
const TAKEN: &str = "send PNG or JPEG images, PDF, DOCX or text files";

fn error(kind: ErrorKind, message: impl Into<String>) -> Error {
    Error::new(kind, OPERATION, message)
}

pub(super) fn no_addresses() -> Error {
    error(
        ErrorKind::Unsupported,
        "this upstream needs the image itself, and REMOTE_IMAGES is off, so addresses are not \
         fetched: send it as a `data:` URL",
    )
}

pub(super) fn no_documents() -> Error {
    error(ErrorKind::Unsupported, "this program reads no PDF and DOCX files: send their text")
}

pub(super) fn not_an_address() -> Error {
    let message = "an image is neither a `data:` URL nor an http(s) address";
    error(ErrorKind::InvalidRequest, message)
}

pub(super) fn bad_data_url() -> Error {
    let message = "a `data:` URL must read `data:TYPE;base64,DATA`";
    error(ErrorKind::InvalidRequest, message).with_code("invalid_data_url")
}

pub(super) fn bad_base64() -> Error {
    let message = "a file is not valid base64: use the standard alphabet, without line breaks";
    error(ErrorKind::InvalidRequest, message).with_code("invalid_base64")
}

pub(super) fn empty() -> Error {
    error(ErrorKind::InvalidRequest, "a file holds nothing")
}

/// `found` is what the bytes look like, in our words.
pub(super) fn wrong_image(found: &str) -> Error {
    let message = format!("an image is {found}: convert it to PNG or JPEG");
    error(ErrorKind::Unsupported, message).with_code("unsupported_image")
}

/// `found` is what the bytes look like, in our words.
pub(super) fn wrong_file(found: &str) -> Error {
    error(ErrorKind::Unsupported, format!("a file is {found}: {TAKEN}"))
        .with_code("unsupported_file")
}

pub(super) fn file_id() -> Error {
    let message = "uploads are not kept here, so `file_id` names nothing: send `file_data`";
    error(ErrorKind::Unsupported, message)
}

pub(super) fn no_file_data() -> Error {
    error(ErrorKind::InvalidRequest, "a file part needs `file_data`, in base64")
}

pub(super) fn audio() -> Error {
    let message = format!("this upstream takes no recordings: {TAKEN}");
    error(ErrorKind::Unsupported, message)
}

pub(super) fn too_many(limit: usize) -> Error {
    error(ErrorKind::RequestTooLarge, format!("a request has more than {limit} files: send fewer"))
}

pub(super) fn too_large(limit: usize) -> Error {
    let message = format!("a file has more than {}: make it smaller", size(limit));
    error(ErrorKind::RequestTooLarge, message)
}

pub(super) fn too_much(limit: usize) -> Error {
    let message = format!("the files of a request have more than {} together", size(limit));
    error(ErrorKind::RequestTooLarge, message)
}

pub(super) fn too_long(limit: usize) -> Error {
    let message = format!("a document has more than {} of text: send a part of it", size(limit));
    error(ErrorKind::RequestTooLarge, message)
}

fn size(bytes: usize) -> String {
    match bytes >> 20 {
        0 => format!("{bytes} bytes"),
        mib => format!("{mib} MiB"),
    }
}
