//! `auth issue`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use llm2api_core::auth::{AuthCode, NewCode, PrivateKey, sign};
use llm2api_core::quota::Allowance;

use super::{ACTOR, Absent, Done, open};
use crate::clock::unix_seconds;
use crate::config::{Origins, value};

#[derive(Debug, Args)]
pub(in crate::cli) struct Issue {
    /// Whom the code is for
    #[arg(long, value_name = "NAME")]
    holder: String,
    /// What he has
    #[arg(long, value_name = "NAME")]
    plan: Option<String>,
    /// How long the code is good from now on, such as `30d`; for ever without it
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires: Option<Duration>,
    /// In how long the code begins to be good, such as `12h`; at once without it
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    not_before: Option<Duration>,
    /// Chat requests that the installation may begin in any minute
    #[arg(long, value_name = "NUMBER")]
    requests_per_minute: Option<u32>,
    /// Tokens that the installation may use in a day
    #[arg(long, value_name = "NUMBER")]
    tokens_per_day: Option<u64>,
    /// Chat requests of the installation at the same time
    #[arg(long, value_name = "NUMBER")]
    concurrency: Option<u32>,
    /// Sign the code with this key, which `auth keygen` has made; nothing is kept of it then
    #[arg(long, value_name = "PATH")]
    private_key_file: Option<PathBuf>,
    /// Keep a record of the signed code in the store, so that it is listed
    #[arg(long, requires = "private_key_file")]
    record: bool,
}

impl Issue {
    pub(super) async fn execute(self, origins: Origins) -> Done {
        let key = self.private_key_file.as_ref().map(PrivateKey::from_file).transpose()?;
        let now = unix_seconds();
        let (is_signed, record) = (key.is_some(), self.record);
        let wanted = self.into_wanted(now);
        let code = match key {
            Some(key) if !record => sign(&wanted.into_claims(now)?, &key)?,
            key => {
                let authority = open(origins, key, Absent::Make).await?;
                authority.issue(wanted, is_signed, ACTOR).await?.1
            }
        };
        Ok(line(&code))
    }

    fn into_wanted(self, now: u64) -> NewCode {
        let date = |wait: Duration| now.saturating_add(wait.as_secs());
        let mut wanted = NewCode::new(self.holder);
        wanted.plan = self.plan;
        wanted.expires = self.expires.map(date);
        wanted.not_before = self.not_before.map(date);
        wanted.limits = Allowance {
            requests_per_minute: self.requests_per_minute,
            tokens_per_day: self.tokens_per_day,
            concurrency: self.concurrency,
        };
        wanted
    }
}

fn line(code: &AuthCode) -> String {
    format!("{}\n", code.expose())
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    value::duration(text)
}
