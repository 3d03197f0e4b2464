//! Bounds the work that a schema can make of a value.

use serde_json::Value;

/// How many schemas may apply within one another.
const MOST_DEPTH: usize = 512;

/// Counts the patterns of a schema.
pub(super) fn count_patterns(schema: &Value) -> usize {
    let own = |(name, value): (&String, &Value)| match (name.as_str(), value) {
        ("pattern", Value::String(_)) => 1,
        ("patternProperties", Value::Object(patterns)) => patterns.len(),
        _ => 0,
    };
    let fields = schema.as_object().into_iter().flatten();
    fields.map(own).sum::<usize>() + children(schema).map(count_patterns).sum::<usize>()
}

/// Returns a reference that leads elsewhere than to a place in the schema, or a name within the schema
/// that would make references below it lead elsewhere, if there is one.
pub(super) fn foreign_reference(schema: &Value) -> Option<&str> {
    let draft = schema.get("$schema").and_then(Value::as_str).unwrap_or_default();
    let base = if draft.contains("draft-04") { "id" } else { "$id" };
    foreign_below(schema, base, true)
}

fn foreign_below<'a>(schema: &'a Value, base: &str, top: bool) -> Option<&'a str> {
    let fields = schema.as_object().into_iter().flatten();
    let foreign = fields.into_iter().find_map(|(name, value)| {
        let foreign = reference(name, value).filter(|to| *to != "#" && !to.starts_with("#/"));
        foreign.or_else(|| value.as_str().filter(|_| !top && name == base))
    });
    foreign.or_else(|| children(schema).find_map(|inner| foreign_below(inner, base, false)))
}

/// Says whether a check takes so many steps at most: alternatives that all refer back double the work
/// with each level of the value, and long lists of them multiply it with its length.
pub(super) fn takes_at_most(schema: &Value, value: &Value, steps: usize) -> bool {
    Walk { root: schema, steps }.apply(schema, value, 0).is_some()
}

fn reference<'a>(name: &str, value: &'a Value) -> Option<&'a str> {
    let names = ["$ref", "$dynamicRef", "$recursiveRef"];
    names.contains(&name).then(|| value.as_str()).flatten()
}

/// Reads `%20` and the like; what is no such thing stays.
fn decoded(pointer: &str) -> String {
    let mut bytes = Vec::with_capacity(pointer.len());
    let mut rest = pointer.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = (*first == b'%').then(|| pointer.len() - after.len());
        let digits = digits.and_then(|at| pointer.get(at..at + 2));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Counts a value and all within it.
pub(super) fn count_parts(value: &Value) -> usize {
    1 + children(value).map(count_parts).sum::<usize>()
}

/// Returns the members of an object, or the items of an array.
fn children(value: &Value) -> impl Iterator<Item = &Value> {
    let members = value.as_object().into_iter().flat_map(|members| members.values());
    members.chain(value.as_array().into_iter().flatten())
}

/// Applies schemas as a check does, but for what they demand.
struct Walk<'a> {
    root: &'a Value,
    steps: usize,
}

impl Walk<'_> {
    /// Gives nothing where the steps are used up.
    fn apply(&mut self, schema: &Value, value: &Value, depth: usize) -> Option<()> {
        self.steps = self.steps.checked_sub(1).filter(|_| depth < MOST_DEPTH)?;
        for (name, inner) in schema.as_object().into_iter().flatten() {
            self.keyword(name, inner, value, depth + 1)?;
        }
        Some(())
    }

    fn keyword(&mut self, name: &str, inner: &Value, value: &Value, depth: usize) -> Option<()> {
        if let Some(to) = reference(name, inner) {
            let target = self.root.pointer(&decoded(to.trim_start_matches('#')))?;
            return self.apply(target, value, depth);
        }
        match name {
            "allOf" | "anyOf" | "oneOf" | "dependentSchemas" | "dependencies" => {
                children(inner).try_for_each(|inner| self.apply(inner, value, depth))
            }
            "not" | "if" | "then" | "else" => self.apply(inner, value, depth),
            "properties" => self.properties(inner, value, depth),
            "patternProperties" => {
                children(inner).try_for_each(|inner| self.each(inner, value, depth))
            }
            "items" | "prefixItems" if inner.is_array() => {
                let pairs = children(inner).zip(children(value));
                pairs.into_iter().try_for_each(|(inner, item)| self.apply(inner, item, depth))
            }
            "items"
            | "additionalItems"
            | "contains"
            | "unevaluatedItems"
            | "additionalProperties"
            | "unevaluatedProperties" => self.each(inner, value, depth),
            _ => Some(()),
        }
    }

    fn properties(&mut self, inner: &Value, value: &Value, depth: usize) -> Option<()> {
        for (name, inner) in inner.as_object().into_iter().flatten() {
            if let Some(member) = value.get(name) {
                self.apply(inner, member, depth)?;
            }
        }
        Some(())
    }

    fn each(&mut self, inner: &Value, value: &Value, depth: usize) -> Option<()> {
        children(value).try_for_each(|child| self.apply(inner, child, depth))
    }
}
