//! `key create|list|revoke|rotate|update`: the client keys, on the store itself.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand, ValueEnum};
use futures::future::join_all;
use llm2api_core::Result;
use llm2api_core::keys::{Change, ClientKey, ClientKeys, IssuedKey, KeyChange, NewKey};
use llm2api_core::quota::{Allowance, Quotas};
use serde::Serialize;

use super::beside::{self, Absent};
use crate::config::{Config, duration};
use crate::routes::keys::{Entry, IssuedEntry, Page, span};

/// Who stands in the log of changes.
const ACTOR: &str = "cli";

#[derive(Debug, Subcommand)]
pub(super) enum KeyTask {
    /// Make a key and print it, alone on one line; it is not shown again
    Create {
        #[command(flatten)]
        what: What,
        #[command(flatten)]
        form: Form,
    },
    /// List the keys, oldest first
    List(Form),
    /// Take a key back, for good
    Revoke {
        /// The id, which is the part of the key behind `sk-l2a-`, up to the next `-`
        id: String,
        #[command(flatten)]
        form: Form,
    },
    /// Give a key another secret and print it, alone on one line; it is not shown again
    Rotate {
        /// The id, which is the part of the key behind `sk-l2a-`, up to the next `-`
        id: String,
        /// How long the key before is still good, such as 10m; without it, it stops at once
        #[arg(long, value_parser = duration, default_value = "0")]
        grace: Duration,
        #[command(flatten)]
        form: Form,
    },
    /// Change what a key is called, and what it may
    Update {
        /// The id, which is the part of the key behind `sk-l2a-`, up to the next `-`
        id: String,
        #[command(flatten)]
        what: What,
        /// What to take away: no name, no end, all models, no limit
        #[arg(long, value_name = "FIELD", value_delimiter = ',')]
        clear: Vec<Field>,
        #[command(flatten)]
        form: Form,
    },
}

/// What a key is, and may.
#[derive(Debug, Args)]
pub(super) struct What {
    /// What people call it
    #[arg(long)]
    label: Option<String>,
    /// How long it is good from now on, such as 30d
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires: Option<Duration>,
    /// A model that it may ask for, as in requests; `*` at the end stands for all. May be given
    /// several times; without it, all models
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
    /// Chat requests that may begin in any minute
    #[arg(long, value_name = "NUMBER")]
    requests_per_minute: Option<u32>,
    /// Tokens of requests and answers in a day, which begins at midnight UTC
    #[arg(long, value_name = "NUMBER")]
    tokens_per_day: Option<u64>,
    /// Chat requests at the same time
    #[arg(long, value_name = "NUMBER")]
    concurrency: Option<u32>,
}

/// How the answer is printed.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Form {
    /// Print JSON, as the server's paths answer
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Field {
    Label,
    Expires,
    Models,
    RequestsPerMinute,
    TokensPerDay,
    Concurrency,
}

impl KeyTask {
    /// Does it; returns what is to be printed.
    pub(super) async fn run(self, config: &Config) -> Result<String> {
        let store = beside::open(config, self.absent()).await?;
        let (keys, used) = (ClientKeys::open(store.clone()).await?, Quotas::new(store));
        Ok(match self {
            Self::Create { what, form } => {
                issued(&keys.create(what.into_new(), ACTOR).await?, form, &used).await
            }
            Self::List(form) => list(&keys.list(), form, &used).await,
            Self::Revoke { id, form } => {
                done(&keys.revoke(&id, ACTOR).await?, "revoked", form, &used).await
            }
            Self::Rotate { id, grace, form } => {
                issued(&keys.rotate(&id, grace, ACTOR).await?, form, &used).await
            }
            Self::Update { id, what, clear, form } => {
                let changed = keys.update(&id, what.into_change(&clear), ACTOR).await?;
                done(&changed, "changed", form, &used).await
            }
        })
    }
}

impl KeyTask {
    /// A key may be made before the server starts for the first time; all else needs one.
    fn absent(&self) -> Absent {
        match self {
            Self::Create { .. } => Absent::Make,
            _ => Absent::Refuse,
        }
    }
}

impl What {
    fn into_new(self) -> NewKey {
        let mut new = NewKey::new().with_models(self.models).with_allowance(Allowance {
            requests_per_minute: self.requests_per_minute,
            tokens_per_day: self.tokens_per_day,
            concurrency: self.concurrency,
        });
        (new.label, new.life) = (self.label, self.expires);
        new
    }

