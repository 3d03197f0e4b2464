use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const TWO: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

fn key_file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("made/master.key");
    (folder, path)
}

#[test]
fn the_first_key_seals_and_all_open() {
    let old = Keyring::parse(ONE).expect("a key");
    let sealed = old.seal(&old.first(), "name", b"secret").expect("sealed");
    let both = Keyring::parse(&format!("{TWO},\n {ONE} ,{TWO}")).expect("two keys");
    assert_eq!(both.ids().len(), 2);
    assert_eq!(both.open("name", &sealed).expect("opened").as_slice(), b"secret");
    assert!(both.open("other", &sealed).is_none(), "it is tied to its name");
    assert!(Keyring::parse(TWO).expect("a key").open("name", &sealed).is_none());
    let again = old.seal(&old.first(), "name", b"secret").expect("sealed");
    assert_ne!(again.bytes, sealed.bytes, "nonces differ");
}

#[test]
fn what_is_no_key_is_refused_without_being_shown() {
    for text in ["", " , \n", "short", "canary!!", "Y2FuYXJ5", &format!("{ONE},canary")] {
        let error = Keyring::parse(text).expect_err(text);
        assert!(error.to_string().contains("openssl rand -base64 32"), "{error}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
}

#[test]
fn a_file_is_made_once_and_read_by_others() {
    let (_folder, path) = key_file();
    let made = Keyring::file(&path).expect("made");
    let read = Keyring::file(&path).expect("read");
    assert_eq!(made.ids(), read.ids());
    let new = made.rotate().expect("rotated");
    assert_eq!(made.first(), new);
    assert_eq!(read.ids().len(), 1, "it has not looked yet");
    assert!(read.has(&new).expect("looked again"));
    assert_eq!(made.drop_unused(|id| *id == new).expect("dropped"), 1);
    assert!(made.drop_unused(|_| false).is_err(), "the last key stays");
    assert_eq!(Keyring::file(&path).expect("read").ids(), [new]);
}

#[test]
fn a_draft_of_a_killed_process_is_no_obstacle() {
    let (_folder, path) = key_file();
    let keyring = Keyring::file(&path).expect("made");
    fs::write(path.with_file_name("master.key.new"), "half").expect("written");
    keyring.rotate().expect("rotated");
    assert_eq!(Keyring::file(&path).expect("read").ids().len(), 2);
}

#[cfg(unix)]
#[test]
fn a_file_that_others_can_read_is_refused() {
    let (_folder, path) = key_file();
    Keyring::file(&path).expect("made");
    let mode = |path: &PathBuf| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("changed");
    let error = Keyring::file(&path).expect_err("refused").to_string();
    assert!(error.contains("chmod 600") && error.contains("0640"), "{error}");
}

#[test]
fn debug_shows_ids_only() {
    let keyring = Keyring::parse(ONE).expect("a key");
    let shown = format!("{keyring:?}");
    assert_eq!(shown, r#"Keyring { ids: [KeyId("72cd6e84")], .. }"#);
}

#[test]
fn keys_of_a_setting_are_not_rotated_here() {
    let error = Keyring::parse(ONE).expect("a key").rotate().expect_err("no file");
    assert!(error.to_string().contains("put a new one before the old one"), "{error}");
}
