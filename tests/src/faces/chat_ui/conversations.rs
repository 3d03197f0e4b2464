//! Creating, listing, reading, changing and deleting conversations.

use serde_json::{Value, json};

use super::account::ok;
use super::routes::Call;
use super::superjson::Annotated;
use super::{errors, views};
use crate::http::Reply;
use crate::lock::lock;
use crate::tree::Conversation;

/// Conversations on a page of the list.
const PAGE: usize = 30;
/// What the owner of another session is told by `/api/v2`.
const NO_ACCESS: &str = "You don't have access to this conversation. If someone gave you this \
                         link, ask them to use the 'share' feature instead.";

/// `POST /conversation`.
pub(super) fn create(call: &Call<'_>) -> Reply {
    let Ok(body) = serde_json::from_slice::<Value>(call.request.body()) else {
        return errors::unexpected();
    };
    let model = body["model"].as_str().filter(|model| call.options.model(model).is_some());
    let Some(model) = model else { return errors::message(400, "Invalid request") };
    let owner = call.visitor.owner().to_owned();
    let mut memory = lock(&call.state.memory);
    let count = memory.conversations.iter().filter(|one| one.owner == owner).count();
    if call.options.conversations_limit.is_some_and(|limit| count > limit as usize) {
        let text = "You have reached the maximum number of conversations. Delete some to continue.";
        return errors::message(429, text);
    }
    let preprompt = body["preprompt"].as_str().unwrap_or_default().to_owned();
    let conversation = Conversation::new(owner, model.to_owned(), preprompt);
    let mut reply = json!({"conversationId": conversation.id});
    if call.is_v2() {
        reply["conversation"] = json!(views::v2(&conversation).to_json().to_string());
    }
    memory.conversations.push(conversation);
    drop(memory);
    call.state.log.wake();
    Reply::json(200, &reply).chunked()
}

/// `GET /api/v2/conversations`.
pub(super) fn list(call: &Call<'_>) -> Reply {
    let page = call.request.query_value("p").and_then(|page| page.parse().ok()).unwrap_or(0);
    let entries = entries(call);
    let more = entries.len() > (page + 1) * PAGE;
    let entries: Vec<_> = entries.into_iter().skip(page * PAGE).take(PAGE).collect();
    let mut list = Annotated::default();
    for place in 0..entries.len() {
        list.date(format!("conversations.{place}.updatedAt"));
    }
    list.data = json!({"conversations": entries, "hasMore": more});
    ok(&list)
}

/// `GET /api/conversations`.
pub(super) fn legacy_list(call: &Call<'_>) -> Reply {
    Reply::json(200, &Value::Array(entries(call).into_iter().take(PAGE).collect())).chunked()
}

/// The visitor's conversations, the newest first.
fn entries(call: &Call<'_>) -> Vec<Value> {
    let memory = lock(&call.state.memory);
    let mine = memory.conversations.iter().filter(|one| one.owner == call.visitor.owner());
    mine.rev().map(views::entry).collect()
}

/// `GET /api/v2/conversations/ID`.
pub(super) fn get(call: &Call<'_>, id: &str) -> Reply {
    match lock(&call.state.memory).conversation(id) {
        None => errors::no_conversation(),
        Some(found) if found.owner != call.visitor.owner() => errors::message(403, NO_ACCESS),
        Some(found) => ok(&views::v2(found)),
    }
}

/// `GET /api/conversation/ID`.
pub(super) fn legacy_get(call: &Call<'_>, id: &str) -> Reply {
    let view = |found: &mut Conversation| views::legacy(found, call.options, call.is_v2());
    match own(call, id, view) {
        Ok(view) => Reply::json(200, &view).chunked(),
        Err(refused) => refused.chunked(),
    }
}

/// `PATCH`, answered by `done`.
pub(super) fn patch(call: &Call<'_>, id: &str, done: Reply) -> Reply {
    let Ok(body) = serde_json::from_slice::<Value>(call.request.body()) else {
        return errors::unexpected();
    };
    let (title, model) = (body["title"].as_str(), body["model"].as_str());
    if title.is_some_and(|title| title.is_empty() || title.chars().count() > 100) {
        return errors::unexpected();
    }
    if model.is_some_and(|model| call.options.model(model).is_none()) {
        return errors::message(400, "Invalid model ID");
    }
    let change = |found: &mut Conversation| {
        found.title = title.unwrap_or(&found.title).to_owned();
        found.model = model.unwrap_or(&found.model).to_owned();
    };
    own(call, id, change).map_or_else(|refused| refused, |()| done)
}

/// `DELETE`, answered by `done`.
pub(super) fn delete(call: &Call<'_>, id: &str, done: Reply) -> Reply {
    if let Err(refused) = own(call, id, |_| ()) {
        return refused;
    }
    lock(&call.state.memory).conversations.retain(|one| one.id != id);
    call.state.log.note(|log| log.deleted.push(id.to_owned()));
    done
}

/// `DELETE /api/v2/conversations`: all of the visitor's.
pub(super) fn delete_all(call: &Call<'_>) -> Reply {
    let mut memory = lock(&call.state.memory);
    let all = std::mem::take(&mut memory.conversations);
    let (mine, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|one| one.owner == call.visitor.owner());
    memory.conversations = others;
    drop(memory);
    let count = mine.len();
    call.state.log.note(|log| log.deleted.extend(mine.into_iter().map(|one| one.id)));
    ok(&Annotated::plain(json!(count)))
}

/// `POST /conversation/ID/share`.
pub(super) fn share(call: &Call<'_>, id: &str) -> Reply {
    match own(call, id, |found| found.id[..7].to_owned()) {
        Ok(share) => Reply::json(200, &json!({"shareId": share})).chunked(),
        Err(refused) => refused,
    }
}

/// `GET /conversation/ID/output/SHA`.
pub(super) fn file(call: &Call<'_>, id: &str, sha: &str) -> Reply {
    match own(call, id, |found| found.file(sha).cloned()) {
        Ok(Some(file)) => {
            let extension = file.mime.rsplit('/').next().unwrap_or("bin");
            let short = sha.get(..8).unwrap_or(sha);
            let name = format!("attachment; filename=\"{short}.{extension}\"");
            let sandbox = "default-src 'none'; script-src 'none'; style-src 'none'; sandbox;";
            Reply::new(200, &file.mime, file.content)
                .with("content-disposition", name)
                .with("content-security-policy", sandbox)
        }
        Ok(None) => errors::message(404, "File not found"),
        Err(refused) => refused,
    }
}

/// The reply of `/api/v2` to a change that was made.
pub(super) fn success() -> Reply {
    ok(&Annotated::plain(json!({"success": true})))
}

/// Works on a conversation of the visitor.
pub(super) fn own<T>(
    call: &Call<'_>,
    id: &str,
    work: impl FnOnce(&mut Conversation) -> T,
) -> Result<T, Reply> {
    if id.len() != 24 || !id.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Err(errors::unexpected());
    }
    let mut memory = lock(&call.state.memory);
    match memory.conversation(id) {
        Some(found) if found.owner == call.visitor.owner() => Ok(work(found)),
        _ => Err(errors::no_conversation()),
    }
}
