//! The figures of the pool: `[pool]` of the file, and `POOL_STRATEGY`.

use std::time::Duration;

use llm2api_core::pool::{PoolRules, Strategy};

use super::error::ConfigError;
use super::settings::Settings;
use super::value;

/// Makes the rules and checks what joins several of them.
pub(super) fn rules(settings: &Settings) -> Result<PoolRules, ConfigError> {
    let number = |name| settings.read(name, value::number);
    let wait = |name| settings.duration(name);
    let mut rules = PoolRules::default();
    rules.strategy = strategy(settings);
    rules.queue_limit = number("pool.queue_limit")? as usize;
    rules.requests_per_minute = number("pool.requests_per_minute")?;
    rules.weak_errors = number("pool.weak_errors")?;
    rules.incident_credentials = number("pool.incident_credentials")? as usize;
    rules.address_limit_cookies = number("pool.address_limit_cookies")? as usize;
    rules.rate_limit_rest = wait("pool.rate_limit_rest")?;
    rules.rate_limit_rest_max = wait("pool.rate_limit_rest_max")?;
    rules.retry_after_max = wait("pool.retry_after_max")?;
    rules.weak_window = wait("pool.weak_window")?;
    rules.weak_rest = wait("pool.weak_rest")?;
    rules.weak_rest_max = wait("pool.weak_rest_max")?;
    rules.incident_window = wait("pool.incident_window")?;
    rules.probe_after = wait("pool.probe_after")?;
    rules.probe_after_max = wait("pool.probe_after_max")?;
    rules.address_pause = wait("pool.address_pause")?;
    rules.address_pause_max = wait("pool.address_pause_max")?;
    rules.slow_start = wait("pool.slow_start")?;
    check(&rules)?;
    Ok(rules)
}

fn strategy(settings: &Settings) -> Strategy {
    match settings.text("POOL_STRATEGY") {
        "round-robin" => Strategy::RoundRobin,
        _ => Strategy::LeastLoaded,
    }
}

/// A wait that doubles has to end above where it begins.
fn check(rules: &PoolRules) -> Result<(), ConfigError> {
    let pairs: [(&str, Duration, Duration); 4] = [
        ("rate_limit_rest", rules.rate_limit_rest, rules.rate_limit_rest_max),
        ("weak_rest", rules.weak_rest, rules.weak_rest_max),
        ("probe_after", rules.probe_after, rules.probe_after_max),
        ("address_pause", rules.address_pause, rules.address_pause_max),
    ];
    match pairs.iter().find(|(_, least, most)| least > most) {
        Some((name, ..)) => Err(ConfigError::new(format!(
            "`pool.{name}` is longer than `pool.{name}_max`: raise the second or lower the first"
        ))),
        None => Ok(()),
    }
}
