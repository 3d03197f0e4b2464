//! The packed form of page data: a flat list whose entries point at each other by index.

use serde_json::Value;

use super::wire::{ListedModel, PageData};

/// Finds the first message's id in a conversation's page data.
pub(super) fn root_message(page: &PageData) -> Option<String> {
    page.nodes.iter().flatten().find_map(|node| {
        let data = node.data.as_slice();
        if let Some(root) = field(data, data.first()?, "rootMessageId").and_then(Value::as_str) {
            return Some(root.to_owned());
        }
        let messages = field(data, data.first()?, "messages")?.as_array()?;
        let first = at(data, messages.first()?)?;
        field(data, first, "id")?.as_str().map(str::to_owned)
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
