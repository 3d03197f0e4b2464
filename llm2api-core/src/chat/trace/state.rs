//! The header `tracestate`: what tracing systems tell each other beside the ids.

use std::sync::Arc;

/// More members than this make the whole list one that is not in order.
const MOST_MEMBERS: usize = 32;
/// What is passed on at most; what stands behind it is the oldest.
const LONGEST: usize = 512;
const LONGEST_PART: usize = 256;

/// Reads a list; none where it is empty or not in order. Of a long one, what came first is kept.
pub(super) fn read(text: &str) -> Option<Arc<str>> {
    let members: Vec<_> = text.split(',').map(blank_off).filter(|one| !one.is_empty()).collect();
    if members.len() > MOST_MEMBERS {
        return None;
    }
    let mut keys = Vec::with_capacity(members.len());
    let mut list = String::new();
    for member in members {
        let key = key_of(member).filter(|key| !keys.contains(key))?;
        keys.push(key);
        if list.len() + member.len() < LONGEST {
            let comma = if list.is_empty() { "" } else { "," };
            list.extend([comma, member]);
        }
    }
    (!list.is_empty()).then(|| list.into())
}

fn blank_off(member: &str) -> &str {
    member.trim_matches([' ', '\t'])
}

/// Returns the key of a member that is in order.
fn key_of(member: &str) -> Option<&str> {
    let (key, value) = member.split_once('=')?;
    let small = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let in_key = |byte: u8| small(byte) || b"_-*/@".contains(&byte);
    let in_value = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b'=';
    let fits = key.len() <= LONGEST_PART
        && key.bytes().next().is_some_and(small)
        && key.bytes().all(in_key)
        && (1..=LONGEST_PART).contains(&value.len())
        && value.bytes().all(in_value);
    fits.then_some(key)
}
