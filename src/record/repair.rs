//! JSON as some programs write it: with a mark of the byte order before it, with padding behind it, or with half of a character that was
//! cut in two.

use std::borrow::Cow;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// U+FFFD, as JSON escapes it.
const REPLACEMENT: &[u8] = b"\\ufffd";
/// `\ud83d`.
const ESCAPE_BYTES: usize = 6;

/// Without the mark, and without NULs that fill up a column behind it.
pub fn bare(mut json: &[u8]) -> &[u8] {
    json = json.strip_prefix(BYTE_ORDER_MARK).unwrap_or(json);
    while let [rest @ .., 0] = json {
        json = rest;
    }
    json
}

/// With each half of a character (an escaped surrogate without its other half) replaced; `None` where there is none.
pub fn halves_replaced(json: &[u8]) -> Option<Vec<u8>> {
    let mut repaired = Cow::Borrowed(json);
    let mut at = 0;
    while at + 1 < repaired.len() {
        if repaired[at] != b'\\' {
            at += 1;
            continue;
        }
        let other = |at: usize| surrogate(repaired.get(at..at + ESCAPE_BYTES)?);
        match (other(at), other(at + ESCAPE_BYTES)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => at += 2 * ESCAPE_BYTES,
            (Some(_), _) => {
                repaired.to_mut()[at..at + ESCAPE_BYTES].copy_from_slice(REPLACEMENT);
                at += ESCAPE_BYTES;
            }
            (None, _) => at += 2, // the escaped character is none that an escape begins with
        }
    }
    match repaired {
        Cow::Borrowed(_) => None,
        Cow::Owned(repaired) => Some(repaired),
    }
}

fn surrogate(escape: &[u8]) -> Option<u32> {
    let digits = str::from_utf8(escape.strip_prefix(b"\\u")?).ok()?;
    u32::from_str_radix(digits, 16).ok().filter(|code| (0xd800..0xe000).contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(json: &str) -> Option<String> {
        halves_replaced(json.as_bytes()).map(|json| String::from_utf8(json).unwrap())
    }

    #[test]
    fn half_a_character_is_replaced_and_whole_ones_stay() {
        assert_eq!(repaired(r#"{"a":"x\ud83d"}"#).as_deref(), Some(r#"{"a":"x\ufffd"}"#));
        assert_eq!(
            repaired(r#""\ude00\uD83D\ude00\ud83d\ud83d\ude00""#).as_deref(),
            Some(r#""\ufffd\uD83D\ude00\ufffd\ud83d\ude00""#)
        );
        for whole in [r#""\ud83d\ude00""#, r#""\\ud83d""#, r#""\u00e9\n\"""#, "\"\\", r#""\ud8"#, ""] {
            assert_eq!(repaired(whole), None, "{whole}");
        }
    }
}
