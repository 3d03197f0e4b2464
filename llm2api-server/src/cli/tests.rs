use super::*;

#[test]
fn help_lists_every_setting() {
    let help = Cli::command().term_width(100).render_long_help().to_string();
    for setting in TABLE {
        assert!(help.contains(&format!("--{}", setting.flag())), "{}", setting.name);
    }
    insta::assert_snapshot!(help);
}

#[test]
fn flags_may_stand_before_and_after_the_command() {
    for line in ["x --listen 127.0.0.1:1 config print", "x config print --listen 127.0.0.1:1"] {
        let cli = Cli::try_parse_from(line.split(' ')).expect("valid");
        assert_eq!(cli.settings.0.get("LISTEN").map(String::as_str), Some("127.0.0.1:1"), "{line}");
    }
}

#[test]
fn the_seal_can_be_changed() {
    let cli = Cli::try_parse_from(["x", "store", "rotate-key"]).expect("valid");
    assert!(matches!(cli.command, Some(Task::Store(Keep::RotateKey))));
    assert!(Cli::try_parse_from(["x", "store"]).is_err());
}

#[test]
fn secrets_are_no_flags_but_their_files_are() {
    assert!(Cli::try_parse_from(["x", "--api-key", "sk"]).is_err());
    let cli = Cli::try_parse_from(["x", "--api-key-file", "/run/key"]).expect("valid");
    assert_eq!(cli.settings.0.get("API_KEY_FILE").map(String::as_str), Some("/run/key"));
}

#[test]
fn codes_and_their_keys_are_no_flags() {
    let issue = ["x", "auth", "issue", "--holder", "Ada"];
    assert!(Cli::try_parse_from(issue).is_ok());
    for wrong in ["--private-key=AAAA", "--code=l2a_a_b"] {
        assert!(Cli::try_parse_from(issue.iter().chain([&wrong])).is_err(), "{wrong}");
    }
    assert!(Cli::try_parse_from(["x", "auth", "inspect", "l2a_a_b"]).is_err());
    assert!(Cli::try_parse_from(["x", "auth", "inspect", "--code-file", "/run/code"]).is_ok());
}

#[test]
fn a_command_line_that_is_wrong_has_an_exit_code_of_its_own() {
    let code = |line: &str| main(line.split(' ').map(Into::into), None);
    assert_eq!(code("llm2api-server --help"), 0);
    assert_eq!(code("llm2api-server --no-such-flag"), UNUSABLE);
    assert_eq!(code("llm2api-server --config /no/such/file config print"), UNUSABLE);
}
