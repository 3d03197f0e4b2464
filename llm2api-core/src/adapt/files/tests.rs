use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Value, json};

use super::*;
use crate::chat::{ChatRequest, Part};
use crate::error::{Error, ErrorKind, Result};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n0123456789";
const JPEG: &[u8] = b"\xff\xd8\xff\xe0abc";

/// Has one image and one text for everybody, and counts who asks.
#[derive(Debug, Default)]
struct Desk {
    asked: AtomicUsize,
}

#[async_trait]
impl Fetch for Desk {
    async fn image(&self, _: &str, _: usize) -> Result<Bytes> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(Bytes::from_static(JPEG))
    }
}

#[async_trait]
impl Extract for Desk {
    async fn text(&self, kind: DocumentKind, bytes: Bytes) -> Result<String> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        Ok(format!("{} of {} bytes", kind.name(), bytes.len()))
    }
}

fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

fn image(url: impl Into<String>) -> Value {
    json!({"type": "image_url", "image_url": {"url": url.into(), "detail": "low"}})
}

fn image_of(media_type: &str, bytes: &[u8]) -> Value {
    image(format!("data:{media_type};base64,{}", base64(bytes)))
}

fn file(name: &str, bytes: impl AsRef<[u8]>) -> Value {
    json!({"type": "file", "file": {"filename": name, "file_data": base64(bytes)}})
}

fn request(parts: &[Value]) -> ChatRequest {
    let parts: Vec<_> =
        [json!({"type": "text", "text": "Look."})].iter().chain(parts).cloned().collect();
    let body = json!({"model": "m", "messages": [
        {"role": "system", "content": "Be brief."}, {"role": "user", "name": "ann", "content": parts},
    ]});
    ChatRequest::from_json(body.to_string().as_bytes()).expect("a request")
}

async fn with_rules(parts: &[Value], rules: &FileRules) -> Result<Vec<Part>> {
    let (desk, request) = (Desk::default(), request(parts));
    let request = inline_files(request, rules, &desk, &desk).await?;
    assert_eq!(request.messages[1].name.as_deref(), Some("ann"));
    match request.messages[1].content.clone() {
        Some(crate::chat::Content::Parts(parts)) => Ok(parts),
        other => panic!("no parts: {other:?}"),
    }
}

async fn inlined(parts: &[Value]) -> Vec<Part> {
    with_rules(parts, &FileRules::default()).await.expect("all is taken")
}

async fn refused(part: Value) -> Error {
    with_rules(&[part], &FileRules::default()).await.expect_err("not taken")
}

fn part_of(value: Value) -> Part {
    serde_json::from_value(value).expect("a part")
}

#[tokio::test]
async fn a_request_without_files_is_not_touched() {
    let request = request(&[]);
    let desk = Desk::default();
    let after = inline_files(request.clone(), &FileRules::default(), &desk, &desk).await;
    let after = after.expect("nothing to refuse");
    assert!(std::sync::Arc::ptr_eq(&request.messages, &after.messages));
}

#[tokio::test]
async fn a_right_image_passes_as_it_is_and_a_wrong_type_is_corrected() {
    let right = image_of("image/png", PNG);
    let parts = inlined(&[right.clone(), image_of("image/png;x=y", JPEG), image_of("", PNG)]).await;
    assert_eq!(parts[1], part_of(right.clone()));
    assert_eq!(parts[2], part_of(image_of("image/jpeg", JPEG)));
    assert_eq!(parts[3], part_of(right));
}

#[tokio::test]
async fn missing_padding_is_put_right() {
    let padded = image_of("image/jpeg", JPEG);
    let url = padded["image_url"]["url"].as_str().expect("a URL").to_owned();
    assert!(url.ends_with('='));
    assert_eq!(inlined(&[image(url.trim_end_matches('='))]).await[1], part_of(padded));
}

#[tokio::test]
async fn images_that_would_be_dropped_are_refused_by_name() {
    let table: [(&[u8], &str); 6] = [
        (b"GIF89a...", "an image is a GIF: convert it to PNG or JPEG"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "an image is a WebP: convert it to PNG or JPEG"),
        (b"<svg xmlns='x'/>", "an image is an SVG: convert it to PNG or JPEG"),
        (
            b"%PDF-1.7",
            "an image is a document, which goes into a `file` part: convert it to PNG or JPEG",
        ),
        (b"hello", "an image is of no known format: convert it to PNG or JPEG"),
        (b"\0\0\0\x20ftypheic", "an image is a HEIC: convert it to PNG or JPEG"),
    ];
    for (bytes, message) in table {
        let error = refused(image_of("image/png", bytes)).await;
        assert_eq!((error.kind(), error.message()), (ErrorKind::Unsupported, message));
        assert_eq!(error.param(), Some("messages[1].content[1].image_url"));
    }
}

