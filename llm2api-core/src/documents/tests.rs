use std::io::{Cursor, Write};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{Fault, ProcessExtractor, extract, serve};
use crate::adapt::files::{DocumentKind, Extract};
use crate::error::{Error, ErrorKind, Result};

/// Writes a PDF of these objects, numbered from 1; the first is the catalogue.
fn pdf(objects: &[&str]) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend_from_slice(format!("{} 0 obj\n{object}\nendobj\n", at + 1).as_bytes());
    }
    let (start, count) = (file.len(), objects.len() + 1);
    file.extend_from_slice(format!("xref\n0 {count}\n0000000000 65535 f \n").as_bytes());
    for offset in offsets {
        file.extend_from_slice(format!("{offset:010} 00000 n \n").as_bytes());
    }
    let trailer = format!("trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n");
    file.extend_from_slice(trailer.as_bytes());
    file
}

fn page(content: &str) -> Vec<u8> {
    let stream = format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len());
    pdf(&[
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents 4 0 R \
         /Resources << /Font << /F1 5 0 R >> >> >>",
        &stream,
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ])
}

/// Packs a DOCX whose body is this XML.
fn docx(body: &str) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("word/document.xml", SimpleFileOptions::default()).expect("room");
    let head = "<?xml version=\"1.0\"?><w:document xmlns:w=\"w\" xmlns:mc=\"mc\"><w:body>";
    archive.write_all(format!("{head}{body}</w:body></w:document>").as_bytes()).expect("room");
    archive.finish().expect("an archive").into_inner()
}

fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t xml:space=\"preserve\">{text}</w:t></w:r></w:p>")
}

fn docx_text(body: &str) -> Result<String, Fault> {
    extract(DocumentKind::Docx, &docx(body))
}

#[test]
fn the_text_of_a_pdf_is_read_in_lines() {
    let file = page("BT /F1 12 Tf 50 700 Td (Hello, reader.) Tj 0 -40 Td (Second line.) Tj ET");
    let text = extract(DocumentKind::Pdf, &file).expect("a text");
    let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, ["Hello, reader.", "Second line."]);
}

#[test]
fn a_pdf_without_text_or_order_says_so() {
    assert_eq!(extract(DocumentKind::Pdf, &page("0 0 m 9 9 l S")), Err(Fault::NoText));
    let file = page("BT /F1 12 Tf (Hello) Tj ET");
    assert_eq!(extract(DocumentKind::Pdf, &file[..120]), Err(Fault::Damaged));
    assert_eq!(extract(DocumentKind::Pdf, b"%PDF-1.7\njunk"), Err(Fault::Damaged));
    assert_eq!(extract(DocumentKind::Pdf, b""), Err(Fault::Damaged));
}

