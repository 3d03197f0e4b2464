//! From one part of a message to what an upstream takes.

use bytes::Bytes;

use super::budget::Budget;
use super::data_url::{self, DataUrl};
use super::extract::{DocumentKind, Extract};
use super::fetch::Fetch;
use super::rules::{FileRules, RemoteImages};
use super::sniff::{Found, sniff};
use super::{document, image, refusal, text};
use crate::chat::{Extra, FilePart, ImageUrl, Part};
use crate::error::Result;

const NO_NAME: &str = "file";

/// Takes the parts of one request in.
pub(super) struct Intake<'a> {
    rules: &'a FileRules,
    fetch: &'a dyn Fetch,
    extract: &'a dyn Extract,
    budget: Budget<'a>,
}

/// What became of a part.
pub(super) enum Taken {
    /// It stays where it was, as this.
    Part(Part),
    /// It goes before the message's text.
    Document(String),
}

impl<'a> Intake<'a> {
    pub(super) fn new(
        rules: &'a FileRules,
        fetch: &'a dyn Fetch,
        extract: &'a dyn Extract,
    ) -> Self {
        Self { rules, fetch, extract, budget: Budget::new(rules) }
    }

    /// Takes a part in.
    pub(super) async fn part(&mut self, part: &Part) -> Result<Taken> {
        match part {
            Part::Text { .. } | Part::Refusal { .. } => Ok(Taken::Part(part.clone())),
            Part::ImageUrl { image_url, extra } => {
                let image_url = self.image(image_url).await?;
                Ok(Taken::Part(Part::ImageUrl { image_url, extra: extra.clone() }))
            }
            Part::File { file, .. } => self.file(file).await,
            Part::InputAudio { .. } => Err(refusal::audio()),
        }
    }

    async fn image(&mut self, image: &ImageUrl) -> Result<ImageUrl> {
        let limit = self.budget.open()?;
        if let Some(url) = DataUrl::parse(&image.url)? {
            let bytes = data_url::decode(url.base64, limit)?;
            self.budget.spend(bytes.len())?;
            return image::correct(image, url, &bytes);
        }
        if !is_address(&image.url) {
            return Err(refusal::not_an_address());
        }
        if self.rules.remote_images == RemoteImages::Off {
            return Err(refusal::no_addresses());
        }
        let bytes = self.fetch.image(&image.url, limit).await?;
        self.budget.spend(bytes.len())?;
        image::embed(image, &bytes)
    }

    async fn file(&mut self, file: &FilePart) -> Result<Taken> {
        let limit = self.budget.open()?;
        let Some(data) = &file.file_data else {
            let named = file.file_id.is_some();
            return Err(if named { refusal::file_id() } else { refusal::no_file_data() });
        };
        let base64 = DataUrl::parse(data)?.map_or(data.as_str(), |url| url.base64);
        let bytes = data_url::decode(base64, limit)?;
        self.budget.spend(bytes.len())?;
        let name = file.filename.as_deref().filter(|name| !name.is_empty()).unwrap_or(NO_NAME);
        match sniff(&bytes) {
            Found::Image(_) => Ok(Taken::Part(embedded(&bytes)?)),
            Found::OtherImage(found) => Err(refusal::wrong_image(found)),
            Found::Other(found) => Err(refusal::wrong_file(found)),
            Found::Document(kind) => self.document(name, kind, bytes.into()).await,
            Found::Unknown => {
                let text = text::decode(bytes)?;
                self.inlined(name, text::media_type(name), &text)
            }
        }
    }

    async fn document(&mut self, name: &str, kind: DocumentKind, bytes: Bytes) -> Result<Taken> {
        let text = self.extract.text(kind, bytes).await?;
        self.inlined(name, kind.media_type(), &text)
    }

    fn inlined(&mut self, name: &str, media_type: &str, text: &str) -> Result<Taken> {
        self.budget.spend_text(text)?;
        Ok(Taken::Document(document::render(name, media_type, text)))
    }
}

fn embedded(bytes: &[u8]) -> Result<Part> {
    let image_url = image::embed(&ImageUrl::default(), bytes)?;
    Ok(Part::ImageUrl { image_url, extra: Extra::new() })
}

fn is_address(url: &str) -> bool {
    let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}
