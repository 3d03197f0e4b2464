//! The services that are imitated.

pub(crate) mod chat_ui;
pub(crate) mod control;
pub(crate) mod open_webui;
pub(crate) mod openai;
mod route;
mod searxng;

pub(crate) use route::{answer, body_limit, too_large};
