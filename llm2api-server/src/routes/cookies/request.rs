//! What an operator sends: strict, and told by name what is wrong, without his secrets.

use llm2api_core::Secret;
use llm2api_core::accounts::{NewAccount, Target};
use llm2api_core::credential::CredentialId;
use llm2api_core::credential::exchange::ExchangeFormat;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use crate::openai::error::Failure;

/// Longest label, in characters.
pub(super) const LONGEST_LABEL: usize = 100;
const MOST_WEIGHT: u32 = 100;
/// Longest part of a client's own text that is told back.
const LONGEST_QUOTE: usize = 200;

/// A secret in a body.
pub(crate) struct SecretText(pub(crate) Secret);

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::from(text)))
    }
}

/// An account to be added.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCookie {
    cookie: SecretText,
    pub(super) label: Option<String>,
    upstream: Option<String>,
    weight: Option<u32>,
    enabled: Option<bool>,
}

/// Names an account, or all where both are missing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pick {
    id: Option<String>,
    cookie: Option<SecretText>,
}

/// Reads a body; every field is known and stands there once.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let path = Some(path.as_str()).filter(|path| ![".", "?"].contains(path));
        explain(error.inner(), path)
    })?;
    json.end().map_err(|error| explain(&error, None))?;
    Ok(value)
}

/// serde quotes values of a wrong type, and any of them may be a secret in the wrong place; the
/// names of fields it may tell.
fn explain(error: &serde_json::Error, path: Option<&str>) -> Failure {
    let path = path.map(|path| path.chars().take(LONGEST_QUOTE).collect::<String>());
    if error.classify() != Category::Data {
        let (line, column) = (error.line(), error.column());
        let message = format!("the body is no JSON text: line {line}, column {column}");
        return Failure::invalid_json(&message, None);
    }
    let text = error.to_string();
    let names = ["unknown field", "missing field", "duplicate field"];
    let message = match text.rsplit_once(" at line ") {
        Some((text, _)) if names.iter().any(|start| text.starts_with(start)) => {
            text.chars().take(LONGEST_QUOTE).collect()
        }
        _ => "a value of the body has the wrong type".to_owned(),
    };
    // serde_path_to_error names what is around a field that is unknown, missing or doubled.
    let field = message.split('`').nth(1);
    Failure::invalid_json(&message, path.as_deref().or(field))
}

impl NewCookie {
    /// Checks the values and makes what the engine takes.
    pub(super) fn into_account(self) -> Result<NewAccount, Failure> {
        let mut account = NewAccount::new(self.cookie.0);
        account.label = self.label.map(label).transpose()?;
        account.upstream = self.upstream;
        account.weight = self.weight.map(weight).transpose()?;
        account.enabled = self.enabled.unwrap_or(true);
        Ok(account)
    }
}

impl Pick {
    /// Returns whom it names; none for nobody.
    pub(super) fn target(self) -> Result<Option<Target>, Failure> {
        match (self.id, self.cookie) {
            (Some(id), None) => Ok(Some(Target::Id(CredentialId::from_text(id)))),
            (None, Some(SecretText(secret))) => Ok(Some(Target::Secret(secret))),
            (None, None) => Ok(None),
            (Some(_), Some(_)) => {
                Err(Failure::invalid_value("id", "give one of `id` and `cookie`"))
            }
        }
    }
}

/// Checks a label: it stands in lists, logs and metrics.
pub(super) fn label(text: String) -> Result<String, Failure> {
    let fits = (1..=LONGEST_LABEL).contains(&text.chars().count());
    if fits && !text.chars().any(char::is_control) && !text.trim().is_empty() {
        return Ok(text);
    }
    Err(Failure::invalid_value("label", "write 1 to 100 characters, none of them a control"))
}

/// Checks a weight.
pub(super) fn weight(number: u32) -> Result<u32, Failure> {
    match (1..=MOST_WEIGHT).contains(&number) {
        true => Ok(number),
        false => Err(Failure::invalid_value("weight", "write a whole number from 1 to 100")),
    }
}

/// Finds a format by its name.
pub(super) fn format(name: Option<&str>) -> Result<Option<ExchangeFormat>, Failure> {
    let wrong = "write json, netscape, header or plain";
    let found = |name| {
        ExchangeFormat::from_name(name).ok_or_else(|| Failure::invalid_value("format", wrong))
    };
    name.map(found).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong<T: DeserializeOwned>(body: &str) -> String {
        let failure = parse::<T>(body.as_bytes()).err().expect("a mistake");
        let mut json = Vec::new();
        failure.write_json("req_1", &mut json);
        let json: serde_json::Value = serde_json::from_slice(&json).expect("is JSON");
        let text = format!("{} {}", json["error"]["message"], json["error"]["param"]);
        assert!(!text.contains("canary"), "{text}");
        text
    }

    #[test]
    fn mistakes_are_named_and_secrets_are_not() {
        let cases = [
            (r#"{"cookie": "canary", "lable": "x"}"#, "unknown field `lable`"),
            (
                r#"{"cookie": "canary", "cookie": "canary"}"#,
                "duplicate field `cookie`\" \"cookie\"",
            ),
            (r#"{"label": "x"}"#, "missing field `cookie`"),
            (r#"{"cookie": "a=1", "weight": "canary"}"#, "weight"),
            (r#"{"cookie": ["canary"]}"#, "wrong type"),
            (r#"{"cookie": "canary"} {}"#, "no JSON text: line 1"),
            (r#""canary""#, "wrong type"),
            (r#"{"cookie": "canary"#, "no JSON text"),
            ("", "no JSON text"),
        ];
        for (body, expected) in cases {
            let text = wrong::<NewCookie>(body);
            assert!(text.contains(expected), "{body}: {text}");
        }
    }

    #[test]
    fn labels_and_weights_have_bounds() {
        assert!(label("Ann's 账号".into()).is_ok() && label("x".repeat(100)).is_ok());
        for text in ["", "  ", "a\nb", "a\u{1b}[1m", "a\0", "a\u{85}", &"x".repeat(101)] {
            assert!(label(text.into()).is_err(), "{text:?}");
        }
        assert!(weight(1).is_ok() && weight(100).is_ok());
        assert!(weight(0).is_err() && weight(101).is_err());
    }

    #[test]
    fn an_account_is_named_in_one_way() {
        let target = |body: &str| parse::<Pick>(body.as_bytes()).and_then(Pick::target);
        assert!(matches!(target("{}"), Ok(None)));
        assert!(matches!(target(r#"{"id": "cred_1"}"#), Ok(Some(Target::Id(_)))));
        assert!(matches!(target(r#"{"cookie": "a=1"}"#), Ok(Some(Target::Secret(_)))));
        assert!(target(r#"{"id": "cred_1", "cookie": "a=1"}"#).is_err());
    }
}
