//! Provisional.
use crate::chat::{ChatStream, SearchNote};
use crate::search::Source;
use std::sync::Arc;
pub(super) struct Findings {
    pub(super) note: SearchNote,
    pub(super) sources: Arc<[Source]>,
    pub(super) block: bool,
}
pub(super) fn with_findings(stream: ChatStream, findings: Findings) -> ChatStream {
    let _ = (findings.sources, findings.block);
    stream.with_search_note(findings.note)
}
