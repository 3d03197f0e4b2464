//! Fields that this version does not know.

use std::fmt;

use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Fields that this version does not know; they travel on unchanged.
pub type Extra = Map<String, Value>;

/// Reads the fields that are left over. One that stands there twice is refused: of two readers one
/// might see the first and the other the last.
pub(super) fn once<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Extra, D::Error> {
    deserializer.deserialize_map(OnceVisitor)
}

struct OnceVisitor;

impl<'de> Visitor<'de> for OnceVisitor {
    type Value = Extra;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Extra, A::Error> {
        let mut extra = Extra::new();
        while let Some((name, value)) = fields.next_entry::<String, Value>()? {
            if extra.contains_key(&name) {
                return Err(de::Error::custom(format_args!("duplicate field `{name:.100}`")));
            }
            extra.insert(name, value);
        }
        Ok(extra)
    }
}
