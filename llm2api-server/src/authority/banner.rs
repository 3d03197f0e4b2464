//! What stdout says once the authority listens: how to reach it, and never a key.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use crate::reachable::reachable;

/// Prints the lines that a person copies; `key_file` is where the operator's key is kept, if it was
/// not set.
pub(super) fn print(address: SocketAddr, key_file: Option<&Path>) {
    let text = text(address, key_file);
    let mut out = io::stdout().lock();
    // A closed stdout is no reason not to serve.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn text(address: SocketAddr, key_file: Option<&Path>) -> String {
    let address = reachable(address);
    let key = match key_file {
        Some(path) => format!("in the file {}", path.display()),
        None => "use its value".to_owned(),
    };
    format!(
        "AUTH_URL=http://{address}/auth/check\nADMIN_KEY: {key}\nHolders look their codes up at \
         http://{address}/\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_to_reach_the_authority() {
        let address = "0.0.0.0:9998".parse().expect("an address");
        let (made, set) = (text(address, Some(Path::new("./data/admin.key"))), text(address, None));
        insta::assert_snapshot!(format!("{made}---\n{set}"));
    }
}
