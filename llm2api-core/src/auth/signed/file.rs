//! A private key in a file.

use std::fs::File;
use std::io::{self, Read};
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde::Deserialize;
use zeroize::Zeroizing;

use super::keys::PrivateKey;
use crate::credential::Secret;
use crate::error::{Error, ErrorKind, Result};

/// A file with a key has a few dozen bytes.
const LONGEST: u64 = 4096;

/// What `auth keygen` prints.
#[derive(Deserialize)]
struct Pair {
    private_key: String,
}

impl PrivateKey {
    /// Reads the key of a file: its base64 alone, or the JSON that `auth keygen` prints.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`] for a file that cannot be read, that others may read (on Unix),
    /// or that has no key.
    ///
    /// # Example
    /// ```
    /// # let folder = tempfile::tempdir().expect("a folder");
    /// # let path = folder.path().join("key");
    /// use llm2api_core::auth::PrivateKey;
    ///
    /// let key = PrivateKey::random()?;
    /// std::fs::write(&path, key.to_base64().expose()).expect("room on the disk");
    /// # #[cfg(unix)] {
    /// # use std::os::unix::fs::PermissionsExt;
    /// # std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("ours");
    /// # }
    /// assert_eq!(PrivateKey::from_file(&path)?.public_key(), key.public_key());
    /// # Ok::<(), llm2api_core::Error>(())
    /// ```
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        read(path).map_err(|error| error.with_context("path", path.display()))
    }
}

fn read(path: &Path) -> Result<PrivateKey> {
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    refuse_open_file(&file, path)?;
    let mut text = Zeroizing::new(String::new());
    file.take(LONGEST).read_to_string(&mut text).map_err(|error| unreadable(&error))?;
    match text.trim_start().starts_with('{') {
        false => PrivateKey::parse(&text),
        true => PrivateKey::parse(of_pair(&text)?.expose()),
    }
}

/// The reader's own message would show a piece of the key.
fn of_pair(text: &str) -> Result<Secret> {
    let pair: Result<Pair, _> = serde_json::from_str(text);
    pair.map(|pair| Secret::from(pair.private_key)).map_err(|_| {
        wrong(
            "the file of the private key is no JSON with a `private_key`: write what \
             `llm2api-server auth keygen` prints, or the key alone",
        )
    })
}

#[cfg(unix)]
fn refuse_open_file(file: &File, path: &Path) -> Result<()> {
    let about = file.metadata().map_err(|error| unreadable(&error))?;
    let mode = about.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 {
        return Ok(());
    }
    let shown = path.display();
    Err(wrong(format!(
        "others can read the private key (mode {mode:04o}): run `chmod 600 {shown}`, and make \
         another if somebody may have read it"
    )))
}

#[cfg(not(unix))]
fn refuse_open_file(_: &File, _: &Path) -> Result<()> {
    Ok(())
}

fn unreadable(error: &io::Error) -> Error {
    wrong(format!("the file of the private key cannot be read: {error}"))
}

fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Configuration, "read private key", message)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

    fn file(folder: &Path, text: &str) -> PathBuf {
        let path = folder.join("key");
        fs::write(&path, text).expect("room on the disk");
        #[cfg(unix)]
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("ours");
        path
    }

    #[test]
    fn a_key_is_read_bare_and_from_the_pair() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = PrivateKey::parse(KEY).expect("a key").public_key();
        for text in [KEY.to_owned(), format!("\n{KEY}\n"), format!(r#" {{"private_key":"{KEY}"}}"#)]
        {
            let read = PrivateKey::from_file(file(folder.path(), &text)).expect("a key");
            assert_eq!(read.public_key(), key, "{text}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused_and_not_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let long = "A".repeat(5000);
        for text in ["", "canary", "{", r#"{"private_key": 7, "canary": 1}"#, &long, "\u{fffd}"] {
            let path = file(folder.path(), text);
            let error = PrivateKey::from_file(&path).expect_err(text);
            let shown = format!("{error} {error:?}");
            assert_eq!(error.kind(), ErrorKind::Configuration);
            assert!(shown.contains("auth keygen") && !shown.contains("canary"), "{shown}");
        }
        let error = PrivateKey::from_file(folder.path().join("none")).expect_err("no file");
        assert!(error.to_string().contains("cannot be read"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = file(folder.path(), KEY);
        for mode in [0o640, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("ours");
            let error = PrivateKey::from_file(&path).expect_err("open to others");
            let told = format!("run `chmod 600 {}`", path.display());
            assert!(error.message().contains(&told), "{error}");
        }
    }
}
