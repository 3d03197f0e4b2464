//! The id of a code that is to be revoked.

use super::super::signed;
use super::opaque;
use crate::error::{Error, ErrorKind, Result};

/// Longest id, in characters: other issuers' may be longer than ours.
const LONGEST: usize = 200;
/// How client keys begin, which are secrets of another kind.
const KEY_PREFIX: &str = "sk-l2a-";

/// Checks an id, which goes into the store and its log: a code in its place must not, and would
/// stay good besides. Other issuers may put dots and our prefix into their ids.
pub(super) fn check_id(id: &str) -> Result<()> {
    if words(id).any(opaque::is_code) {
        let message = "this is the code itself: give its id, the 16 characters after `l2a_`";
        return Err(refused(message));
    }
    if words(id).any(signed::is_code) {
        let message = "this is the code itself: give its id, which `auth inspect` shows as `jti`";
        return Err(refused(message));
    }
    if words(id).any(|word| word.starts_with(KEY_PREFIX)) {
        return Err(refused("this is a client key, which `key revoke` takes back by its id"));
    }
    let fits = (1..=LONGEST).contains(&id.chars().count());
    match fits && !id.chars().any(char::is_control) {
        true => Ok(()),
        false => Err(refused("this is no id of a code: take it from the list of codes")),
    }
}

/// A code may come as the line of a settings file.
fn words(id: &str) -> impl Iterator<Item = &str> {
    id.split(|c: char| c.is_whitespace() || matches!(c, '=' | '"' | '\''))
}

fn refused(message: &str) -> Error {
    let error = Error::new(ErrorKind::InvalidRequest, "revoke code", message);
    error.with_code("invalid_value").with_param("id")
}