#[tokio::test]
async fn broken_data_urls_are_the_callers_mistake() {
    let bad = [
        "data:",
        "data:image/png,raw",
        "data:image/png;base64,",
        "data:image/png;base64,A",
        "data:image/png;base64,iVBO Rw0KGgo=",
        "data:image/png;base64,iVBORw0K\nGgo=",
        "ftp://example.org/a.png",
        "file:///etc/passwd",
        "/etc/passwd",
        "",
    ];
    for url in bad {
        assert_eq!(refused(image(url)).await.kind(), ErrorKind::InvalidRequest, "{url:?}");
    }
}

#[tokio::test]
async fn addresses_are_fetched_only_where_the_operator_allows_it() {
    let (desk, mut rules) = (Desk::default(), FileRules::default());
    let part = image("HTTPS://example.org/a.png");
    let error = inline_files(request(std::slice::from_ref(&part)), &rules, &desk, &desk).await;
    let error = error.expect_err("off");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.message().contains("REMOTE_IMAGES"), "{error}");
    assert_eq!(error.param(), Some("messages[1].content[1].image_url"));
    assert_eq!(desk.asked.load(Ordering::Relaxed), 0);

    rules.remote_images = RemoteImages::Public;
    let parts = with_rules(&[part], &rules).await.expect("allowed");
    assert_eq!(parts[1], part_of(image_of("image/jpeg", JPEG)));
}

#[tokio::test]
async fn texts_become_documents_before_the_other_text() {
    let as_url = json!({"type": "file", "file": {"filename": "table.csv",
        "file_data": format!("data:text/csv;base64,{}", base64("a,b\n"))}});
    let nameless = json!({"type": "file", "file": {"file_data": base64("plain")}});
    let parts =
        inlined(&[file("notes.md", "# Hi"), image_of("image/png", PNG), as_url, nameless]).await;
    let texts: Vec<_> = parts.iter().map(|part| part.text().unwrap_or("[image]")).collect();
    insta::assert_snapshot!(texts.join("\n--\n"), @r#"
    <document name="notes.md" type="text/markdown">
    # Hi
    </document>
    --
    <document name="table.csv" type="text/csv">
    a,b
    </document>
    --
    <document name="file" type="text/plain">
    plain
    </document>
    --
    Look.
    --
    [image]
    "#);
}

#[tokio::test]
async fn documents_are_read_and_images_in_files_are_images() {
    let parts = inlined(&[file("a.pdf", "%PDF-1.4"), file("b.bin", PNG)]).await;
    assert_eq!(
        parts[0].text(),
        Some("<document name=\"a.pdf\" type=\"application/pdf\">\npdf of 8 bytes\n</document>")
    );
    assert!(matches!(&parts[2], Part::ImageUrl { image_url, .. }
        if image_url.url == format!("data:image/png;base64,{}", base64(PNG))));
}

#[tokio::test]
async fn what_cannot_be_taken_is_refused_with_what_can() {
    let taken = "send PNG or JPEG images, PDF, DOCX or text files";
    let audio = json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}});
    let by_id = json!({"type": "file", "file": {"file_id": "file-1"}});
    for (part, field, words) in [
        (file("a.xlsx", b"PK\x03\x04..xl/workbook.xml"), "file", "a file is a spreadsheet"),
        (file("a.bin", b"\x01\0\xff"), "file", "text in UTF-8"),
        (file("a.gif", b"GIF89a"), "file", "a GIF"),
        (by_id, "file", "`file_id` names nothing"),
        (audio, "input_audio", taken),
    ] {
        let error = refused(part).await;
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.message().contains(words), "{error}");
        assert_eq!(error.param(), Some(format!("messages[1].content[1].{field}").as_str()));
    }
    let nothing = json!({"type": "file", "file": {"filename": "a"}});
    assert_eq!(refused(nothing).await.kind(), ErrorKind::InvalidRequest);
}

#[tokio::test]
async fn every_size_has_an_end() {
    let rules = FileRules {
        file_limit: 40,
        total_limit: 60,
        count_limit: 3,
        text_limit: 20,
        ..FileRules::default()
    };
    let image = || image_of("image/jpeg", JPEG);
    let large = image_of("image/png", &[PNG, &[0; 40]].concat());
    let medium = || image_of("image/png", &[PNG, &[0; 20]].concat());
    for (parts, words) in [
        (vec![large], "a file has more than 40 bytes"),
        (vec![medium(), medium()], "more than 60 bytes together"),
        (vec![image(), image(), image(), image()], "more than 3 files"),
        (vec![file("a", [b'x'; 21])], "more than 20 bytes of text"),
    ] {
        let error = with_rules(&parts, &rules).await.expect_err("too much");
        assert_eq!(error.kind(), ErrorKind::RequestTooLarge);
        assert!(error.message().contains(words), "{error}");
    }
    assert!(with_rules(&[image(), image(), image()], &rules).await.is_ok());
}
