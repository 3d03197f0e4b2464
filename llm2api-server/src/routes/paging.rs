//! One page of a list: `?limit=&after=`.

use poem::Request;
use serde::Deserialize;

use crate::openai::error::Failure;

/// Which part of a list is wanted: all of it, or `limit` that come behind the one named `after`.
#[derive(Deserialize)]
pub(super) struct Paging {
    limit: Option<usize>,
    after: Option<String>,
}

impl Paging {
    /// Reads the query.
    pub(super) fn of(request: &Request) -> Result<Self, Failure> {
        let wrong = || Failure::invalid_value("limit", "write a whole number of at least 1");
        let paging: Self = request.params().map_err(|_| wrong())?;
        if paging.limit == Some(0) { Err(wrong()) } else { Ok(paging) }
    }

    /// Cuts the part out; `lost` is the failure where nothing has the id of `after`.
    pub(super) fn cut<'a, T>(
        &self,
        all: &'a [T],
        id: impl Fn(&T) -> &str,
        lost: fn(&str) -> Failure,
    ) -> Result<&'a [T], Failure> {
        let start = match &self.after {
            None => 0,
            Some(after) => {
                let place = all.iter().position(|one| id(one) == after);
                place.ok_or_else(|| lost("after"))? + 1
            }
        };
        let rest = &all[start..];
        Ok(&rest[..self.limit.unwrap_or(rest.len()).min(rest.len())])
    }
}
