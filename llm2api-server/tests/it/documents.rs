//! Documents that mean harm, read by the real program: it may die of them, its parent does not.
#![cfg(unix)]

use std::io::{Cursor, Write};
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use llm2api_core::ErrorKind;
use llm2api_core::adapt::files::{DocumentKind, Extract};
use llm2api_core::documents::ProcessExtractor;
use tokio::process::Command;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const PROGRAM: &str = env!("CARGO_BIN_EXE_llm2api-server");
const COMMAND: &str = "extract-document";

const CATALOGUE: &[u8] = b"<< /Type /Catalog /Pages 2 0 R >>";
const PAGES: &[u8] = b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>";
const PAGE: &[u8] = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R \
                      /Resources << /Font << /F1 5 0 R >> /XObject << /X 4 0 R >> >> >>";
const FONT: &[u8] = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>";

/// Writes a PDF of these objects, numbered from 1.
fn pdf(objects: &[&[u8]]) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut table = format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).into_bytes();
    for (at, object) in objects.iter().enumerate() {
        writeln!(table, "{:010} 00000 n ", file.len()).expect("room");
        file.extend_from_slice(format!("{} 0 obj\n", at + 1).as_bytes());
        file.extend_from_slice(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let (start, count) = (file.len(), objects.len() + 1);
    let trailer = format!("trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    [file, table, trailer.into_bytes()].concat()
}

fn stream(dictionary: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!("<< {dictionary} /Length {} >>\nstream\n", bytes.len());
    [head.as_bytes(), bytes, b"\nendstream"].concat()
}

/// A page that says what `content` does.
fn page(content: &[u8]) -> Vec<u8> {
    pdf(&[CATALOGUE, PAGES, PAGE, content, FONT])
}

fn docx(xml: &[u8]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("word/document.xml", SimpleFileOptions::default()).expect("room");
    archive.write_all(xml).expect("room");
    archive.finish().expect("an archive").into_inner()
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("room");
    encoder.finish().expect("a stream")
}

/// Starts the program as the server does; no test waits longer than this for it.
fn extractor() -> ProcessExtractor {
    ProcessExtractor::new(PROGRAM, [COMMAND]).with_time_limit(Duration::from_secs(60))
}

async fn assert_refused(what: &str, kind: DocumentKind, file: Vec<u8>) {
    let error = extractor().text(kind, Bytes::from(file)).await;
    let error = error.expect_err(what);
    let callers = [ErrorKind::InvalidRequest, ErrorKind::RequestTooLarge];
    assert!(callers.contains(&error.kind()), "{what}: {error:?}");
}

#[tokio::test]
async fn a_document_is_read_by_the_program() {
    let content = stream("", b"BT /F1 12 Tf 50 700 Td (Hello) Tj ET");
    let text = extractor().text(DocumentKind::Pdf, page(&content).into()).await;
    assert_eq!(text.ok().as_deref(), Some("Hello"));
    let xml = b"<w:document xmlns:w='w'><w:p><w:r><w:t>Hello</w:t></w:r></w:p></w:document>";
    let text = extractor().text(DocumentKind::Docx, docx(xml).into()).await;
    assert_eq!(text.ok().as_deref(), Some("Hello"));
}

#[tokio::test]
async fn documents_that_unpack_to_more_than_memory_are_refused() {
    let zeros = packed(&vec![b' '; 400 << 20]);
    let bomb = page(&stream("/Filter /FlateDecode", &zeros));
    assert_refused("a packed page", DocumentKind::Pdf, bomb).await;
    assert_refused("a packed part", DocumentKind::Docx, docx(&vec![b' '; 64 << 20])).await;
}

#[tokio::test]
async fn documents_that_never_end_are_refused() {
    let itself = stream(
        "/Type /XObject /Subtype /Form /BBox [0 0 9 9] \
                         /Resources << /XObject << /X 4 0 R >> >>",
        b"/X Do",
    );
    assert_refused("a form in itself", DocumentKind::Pdf, page(&itself)).await;
    let orphan = b"<< /Type /Page /Parent 3 0 R /Contents 4 0 R >>";
    let nothing = stream("", b"");
    let family = pdf(&[CATALOGUE, PAGES, orphan, &nothing]);
    assert_refused("a page that is its own parent", DocumentKind::Pdf, family).await;
    let tree = pdf(&[CATALOGUE, b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 9 >>"]);
    assert_refused("a tree in itself", DocumentKind::Pdf, tree).await;
}

#[tokio::test]
async fn documents_that_nest_without_end_are_refused() {
    let deep = "[".repeat(1 << 20);
    assert_refused("arrays in arrays", DocumentKind::Pdf, pdf(&[CATALOGUE, deep.as_bytes()])).await;
    let deep = stream("", deep.as_bytes());
    assert_refused("arrays in a page", DocumentKind::Pdf, page(&deep)).await;
    let xml = "<w:tbl>".repeat(1 << 18);
    assert_refused("tables in tables", DocumentKind::Docx, docx(xml.as_bytes())).await;
}

#[tokio::test]
async fn documents_cut_anywhere_are_refused_or_read() {
    let whole = page(&stream("", b"BT /F1 12 Tf 50 700 Td (Hello) Tj ET"));
    for length in (0..whole.len()).step_by(whole.len() / 12) {
        let cut = Bytes::copy_from_slice(&whole[..length]);
        if let Err(error) = extractor().text(DocumentKind::Pdf, cut).await {
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{length}: {error:?}");
        }
    }
}

#[tokio::test]
async fn the_limits_hold_before_a_byte_is_read() {
    let mut command = Command::new(PROGRAM);
    command.args([COMMAND, "pdf"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let child = command.env_clear().kill_on_drop(true).spawn().expect("the program");
    let limits = format!("/proc/{}/limits", child.id().expect("it waits for its input"));
    if !std::path::Path::new(&limits).exists() {
        return; // Only Linux shows them.
    }
    let wanted =
        [("Max address space", "536870912"), ("Max cpu time", "10"), ("Max core file size", "0")];
    let hold = |text: &str| {
        let line = |name| text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        wanted.iter().all(|(name, most)| line(*name).split_whitespace().any(|word| word == *most))
    };
    let look = async {
        while !hold(&std::fs::read_to_string(&limits).expect("the child lives")) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), look).await.expect("limits");
}
