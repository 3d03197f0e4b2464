//! `GET /stats/sparks`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use llm2api_core::accounts::AccountStatus;
use poem::{Request, Response};

use super::wire::Sparks;
use crate::clock::millis;
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::state::State;

const MINUTES: u64 = 60;

/// Says how long each credential took to the first content of late, minute by minute.
pub(in crate::routes) async fn sparks(
    state: Arc<State>,
    _request: Request,
) -> Result<Response, Failure> {
    let accounts = state.client.accounts();
    // Nobody knows here which of them other servers have used of late.
    let in_fleet = accounts.standing().is_some();
    let used = accounts.list().into_iter().filter(|account| in_fleet || is_used(account));
    let ids: Vec<_> = used.map(|account| account.id.as_str().to_owned()).collect();
    let medians = state.client.statistics().first_content(&ids, MINUTES).await?;
    let in_millis = |(id, minutes): (_, Vec<Option<Duration>>)| {
        (id, minutes.into_iter().map(|median| median.map(millis)).collect())
    };
    Ok(answer::json(&Sparks { data: medians.into_iter().map(in_millis).collect() }))
}

fn is_used(account: &AccountStatus) -> bool {
    let window = Duration::from_secs(MINUTES * 60);
    let since = account.last_used.and_then(|used| SystemTime::now().duration_since(used).ok());
    account.last_used.is_some() && since.is_none_or(|since| since < window)
}
