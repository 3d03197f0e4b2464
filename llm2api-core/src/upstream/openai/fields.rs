//! The types of single fields, for the quick look.

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What reasoning in a text begins with.
const TAG: &str = "<think>";

/// A string, not null.
#[derive(Debug)]
pub(super) struct Filled;

impl<'de> Deserialize<'de> for Filled {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(LeadVisitor).map(|_| Self)
    }
}

/// A field that must not be there.
#[derive(Debug)]
pub(super) struct Never;

impl<'de> Deserialize<'de> for Never {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Err(de::Error::custom("an error beside an answer"))
    }
}

/// Says whether a field is `true`; it may hold anything else.
#[derive(Debug, Default)]
pub(super) struct Flag(pub(super) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|value| Self(value.get() == "true"))
    }
}

/// Says whether a string has characters; `null` has none.
#[derive(Debug, Default)]
pub(super) struct Text(pub(super) bool);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Lead::deserialize(deserializer).map(|lead| Self(lead.is_filled()))
    }
}

/// What a text begins with; `null` is taken as empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Lead {
    #[default]
    Empty,
    /// What can be no tag of reasoning.
    Plain,
    /// Blanks, or a tag of reasoning, or the beginning of one.
    Tag,
}

impl Lead {
    fn of(text: &str) -> Self {
        let lead = text.trim_start();
        if text.is_empty() {
            Self::Empty
        } else if lead.starts_with(TAG) || TAG.starts_with(lead) {
            Self::Tag
        } else {
            Self::Plain
        }
    }

    pub(super) fn is_filled(self) -> bool {
        self != Self::Empty
    }

    pub(super) fn may_be_tag(self) -> bool {
        self == Self::Tag
    }
}

impl<'de> Deserialize<'de> for Lead {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LeadVisitor)
    }
}

struct LeadVisitor;

impl Visitor<'_> for LeadVisitor {
    type Value = Lead;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or null")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Lead, E> {
        Ok(Lead::of(text))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Lead, E> {
        Ok(Lead::Empty)
    }
}

/// What a text begins with, and the text where it stands in the document.
#[derive(Debug, Default)]
pub(super) struct Placed<'a> {
    pub(super) lead: Lead,
    /// None where characters are escaped: then the text stands nowhere as it is.
    pub(super) text: Option<&'a str>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Placed<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PlacedVisitor)
    }
}

struct PlacedVisitor;

impl<'de> Visitor<'de> for PlacedVisitor {
    type Value = Placed<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        LeadVisitor.expecting(f)
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Placed<'de>, E> {
        Ok(Placed { lead: Lead::of(text), text: Some(text) })
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Placed<'de>, E> {
        Ok(Placed { lead: Lead::of(text), text: None })
    }

    fn visit_unit<E: de::Error>(self) -> Result<Placed<'de>, E> {
        Ok(Placed::default())
    }
}

/// Says whether a list has items; `null` has none.
#[derive(Debug, Default)]
pub(super) struct Details(pub(super) bool);

impl<'de> Deserialize<'de> for Details {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DetailsVisitor)
    }
}

struct DetailsVisitor;

impl<'de> Visitor<'de> for DetailsVisitor {
    type Value = Details;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list or null")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Details, E> {
        Ok(Details(false))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Details, A::Error> {
        let mut any = false;
        while items.next_element::<IgnoredAny>()?.is_some() {
            any = true;
        }
        Ok(Details(any))
    }
}

/// The kinds of calls that the schema knows.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CallKind {
    Function,
    Custom,
}

/// The service tiers that the schema knows.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ServiceTier {
    Auto,
    Default,
    Flex,
    Scale,
    Priority,
}

/// The service tiers that the schema knows, by name.
pub(super) const SERVICE_TIERS: [&str; 5] = ["auto", "default", "flex", "scale", "priority"];
