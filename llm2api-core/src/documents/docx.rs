//! The text of DOCX files: an archive, and XML in it.

use std::io::{Cursor, Read};

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, Event};
use zip::ZipArchive;

use super::fault::Fault;
use super::limited::LimitedText;

const MAIN_PART: &str = "word/document.xml";
/// The text's XML, unpacked.
const XML_LIMIT: u64 = 32 << 20;
/// A table in a table in a table … ends here.
const DEPTH_LIMIT: usize = 256;

/// Returns the paragraphs, one a line; the cells of a table's row stand on one line, between tabs.
pub(super) fn text(bytes: &[u8]) -> Result<String, Fault> {
    let xml = main_part(bytes)?;
    let (mut reader, mut walk) = (Reader::from_str(&xml), Walk::default());
    loop {
        match reader.read_event().map_err(|_| Fault::Damaged)? {
            Event::Start(tag) => walk.open(tag.local_name().as_ref())?,
            Event::Empty(tag) => {
                walk.open(tag.local_name().as_ref())?;
                walk.close(tag.local_name().as_ref())?;
            }
            Event::End(tag) => walk.close(tag.local_name().as_ref())?,
            Event::Text(text) => walk.say(&text.xml10_content())?,
            Event::CData(text) => walk.say(&text.xml10_content())?,
            Event::GeneralRef(name) => walk.say(&letter(&name)?)?,
            Event::Eof => return Ok(walk.text.into_text()),
            // Comments, and a DTD: entities that it defines stay unknown.
            _ => {}
        }
    }
}

/// Unpacks the part that holds the text, as far as the limit.
fn main_part(bytes: &[u8]) -> Result<String, Fault> {
    let damaged = |_| Fault::Damaged;
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(damaged)?;
    let part = archive.by_name(MAIN_PART).map_err(|_| Fault::Damaged)?;
    if part.encrypted() {
        return Err(Fault::Locked);
    }
    let mut xml = Vec::new();
    part.take(XML_LIMIT + 1).read_to_end(&mut xml).map_err(|_| Fault::Damaged)?;
    if xml.len() as u64 > XML_LIMIT {
        return Err(Fault::TooLong);
    }
    String::from_utf8(xml).map_err(|_| Fault::Damaged)
}

/// What a reference stands for: a number, or one of XML's own five names.
fn letter(name: &BytesRef<'_>) -> Result<String, Fault> {
    match name.resolve_char_ref() {
        Ok(Some(letter)) => Ok(letter.into()),
        Ok(None) => Ok(resolve_xml_entity(name).unwrap_or_default().to_owned()),
        Err(_) => Err(Fault::Damaged),
    }
}

/// Walks through the document's tags.
#[derive(Debug, Default)]
struct Walk {
    text: LimitedText,
    depth: usize,
    /// Levels of text runs: what is outside of them is for machines.
    runs: usize,
    /// Levels of what repeats what was said before it, for older programs.
    repeated: usize,
    cells: usize,
}

impl Walk {
    fn open(&mut self, name: &str) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return Err(Fault::Damaged);
        }
        match name {
            "t" => self.runs += 1,
            "Fallback" => self.repeated += 1,
            "tc" => self.cells += 1,
            "tab" => self.put("\t")?,
            "br" | "cr" => self.put(if self.cells > 0 { " " } else { "\n" })?,
            "noBreakHyphen" => self.put("-")?,
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<(), Fault> {
        self.depth = self.depth.saturating_sub(1);
        match name {
            "t" => self.runs = self.runs.saturating_sub(1),
            "Fallback" => self.repeated = self.repeated.saturating_sub(1),
            "p" if self.cells > 0 => self.put(" ")?,
            "p" => self.put("\n")?,
            "tc" => {
                self.cells = self.cells.saturating_sub(1);
                self.text.trim_line();
                self.put("\t")?;
            }
            "tr" if self.cells == 0 => {
                self.text.trim_line();
                if !self.text.ends_with("\n") {
                    self.put("\n")?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn say(&mut self, text: &str) -> Result<(), Fault> {
        if self.runs > 0 { self.put(text) } else { Ok(()) }
    }

    fn put(&mut self, text: &str) -> Result<(), Fault> {
        if self.repeated > 0 { Ok(()) } else { self.text.push(text) }
    }
}