    /// What is taken away and given at the same time is given.
    fn into_change(self, clear: &[Field]) -> KeyChange {
        let models = Some(self.models).filter(|models| !models.is_empty());
        let mut change = KeyChange::default();
        change.label = change_of(self.label, Field::Label, clear);
        change.expires_at = change_of(self.expires.map(span), Field::Expires, clear);
        change.models = change_of(models, Field::Models, clear);
        change.requests_per_minute =
            change_of(self.requests_per_minute, Field::RequestsPerMinute, clear);
        change.tokens_per_day = change_of(self.tokens_per_day, Field::TokensPerDay, clear);
        change.concurrency = change_of(self.concurrency, Field::Concurrency, clear);
        change
    }
}

fn change_of<T>(given: Option<T>, field: Field, clear: &[Field]) -> Change<T> {
    match given {
        Some(value) => Change::Set(value),
        None if clear.contains(&field) => Change::Clear,
        None => Change::Keep,
    }
}

async fn issued(issued: &IssuedKey, form: Form, used: &Quotas) -> String {
    match form.json {
        true => json(&IssuedEntry::of(issued, used).await),
        false => format!("{}\n", issued.key.expose()),
    }
}

async fn done(key: &ClientKey, what: &str, form: Form, used: &Quotas) -> String {
    match form.json {
        true => json(&Entry::of(key, used).await),
        false => format!("{} is {what}\n", key.id),
    }
}

async fn list(keys: &[ClientKey], form: Form, used: &Quotas) -> String {
    if form.json {
        let data = join_all(keys.iter().map(|key| Entry::of(key, used))).await;
        return json(&Page { data, total: keys.len() });
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let mut text = format!("{:<12}  {:<7}  {:>7}  LABEL\n", "ID", "STATE", "EXPIRES");
    for key in keys {
        let (state, left) = (key.state.as_str(), left(key.expires_at, now));
        let label = key.label.as_deref().unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{:<12}  {state:<7}  {left:>7}  {label}", key.id);
    }
    text
}

/// How long a key has, in its largest unit.
fn left(end: Option<u64>, now: u64) -> String {
    let Some(end) = end else { return "never".into() };
    let left = end.saturating_sub(now);
    let units = [("d", 86_400), ("h", 3_600), ("m", 60)];
    let unit = units.into_iter().find(|(_, seconds)| left >= *seconds);
    let (unit, seconds) = unit.unwrap_or(("s", 1));
    format!("{}{unit}", left / seconds)
}

fn json(value: &impl Serialize) -> String {
    let text = serde_json::to_string(value).expect("entries have string keys only");
    text + "\n"
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{Cli, Task};
    use super::*;

    fn task(line: &str) -> KeyTask {
        let cli = Cli::try_parse_from(line.split(' ')).expect("valid");
        match cli.command {
            Some(Task::Key(task)) => task,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_asked_is_understood() {
        let line = "x key create --label Ann --expires 30d --model a --model b/* \
                    --requests-per-minute 1 --tokens-per-day 2 --concurrency 3";
        let KeyTask::Create { what, form } = task(line) else { panic!("another task") };
        let new = what.into_new();
        let month = Some(Duration::from_secs(30 * 86_400));
        assert_eq!((new.label.as_deref(), new.life, form.json), (Some("Ann"), month, false));
        assert_eq!(new.models, ["a", "b/*"]);
        let figures = (new.allowance.requests_per_minute, new.allowance.tokens_per_day);
        assert_eq!((figures, new.allowance.concurrency), ((Some(1), Some(2)), Some(3)));

        let line = "x key update abc --concurrency 4 --clear label,models --clear expires";
        let KeyTask::Update { id, what, clear, .. } = task(line) else { panic!("another task") };
        let change = what.into_change(&clear);
        assert_eq!((&*id, change.concurrency), ("abc", Change::Set(4)));
        assert_eq!((change.label, change.models), (Change::Clear, Change::Clear));
        assert_eq!((change.expires_at, change.tokens_per_day), (Change::Clear, Change::Keep));
        let KeyTask::Rotate { grace, form, .. } = task("x key rotate abc --grace 10m --json")
        else {
            panic!("another task")
        };
        assert_eq!((grace.as_secs(), form.json), (600, true));
        for line in ["x key create --expires soon", "x key revoke", "x key update a --clear name"] {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn what_is_left_is_told_in_one_unit() {
        let text = |rest: u64| left(Some(1000 + rest), 1000);
        let seconds = [0, 59, 60, 3_599, 3_600, 86_399, 86_400, 2_592_000];
        assert_eq!(seconds.map(text), ["0s", "59s", "1m", "59m", "1h", "23h", "1d", "30d"]);
        assert_eq!((left(Some(1), 2), left(None, 2)), ("0s".into(), "never".into()));
    }
}
