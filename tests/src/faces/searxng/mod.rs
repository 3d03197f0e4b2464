//! The SearXNG face: `/searxng/search`, as the metasearch server answers there.
//!
//! What it answers comes from SearXNG's source: its list of fields is that of `MainResult`
//! (`searx/result_types/_base.py`), the order of its checks that of `search` (`searx/webapp.py`) and of
//! `get_search_query_from_webapp` (`searx/webadapter.py`). It plays an instance whose
//! `search.formats` are `html` and `json`. Which words in a query choose faults is in
//! [`searches`](crate::searches). `/searxng/engine?q=…&page=…` delivers the same results to a real
//! searx, which the suite `searx` holds beside this face.

mod faults;
mod hostile;
mod pages;
mod parameters;
mod results;
mod routes;
#[cfg(test)]
mod tests;

pub(crate) use routes::{answer, is_searxng};
