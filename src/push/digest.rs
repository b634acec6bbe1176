//! What tells whether two screens show the same: hashes of a call, and of a call with its timeline.

use xxhash_rust::xxh3::xxh3_64;

use super::Call;

fn encoded(call: &Call) -> Vec<u8> {
    // Serialising this type to memory cannot fail.
    serde_json::to_vec(call).unwrap_or_default()
}

pub fn hash(call: &Call) -> u64 {
    xxh3_64(&encoded(call))
}

/// Of a call and its timeline's content: the same on every node.
pub fn digest(call: &Call, content: u64) -> u64 {
    let mut bytes = encoded(call);
    bytes.extend(content.to_le_bytes());
    xxh3_64(&bytes)
}

pub fn hex(digest: u64) -> String {
    format!("{digest:016x}")
}

/// A digest as frames carry it; `None` for what is none of ours.
pub fn digest_of(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok().filter(|digest| hex(*digest) == text)
}
