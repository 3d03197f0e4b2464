//! Keys in a file, newest first, one a line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
#[cfg(unix)]
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::key::{Key, wrong};
use super::parse;
use crate::error::{Error, Result};

/// Reads the keys, after making a file with one random key where there is none.
pub(super) fn read_or_make(path: &Path) -> Result<Vec<Key>> {
    if path.exists() {
        return read(path);
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)
            .map_err(|error| failed(path, "cannot make its folder", error))?;
    }
    change(path, |keys| match keys.is_empty() {
        true => Ok(vec![Key::random()?]),
        false => Ok(keys),
    })
}

/// Reads the keys of a file that nobody else may read.
pub(super) fn read(path: &Path) -> Result<Vec<Key>> {
    refuse_open_file(path)?;
    let text = fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| failed(path, "cannot be read", error))?;
    parse(&text).map_err(|error| error.with_context("path", path.display()))
}

/// Changes the keys of a file, one process after the other, and returns what it now holds.
///
/// Either the whole change is there afterwards or nothing of it, also after a loss of power.
pub(super) fn change(
    path: &Path,
    how: impl FnOnce(Vec<Key>) -> Result<Vec<Key>>,
) -> Result<Vec<Key>> {
    let lock = beside(path, "lock");
    let lock = private(OpenOptions::new().write(true).create(true)).open(lock);
    let lock = lock.and_then(|file| file.lock().map(|()| file));
    let _lock = lock.map_err(|error| failed(path, "cannot be locked", error))?;
    let keys = if path.exists() { read(path)? } else { Vec::new() };
    let keys = how(keys)?;
    write(path, &keys).map_err(|error| failed(path, "cannot be written", error))?;
    Ok(keys)
}

fn write(path: &Path, keys: &[Key]) -> io::Result<()> {
    let draft = beside(path, "new");
    // What a killed process left behind: nobody else writes while we hold the lock.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&draft)?;
    for key in keys {
        file.write_all(key.text().as_bytes())?;
        file.write_all(b"\n")?;
    }
    file.sync_all()?;
    fs::rename(&draft, path)?;
    sync_folder(path)
}

/// Makes the new name last, which the file's own sync does not.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) if cfg!(unix) => File::open(parent)?.sync_all(),
        None if cfg!(unix) => File::open(".")?.sync_all(),
        _ => Ok(()),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

#[cfg(unix)]
fn refuse_open_file(path: &Path) -> Result<()> {
    let about = fs::metadata(path).map_err(|error| failed(path, "cannot be read", error))?;
    let mode = about.permissions().mode() & 0o777;
    let others = mode & 0o077;
    if others == 0 {
        return Ok(());
    }
    let shown = path.display();
    Err(wrong(format!(
        "others can read the master key (mode {mode:04o}): run `chmod 600 {shown}`, and rotate it \
         if they may have"
    ))
    .with_context("path", shown))
}

#[cfg(not(unix))]
fn refuse_open_file(_: &Path) -> Result<()> {
    Ok(())
}

fn failed(path: &Path, what: &str, error: io::Error) -> Error {
    wrong(format!("the file of the master key {what}: {error}"))
        .with_context("path", path.display())
        .with_source(error)
}
