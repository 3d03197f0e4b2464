//! `GET /settings`: what the server goes by, and who said so.

use std::sync::Arc;

use poem::{Request, Response};
use serde::Serialize;

use crate::config::{Alias, Config, Settings, Upstream};
use crate::openai::answer;
use crate::openai::error::Failure;
use crate::state::State;

#[derive(Default, Serialize)]
struct Shown<'a> {
    data: Vec<Row<'a>>,
    upstreams: Vec<UpstreamRow<'a>>,
    models: Vec<ModelRow<'a>>,
}

/// One setting; of a secret it shows stars.
#[derive(Serialize)]
struct Row<'a> {
    name: &'static str,
    value: &'a str,
    origin: &'static str,
    help: &'static str,
    secret: bool,
}

#[derive(Serialize)]
struct UpstreamRow<'a> {
    name: &'a str,
    kind: &'a str,
    url: Option<&'a str>,
    /// How many credentials the settings bring.
    credentials: usize,
}

#[derive(Serialize)]
struct ModelRow<'a> {
    name: &'a str,
    serve: &'a [String],
}

/// Shows the settings; a server that was given its configuration by a program has none to show.
pub(super) async fn show(state: Arc<State>, _request: Request) -> Result<Response, Failure> {
    let Some(settings) = state.settings() else { return Ok(answer::json(&Shown::default())) };
    // They were good when they were taken.
    let config = settings.config().map_err(|_| Failure::internal())?;
    Ok(answer::json(&Shown::of(&settings, &config)))
}

impl<'a> Shown<'a> {
    fn of(settings: &'a Settings, config: &'a Config) -> Self {
        let rows = settings.rows().map(|(setting, value, origin)| Row {
            name: setting.name,
            value,
            origin: origin.as_str(),
            help: setting.help,
            secret: setting.is_secret() || value != settings.text(setting.name),
        });
        let upstream = |upstream: &'a Upstream| UpstreamRow {
            name: &upstream.name,
            kind: &upstream.kind,
            url: upstream.url.as_deref(),
            credentials: upstream.credentials.len(),
        };
        let model = |alias: &'a Alias| ModelRow { name: &alias.name, serve: &alias.serve };
        Self {
            data: rows.collect(),
            upstreams: config.upstreams.iter().map(upstream).collect(),
            models: config.aliases.iter().map(model).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    #[test]
    fn secrets_are_stars() {
        let mut sources = Sources::default();
        let pairs = [
            ("ADMIN_KEY", "canary-admin"),
            ("COOKIES", "a=canary-one,b=canary-two"),
            ("UPSTREAM_URL", "http://chat.example"),
            ("STORE_URL", "redis://user:canary-password@redis.example"),
            ("MASTER_KEY", "Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5LWNhbmE="),
            ("API_KEY", "canary-client"),
        ];
        sources.environment = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let settings = Settings::resolve(&sources).expect("valid");
        let config = settings.config().expect("valid");
        let shown = Shown::of(&settings, &config);
        let text = serde_json::to_string(&shown).expect("is JSON");
        assert!(!text.contains("canary") && !text.contains("Y2FuYXJ5"), "{text}");
        assert_eq!(shown.upstreams[0].credentials, 2);
        let few = ["ADMIN_KEY", "LISTEN", "STORE_URL", "UPSTREAM_URL"];
        let rows = shown.data.iter().filter(|row| few.contains(&row.name));
        let rows: Vec<_> = rows.map(|row| (row.name, row.value, row.origin, row.secret)).collect();
        assert_eq!(
            rows,
            [
                ("LISTEN", "127.0.0.1:9999", "default", false),
                ("ADMIN_KEY", "***", "environment", true),
                ("UPSTREAM_URL", "http://chat.example", "environment", false),
                ("STORE_URL", "redis://***", "environment", true),
            ]
        );
    }
}
