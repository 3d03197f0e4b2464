//! Many cases of one test.

use futures::{StreamExt, stream};

/// Cases that are tried at the same time.
const AT_ONCE: usize = 4;

/// Tries all cases, a few at a time: they do little else than wait.
pub async fn each<C, F: Future<Output = ()>>(
    cases: impl IntoIterator<Item = C>,
    attempt: impl Fn(C) -> F,
) {
    stream::iter(cases).for_each_concurrent(AT_ONCE, attempt).await;
}
