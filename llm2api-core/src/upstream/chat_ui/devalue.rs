//! The packed form of page data: a flat list whose entries point at each other by index.

use serde_json::Value;

use super::stored::Conversation;
use super::wire::{Listed, ListedModel, PageData};

/// Values that are unpacked at most: one can be pointed at from many places.
const MOST_VALUES: usize = 100_000;

/// Reads a conversation's page data.
pub(super) fn conversation(page: &PageData) -> Option<Conversation> {
    page.nodes.iter().flatten().find_map(|node| {
        let data = node.data.as_slice();
        data.first()?.get("messages")?;
        let whole = unpack(data, 0, 16, &mut { MOST_VALUES })?;
        serde_json::from_value(whole).ok()
    })
}

/// Reads the conversations that a page's data lists.
pub(super) fn listed(page: &PageData) -> Vec<Listed> {
    let listed = page.nodes.iter().flatten().find_map(|node| {
        let data = node.data.as_slice();
        let list = usize::try_from(data.first()?.get("conversations")?.as_u64()?).ok()?;
        serde_json::from_value(unpack(data, list, 16, &mut { MOST_VALUES })?).ok()
    });
    listed.unwrap_or_default()
}

/// Puts what an index points at together; a field that is undefined is left out.
fn unpack(data: &[Value], index: usize, depth: u8, left: &mut usize) -> Option<Value> {
    *left = left.checked_sub(1)?;
    let depth = depth.checked_sub(1)?;
    let mut inner = |index: &Value| match index.as_u64() {
        Some(index) => unpack(data, usize::try_from(index).ok()?, depth, left),
        None => Some(Value::Null),
    };
    Some(match data.get(index)? {
        // A date, or another type: its name, and then its value.
        Value::Array(items) if items.first().is_some_and(Value::is_string) => {
            items.get(1).cloned().unwrap_or_default()
        }
        Value::Array(items) => Value::Array(items.iter().map(inner).collect::<Option<_>>()?),
        Value::Object(fields) => {
            let defined = fields.iter().filter(|(_, index)| index.is_u64());
            let field = |(name, index): (&String, &Value)| Some((name.clone(), inner(index)?));
            Value::Object(defined.map(field).collect::<Option<_>>()?)
        }
        plain => plain.clone(),
    })
}

/// Says whether a page's data names a user who is signed in; none where it does not tell.
pub(super) fn signed_in(page: &PageData) -> Option<bool> {
    page.nodes.iter().flatten().find_map(|node| {
        let user = node.data.first()?.get("user")?.as_i64()?;
        Some(user >= 0 && node.data.get(usize::try_from(user).ok()?).is_some_and(|v| !v.is_null()))
    })
}

/// Says whether a page's data names a server with login.
pub(super) fn login_enabled(page: &PageData) -> Option<bool> {
    page.nodes.iter().flatten().find_map(|node| {
        let data = node.data.as_slice();
        field(data, data.first()?, "loginEnabled")?.as_bool()
    })
}

/// Reads the models of a page's data.
pub(super) fn models(page: &PageData) -> Vec<ListedModel> {
    let listed = page.nodes.iter().flatten().find_map(|node| {
        let data = node.data.as_slice();
        let models = field(data, data.first()?, "models")?.as_array()?;
        let model = |index: &Value| {
            let model = at(data, index)?;
            let flag = |name| field(data, model, name).and_then(Value::as_bool).unwrap_or_default();
            let id = field(data, model, "id")?.as_str()?;
            Some(ListedModel::new(id, flag("multimodal"), flag("unlisted")))
        };
        Some(models.iter().filter_map(model).collect())
    });
    listed.unwrap_or_default()
}

fn field<'a>(data: &'a [Value], object: &Value, name: &str) -> Option<&'a Value> {
    at(data, object.get(name)?)
}

fn at<'a>(data: &'a [Value], index: &Value) -> Option<&'a Value> {
    data.get(usize::try_from(index.as_u64()?).ok()?)
}
