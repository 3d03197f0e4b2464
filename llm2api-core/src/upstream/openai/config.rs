//! Where services of this kind differ.

use crate::adapt::{OPEN_WEBUI_OWN, Profile};

/// Paths and fields of one kind of service.
#[derive(Clone, Debug)]
pub(super) struct Preset {
    /// Path that an URL without one gets.
    pub(super) default_path: &'static str,
    /// Path of the chat call.
    pub(super) chat: &'static str,
    /// Path of the model list.
    pub(super) models: &'static str,
    /// Path that tells whether a credential is good.
    pub(super) check: &'static str,
    /// Cookie whose value also serves as bearer.
    pub(super) bearer_cookie: Option<&'static str>,
    /// What it makes of the fields of a request.
    pub(super) profile: Profile,
    /// Request fields that change what the call means and are not sent.
    pub(super) withheld: &'static [&'static str],
}

impl Preset {
    pub(super) fn openai() -> Self {
        Self {
            default_path: "/v1",
            chat: "/chat/completions",
            models: "/models",
            check: "/models",
            bearer_cookie: None,
            profile: Profile::OpenAi,
            withheld: &[],
        }
    }

    pub(super) fn open_webui() -> Self {
        Self {
            default_path: "",
            chat: "/api/chat/completions",
            models: "/api/models",
            check: "/api/v1/auths/",
            bearer_cookie: Some("token"),
            profile: Profile::OpenWebUi,
            withheld: &OPEN_WEBUI_OWN,
        }
    }
}
