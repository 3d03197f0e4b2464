//! User, settings and what the server says about itself.

use serde_json::{Value, json};

use super::errors;
use super::routes::Call;
use super::superjson::Annotated;
use crate::http::Reply;
use crate::lock::lock;
use crate::options::Session;

/// `GET /api/v2/user`: null when nobody is logged in.
pub(super) fn user(call: &Call<'_>) -> Reply {
    let user = call.visitor.user.as_ref().map(|name| {
        json!({
            "id": user_id(name), "username": name, "avatarUrl": "", "email": email(name),
            "isAdmin": false, "isEarlyAccess": false,
        })
    });
    ok(&Annotated::plain(user.unwrap_or_default()))
}

/// `GET /api/user`.
pub(super) fn legacy_user(call: &Call<'_>) -> Reply {
    let Some(name) = &call.visitor.user else {
        return errors::message(401, "Must be signed in").chunked();
    };
    let user = json!({
        "id": user_id(name), "username": name, "name": name, "email": email(name),
        "avatarUrl": "", "hfUserId": name,
    });
    Reply::json(200, &user).chunked()
}

/// `GET /api/v2/feature-flags`.
pub(super) fn feature_flags(call: &Call<'_>) -> Reply {
    ok(&Annotated::plain(json!({
        "enableAssistants": false, "loginEnabled": call.options.login, "isAdmin": false,
        "transcriptionEnabled": false,
    })))
}

/// `GET /api/v2/public-config`.
pub(super) fn public_config(call: &Call<'_>) -> Reply {
    let origin = format!("http://{}", call.state.address);
    let reply = ok(&Annotated::plain(json!({
        "PUBLIC_VERSION": "0.20.0", "PUBLIC_ORIGIN": origin, "PUBLIC_APP_NAME": "ChatUI",
        "PUBLIC_APP_ASSETS": "chatui",
        "PUBLIC_APP_DESCRIPTION":
            "Making the community's best AI chat models available to everyone.",
        "PUBLIC_SHARE_PREFIX": "", "PUBLIC_GOOGLE_ANALYTICS_ID": "",
        "PUBLIC_PLAUSIBLE_SCRIPT_URL": "", "PUBLIC_APPLE_APP_ID": "", "PUBLIC_CAVEAT": "",
        "PUBLIC_FEATURE_ANNOUNCEMENTS": "", "PUBLIC_LLM_ROUTER_DISPLAY_NAME": "Omni",
        "PUBLIC_LLM_ROUTER_LOGO_URL": "", "PUBLIC_LLM_ROUTER_ALIAS_ID": "omni",
        "PUBLIC_COMMIT_SHA": "",
    })));
    reply.with("cache-control", "private, max-age=60")
}

/// `GET /api/v2/user/settings`.
pub(super) fn settings(call: &Call<'_>) -> Reply {
    let seen = lock(&call.state.memory).accepted.contains(&call.visitor.cookie);
    let model = call.options.model_list().first().map(|model| model.id.clone());
    let mut settings = Annotated::plain(json!({
        "welcomeModalSeen": seen, "welcomeModalSeenAt": null, "activeModel": model,
        "streamingMode": "smooth", "directPaste": false, "hapticsEnabled": true,
        "hidePromptExamples": {}, "shareConversationsWithModelAuthors": true,
        "customPrompts": {}, "customPromptsEnabled": {}, "multimodalOverrides": {},
        "toolsOverrides": {}, "artifactsOverrides": {}, "providerOverrides": {},
        "reasoningEffortOverrides": {}, "reasoningOverrides": {}, "billingOrganization": null,
    }));
    settings.undefined("billingOrganization");
    ok(&settings)
}

/// `POST /settings`: accepts the welcome modal, whatever its name.
pub(super) fn save_settings(call: &Call<'_>) -> Reply {
    let Ok(body) = serde_json::from_slice::<Value>(call.request.body()) else {
        return errors::unexpected();
    };
    if body["ethicsModalAccepted"] == true || body["welcomeModalSeen"] == true {
        lock(&call.state.memory).accepted.insert(call.visitor.cookie.clone());
    }
    Reply::empty(200)
}

/// `POST /logout`: ends this one session.
pub(super) fn logout(call: &Call<'_>) -> Reply {
    let ended = |session: &Session| session.value == call.visitor.cookie;
    call.state.change_options(|options| options.sessions.retain(|session| !ended(session)));
    let name = &call.options.cookie_name;
    let cookie = format!("{name}=; Max-Age=0; Path=/; HttpOnly; Secure; SameSite=None");
    Reply::empty(302).with("location", "/").with("set-cookie", cookie)
}

/// A reply of `/api/v2`.
pub(super) fn ok(data: &Annotated) -> Reply {
    Reply::json(200, &data.to_json()).chunked()
}

/// The id of a user: 24 hexadecimal digits that depend on the name only.
pub(super) fn user_id(name: &str) -> String {
    let hash = |seed: u64| {
        name.bytes()
            .fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
    };
    format!("{:016x}{:08x}", hash(0xcbf2_9ce4_8422_2325), hash(7) & 0xffff_ffff)
}

pub(super) fn email(name: &str) -> String {
    format!("{name}@example.org")
}
