//! devalue: how SvelteKit flattens data into one array.

use std::collections::HashMap;

use serde_json::{Value, json};

/// Marks a date: `{"$date": "…"}`.
pub(super) fn date(iso: &str) -> Value {
    json!({"$date": iso})
}

/// Marks something undefined.
pub(super) fn undefined() -> Value {
    json!({"$undefined": true})
}

/// Flattens `value`: element 0 is the root, numbers inside are places in the array.
pub(super) fn flatten(value: &Value) -> String {
    let mut flat = Flat::default();
    flat.add(value);
    format!("[{}]", flat.values.join(","))
}

#[derive(Default)]
struct Flat {
    values: Vec<String>,
    known: HashMap<String, usize>,
}

impl Flat {
    /// Adds `value` and returns its place, -1 for what is undefined.
    fn add(&mut self, value: &Value) -> i64 {
        if value.get("$undefined").is_some() {
            return -1;
        }
        if !value.is_object() && !value.is_array() {
            return self.add_primitive(value);
        }
        let place = self.values.len();
        self.values.push(String::new());
        self.values[place] = match value {
            _ if value.get("$date").is_some() => format!("[\"Date\",{}]", value["$date"]),
            Value::Array(items) => {
                let places: Vec<_> = items.iter().map(|item| self.add(item).to_string()).collect();
                format!("[{}]", places.join(","))
            }
            _ => self.object(value),
        };
        signed(place)
    }

    fn object(&mut self, value: &Value) -> String {
        let fields = value.as_object().into_iter().flatten();
        let fields: Vec<_> = fields
            .map(|(key, field)| format!("{}:{}", Value::from(key.as_str()), self.add(field)))
            .collect();
        format!("{{{}}}", fields.join(","))
    }

    /// Equal primitives share a place.
    fn add_primitive(&mut self, value: &Value) -> i64 {
        let text = value.to_string().replace('<', "\\u003C");
        let place = *self.known.entry(text.clone()).or_insert(self.values.len());
        if place == self.values.len() {
            self.values.push(text);
        }
        signed(place)
    }
}

fn signed(place: usize) -> i64 {
    i64::try_from(place).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{date, flatten, undefined};

    #[test]
    fn values_are_flattened_depth_first() {
        let value = json!({"a": ["x", "x", {}], "b": date("d"), "c": undefined(), "e": null});
        let flat = r#"[{"a":1,"b":4,"c":-1,"e":5},[2,2,3],"x",{},["Date","d"],null]"#;
        assert_eq!(flatten(&value), flat);
    }
}