#[test]
fn the_text_of_a_docx_is_read_in_lines_and_tables_in_rows() {
    let cell = |text: &str| format!("<w:tc>{}</w:tc>", paragraph(text));
    let row = |a: &str, b: &str| format!("<w:tr>{}{}</w:tr>", cell(a), cell(b));
    let body = [
        paragraph("Fish &amp; chips &#233;&lt;"),
        "<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>".into(),
        format!("<w:tbl>{}{}</w:tbl>", row("Name", "Price"), row("Cod", "7")),
        "<w:p><w:r><w:instrText>PAGE</w:instrText><w:delText>gone</w:delText></w:r></w:p>".into(),
        "<mc:AlternateContent><mc:Choice><w:p><w:r><w:t>once</w:t></w:r></w:p></mc:Choice>\
         <mc:Fallback><w:p><w:r><w:t>twice</w:t></w:r></w:p></mc:Fallback></mc:AlternateContent>"
            .into(),
    ];
    insta::assert_snapshot!(docx_text(&body.concat()).expect("a text").replace('\t', "→"), @r"
    Fish & chips é<
    a→b
    c
    Name→Price
    Cod→7

    once
    ");
}

#[test]
fn what_is_no_letter_does_not_reach_the_text() {
    assert_eq!(docx_text(&paragraph("a&#1;\u{85}b&#27;[0mc")).as_deref(), Ok("ab[0mc"));
}

#[test]
fn a_docx_without_text_or_order_says_so() {
    assert_eq!(docx_text(&paragraph(" ")), Err(Fault::NoText));
    assert_eq!(docx_text("<w:p></w:r>"), Err(Fault::Damaged));
    assert_eq!(extract(DocumentKind::Docx, &docx("")[..40]), Err(Fault::Damaged));
    assert_eq!(docx_text(&"<w:tbl>".repeat(300)), Err(Fault::Damaged));
}

#[test]
fn entities_of_a_docx_are_not_expanded_and_bombs_end_early() {
    assert_eq!(docx_text(&paragraph("a&lol;b")).as_deref(), Ok("ab"));
    assert_eq!(docx_text(&paragraph(&"x".repeat(5 << 20))), Err(Fault::TooLong));
    assert_eq!(docx_text(&" ".repeat(33 << 20)), Err(Fault::TooLong));
}

#[test]
fn nothing_is_said_of_a_document_that_cannot_be_read() {
    let mut output = Vec::new();
    assert_eq!(serve(DocumentKind::Docx, &b"junk"[..], &mut output), Err(Fault::Damaged));
    assert!(output.is_empty());
    let file = docx(&paragraph("Hello"));
    assert_eq!(serve(DocumentKind::Docx, &file[..], &mut output), Ok(()));
    assert_eq!(output, b"llm2api document text\nHello");
}

// ===== ProcessExtractor =====

fn shell(script: &str) -> ProcessExtractor {
    ProcessExtractor::new("/bin/sh", ["-c", script])
}

async fn read_by(extractor: &ProcessExtractor) -> Result<String> {
    extractor.text(DocumentKind::Docx, Bytes::from_static(b"bytes")).await
}

async fn fails(script: &str) -> Error {
    read_by(&shell(script)).await.expect_err("no text")
}

#[tokio::test]
async fn a_program_gets_kind_and_bytes_and_no_environment() {
    let script = "echo 'llm2api document text'; echo \"$0\"; /bin/cat; echo \"$HOME\"; pwd";
    assert_eq!(read_by(&shell(script)).await.ok().as_deref(), Some("docx\nbytes\n/\n"));
}

#[tokio::test]
async fn what_a_program_says_by_its_exit_code_reaches_the_caller() {
    for fault in [Fault::Locked, Fault::Damaged, Fault::NoText, Fault::TooLong] {
        let error = fails(&format!("exit {}", fault.exit_code())).await;
        assert_eq!(error.message(), Error::from(fault).message());
    }
    let error = fails("kill -9 $$").await;
    assert_eq!((error.kind(), error.code()), (ErrorKind::InvalidRequest, "unreadable_document"));
}

#[tokio::test]
async fn another_program_is_our_fault_and_its_words_are_no_text() {
    for script in ["echo running 0 tests", "exit 2", "", "printf 'llm2api document text\\n\\377'"] {
        assert_eq!(fails(script).await.kind(), ErrorKind::Internal, "{script}");
    }
    let missing = ProcessExtractor::new("/no/such/program", [""; 0]);
    assert_eq!(read_by(&missing).await.expect_err("missing").kind(), ErrorKind::Internal);
}

#[tokio::test]
async fn a_program_that_says_too_much_or_nothing_is_given_up() {
    let endless = shell("echo 'llm2api document text'; while :; do echo text; done");
    let error = read_by(&endless.with_text_limit(1000)).await.expect_err("endless");
    assert_eq!(error.kind(), ErrorKind::RequestTooLarge);
    let silent = shell("while :; do :; done").with_time_limit(Duration::from_millis(300));
    let error = read_by(&silent).await.expect_err("silent");
    assert_eq!(error.code(), "unreadable_document");
}

#[tokio::test]
async fn who_finds_no_place_in_time_is_told_to_come_back() {
    let busy = shell("while :; do :; done").with_places(1);
    let impatient = busy.clone().with_time_limit(Duration::from_millis(100));
    let error = tokio::select! {
        biased;
        _ = read_by(&busy) => panic!("it never ends"),
        answer = read_by(&impatient) => answer.expect_err("no place"),
    };
    assert_eq!(error.kind(), ErrorKind::PoolExhausted);
}

#[tokio::test]
async fn a_program_that_nobody_waits_for_is_killed() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("id");
    let script = format!("echo $$ > {0}.new; mv {0}.new {0}; while :; do :; done", file.display());
    let extractor = shell(&script);
    tokio::select! {
        _ = read_by(&extractor) => panic!("it never ends"),
        () = comes_true(|| file.exists()) => {}
    }
    let id = std::fs::read_to_string(&file).expect("the id of the process");
    let process = Path::new("/proc").join(id.trim());
    comes_true(|| !process.exists()).await;
}

/// Looks again and again at what another process does.
async fn comes_true(is_so: impl Fn() -> bool) {
    let look = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), look).await.expect("it comes true");
}
