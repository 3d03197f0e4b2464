//! What stdout says once the server listens: how to reach it, and never a key.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use crate::config::Config;
use crate::reachable::reachable;

/// Prints the lines that a person copies into a client.
///
/// `key_file` is where the operator's key is kept, if it was not set; `has_keys` says whether the
/// store has client keys.
pub(crate) fn print(config: &Config, address: SocketAddr, key_file: Option<&Path>, has_keys: bool) {
    let text = text(config, address, key_file, has_keys);
    let mut out = io::stdout().lock();
    // A closed stdout is no reason not to serve.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn text(config: &Config, address: SocketAddr, key_file: Option<&Path>, has_keys: bool) -> String {
    let address = reachable(address);
    let mut text = format!("OPENAI_BASE_URL=http://{address}{}/v1\n", config.api_path);
    text.push_str(match (config.api_keys.is_empty(), has_keys) {
        (true, false) => "OPENAI_API_KEY: any value, no API_KEY is set\n",
        (true, true) => "OPENAI_API_KEY: use a client key, `key create` makes one\n",
        (false, false) => "OPENAI_API_KEY: use the value of API_KEY\n",
        (false, true) => "OPENAI_API_KEY: use the value of API_KEY, or a client key\n",
    });
    // Writing to a String cannot fail.
    let _ = match key_file {
        Some(path) => writeln!(text, "ADMIN_KEY: in the file {}", path.display()),
        None => writeln!(text, "ADMIN_KEY: use its value, else the first of API_KEY"),
    };
    let _ =
        writeln!(text, "Dashboard at http://{address}/, add accounts at http://{address}/cookie");
    for upstream in config.upstreams.iter().filter(|upstream| upstream.kind == "demo") {
        let name = &upstream.name;
        let _ = writeln!(
            text,
            "Upstream `{name}` is the built-in demo: set UPSTREAM_URL to use a real one"
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Settings, Sources};

    fn banner(pairs: &[(&str, &str)], key_file: Option<&str>, has_keys: bool) -> String {
        let pairs = pairs.iter().map(|(name, text)| ((*name).into(), (*text).into()));
        let sources = Sources { environment: pairs.collect(), ..Sources::default() };
        let config = Settings::resolve(&sources).and_then(|s| s.config()).expect("valid");
        text(&config, config.listen, key_file.map(Path::new), has_keys)
    }

    #[test]
    fn it_says_how_to_reach_the_server_and_no_key() {
        let open = banner(&[], Some("./data/admin.key"), false);
        let settings = [
            ("LISTEN", "0.0.0.0:8080"),
            ("API_KEY", "sk-canary"),
            ("API_PATH", "a/b"),
            ("UPSTREAM_URL", "https://chat.example.org"),
        ];
        let keyed = banner(&settings, None, false);
        assert!(!keyed.contains("canary"));
        let second = |text: String| text.lines().nth(1).unwrap_or_default().to_owned();
        let stored = second(banner(&[], None, true));
        assert_eq!(stored, "OPENAI_API_KEY: use a client key, `key create` makes one");
        let both = second(banner(&settings, None, true));
        assert_eq!(both, "OPENAI_API_KEY: use the value of API_KEY, or a client key");
        insta::assert_snapshot!(format!("{open}---\n{keyed}"));
    }
}
