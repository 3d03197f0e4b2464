//! What the engine refuses, in words of the command line.

use llm2api_core::Error;

/// Names what was given wrongly as the command line has it, and says what is right; else the whole
/// error.
pub(super) fn told(error: &Error) -> String {
    match error.param() {
        Some(param) => format!("{}: {}", argument(param), error.message()),
        None => error.to_string(),
    }
}

/// Turns the field of a request into the argument that gives it here.
fn argument(param: &str) -> String {
    match param.strip_prefix("limits.").unwrap_or(param) {
        "id" => "ID".to_owned(),
        "models" => "--model".to_owned(),
        "expires_at" => "--expires".to_owned(),
        name => format!("--{}", name.replace('_', "-")),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory as _};
    use llm2api_core::ErrorKind;

    use super::super::Cli;
    use super::*;

    fn flags(command: &Command) -> Vec<String> {
        let own = command.get_arguments().filter_map(|arg| arg.get_long());
        let own = own.map(|name| format!("--{name}"));
        own.chain(command.get_subcommands().flat_map(flags)).collect()
    }

    #[test]
    fn every_field_is_an_argument() {
        let flags = flags(&Cli::command());
        for param in [
            "label",
            "models",
            "expires_at",
            "requests_per_minute",
            "tokens_per_day",
            "concurrency",
            "holder",
            "plan",
            "not_before",
            "limits.requests_per_minute",
            "limits.tokens_per_day",
            "limits.concurrency",
        ] {
            assert!(flags.contains(&argument(param)), "{param}");
        }
        assert_eq!(argument("id"), "ID");
    }

    #[test]
    fn a_mistake_is_told_with_its_argument() {
        let error = Error::new(ErrorKind::InvalidRequest, "keep key", "write at least 1");
        assert_eq!(told(&error), "keep key: write at least 1");
        assert_eq!(told(&error.with_param("tokens_per_day")), "--tokens-per-day: write at least 1");
    }
}
