//! The operator's key where nobody has set one: made once, and kept in a file.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write as _};
#[cfg(unix)]
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use thiserror::Error;

use super::random;

const FILE: &str = "admin.key";
/// A file that is longer than any key is another file.
const LONGEST: u64 = 4096;

/// Why there is no operator's key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be made or read.
    #[error("cannot keep the admin key in `{path}`: {source}; set ADMIN_KEY or another DATA_DIR")]
    File {
        /// Where it should be.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Others may read the file, so that its key is nobody's secret.
    #[error("others can read the admin key: run `chmod 600 {path}`")]
    Readable {
        /// Where it is.
        path: PathBuf,
    },
    /// The file holds no key.
    #[error("`{path}` holds no admin key: remove it to have one made")]
    Empty {
        /// Where it is.
        path: PathBuf,
    },
}

/// Finds the key in `directory`, or makes one; returns it with its place.
pub(crate) fn settle(directory: &Path) -> Result<(SecretString, PathBuf), KeyError> {
    let path = directory.join(FILE);
    let failed = |source| KeyError::File { path: path.clone(), source };
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(directory, &path).map_err(failed)?;
            File::open(&path).map_err(failed)?
        }
        Err(error) => return Err(failed(error)),
    };
    if is_open_to_others(&file).map_err(failed)? {
        return Err(KeyError::Readable { path });
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text).map_err(failed)?;
    match text.trim() {
        "" => Err(KeyError::Empty { path }),
        key => Ok((SecretString::from(key), path)),
    }
}

/// Writes a new key aside and then gives the file its name: nobody ever sees half a key, and of two
/// processes that begin together both use the key of the first.
fn make(directory: &Path, path: &Path) -> io::Result<()> {
    make_directory(directory)?;
    let key = random::token()?;
    let aside = directory.join(format!("{FILE}.{}", random::token()?));
    let written = write(&aside, &key).and_then(|()| match fs::hard_link(&aside, path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        // Some file systems have no links.
        Err(_) => fs::rename(&aside, path),
        Ok(()) => Ok(()),
    });
    let _ = fs::remove_file(&aside);
    written
}

fn write(path: &Path, key: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{key}")?;
    file.sync_all()
}

fn make_directory(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(directory)
}

#[cfg(unix)]
fn is_open_to_others(file: &File) -> io::Result<bool> {
    Ok(file.metadata()?.permissions().mode() & 0o077 != 0)
}

/// Elsewhere, who may read a file cannot be told from its mode.
#[cfg(not(unix))]
fn is_open_to_others(_file: &File) -> io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use secrecy::ExposeSecret;
    use tempfile::tempdir;

    use super::*;

    fn key(directory: &Path) -> String {
        settle(directory).expect("a key").0.expose_secret().to_owned()
    }

    #[test]
    fn a_key_is_made_once_and_kept() {
        let directory = tempdir().expect("a directory");
        let data = directory.path().join("a/b");
        let first = key(&data);
        assert_eq!(first.len(), 43, "32 bytes");
        assert_eq!(key(&data), first);
        let names = fs::read_dir(&data).expect("is there").count();
        assert_eq!(names, 1, "nothing is left beside it");
    }

    #[test]
    fn all_that_begin_together_use_one_key() {
        let directory = tempdir().expect("a directory");
        let path = directory.path().to_owned();
        let threads = [(); 8].map(|()| {
            thread::spawn({
                let path = path.clone();
                move || key(&path)
            })
        });
        let keys = threads.map(|thread| thread.join().expect("no panic"));
        assert!(keys.iter().all(|key| *key == keys[0]));
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_it() {
        let directory = tempdir().expect("a directory");
        let (_, path) = settle(directory.path()).expect("a key");
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode));
        assert_eq!(fs::metadata(&path).expect("is there").permissions().mode() & 0o777, 0o600);
        mode(0o640).expect("is mine");
        let error = settle(directory.path()).expect_err("others can read it");
        assert!(error.to_string().contains("chmod 600"), "{error}");
        mode(0o400).expect("is mine");
        assert!(settle(directory.path()).is_ok());
    }

    #[test]
    fn an_empty_file_is_no_key() {
        let directory = tempdir().expect("a directory");
        let (_, path) = settle(directory.path()).expect("a key");
        fs::write(&path, " \n").expect("is mine");
        assert!(matches!(settle(directory.path()), Err(KeyError::Empty { .. })));
    }

    #[test]
    fn a_directory_that_cannot_be_made_is_named() {
        let directory = tempdir().expect("a directory");
        let file = directory.path().join("file");
        fs::write(&file, "").expect("is mine");
        let error = settle(&file.join("data")).expect_err("a file is no directory").to_string();
        assert!(error.contains("admin.key") && error.contains("ADMIN_KEY"), "{error}");
    }
}
