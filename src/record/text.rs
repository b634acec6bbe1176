//! What a text of a record may hold, decided once for every topic, file, tool and store: padding goes, control characters become
//! what they were meant to be, and lengths are bounded. Reading a text that was read before changes nothing.

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;

use super::{Mark, Marks, Refusal};

/// Ids, codes and addresses; in bytes. A longer one is refused: cut short it could be another's.
pub const ID_BYTES_MAX: usize = 512;
/// Names, labels, modes and channels; in bytes. A longer one is shortened and marked.
pub const LABEL_BYTES_MAX: usize = 2048;
/// Comments; in characters. A longer one is shortened and marked.
pub const COMMENTS_CHARS_MAX: usize = 32_768;
/// The key of a record; in bytes: two ids and what stands between them. A longer one is refused.
pub const KEY_BYTES_MAX: usize = 1100;

/// Stands where a text was shortened.
const ELLIPSIS: char = '…';
const NEXT_LINE: char = '\u{85}';

/// A text that a record may hold, whichever type keeps it.
pub trait Text: AsRef<str> + for<'a> From<&'a str> {}

impl<T: AsRef<str> + for<'a> From<&'a str>> Text for T {}

/// An id, code or address. Blank ones are left to the caller.
pub fn id(name: &'static str, text: &mut impl Text) -> Result<(), Refusal> {
    let bare = without_padding(text.as_ref());
    if bare.contains('\0') {
        return Err(Refusal::Nul(name));
    }
    if bare.len() > ID_BYTES_MAX {
        return Err(Refusal::TooLong(name, ID_BYTES_MAX));
    }
    make_bare(text);
    Ok(())
}

/// An id that must say something.
pub fn required_id(name: &'static str, text: &mut impl Text) -> Result<(), Refusal> {
    id(name, text)?;
    if text.as_ref().trim().is_empty() { Err(Refusal::Empty(name)) } else { Ok(()) }
}

/// A name, label, mode or channel.
pub fn label(name: &'static str, text: &mut impl Text, marks: &mut Marks) {
    shown(name, text, marks, |text| shorter_in_bytes(text, LABEL_BYTES_MAX));
}

/// As above; a blank one is none.
pub fn optional_label<T: Text>(name: &'static str, text: &mut Option<T>, marks: &mut Marks) {
    if let Some(given) = text {
        label(name, given, marks);
    }
    text.take_if(|text| text.as_ref().is_empty());
}

/// What an agent wrote; a blank one is none.
pub fn comments<T: Text>(name: &'static str, text: &mut Option<T>, marks: &mut Marks) {
    if let Some(given) = text {
        shown(name, given, marks, |text| shorter_in_chars(text, COMMENTS_CHARS_MAX));
    }
    text.take_if(|text| text.as_ref().is_empty());
}

fn shown(name: &'static str, text: &mut impl Text, marks: &mut Marks, shorten: impl Fn(&str) -> Option<String>) {
    let bare = without_padding(text.as_ref());
    if bare.chars().any(is_control) {
        marks.set(Mark::ControlCharacters(name));
    }
    make_bare(text);
    if let Some(shorter) = shorten(text.as_ref()) {
        marks.set(Mark::Shortened(name));
        *text = shorter.as_str().into();
    }
}

/// Writes only where something changes: nearly every text stays as it is.
fn make_bare<T: Text>(text: &mut T) {
    let changed = match bare(text.as_ref()) {
        Cow::Borrowed(same) if same.len() == text.as_ref().len() => return,
        changed => changed.into_owned(),
    };
    *text = changed.as_str().into();
}

/// As an id is kept.
pub fn bare(text: &str) -> Cow<'_, str> {
    match plain(without_padding(text)) {
        // What ended in a control character ends in a blank now.
        Cow::Owned(text) => Cow::Owned(without_padding(&text).to_owned()),
        same => same,
    }
}

/// Columns of a fixed width are filled up with blanks or NULs.
pub fn without_padding(text: &str) -> &str {
    text.trim_end_matches(|c: char| c == '\0' || c.is_whitespace())
}

/// Other control characters than those that a text is laid out with.
fn is_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

/// Vertical tabs, form feeds and next lines end a line; what is left of the C1 characters is Windows-1252 that somebody read as
/// Latin-1; any other control character is a blank.
fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_control) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if is_control(c) { instead_of(c) } else { c }).collect())
}

fn instead_of(control: char) -> char {
    match control {
        '\u{b}' | '\u{c}' | NEXT_LINE => '\n',
        '\u{80}'..='\u{9f}' => {
            let byte = [u8::try_from(control).unwrap_or_default()];
            let (meant, _) = WINDOWS_1252.decode_without_bom_handling(&byte);
            meant.chars().next().filter(|meant| !meant.is_control()).unwrap_or(' ')
        }
        _ => ' ',
    }
}

/// `None` where it is short enough.
fn shorter_in_bytes(text: &str, bytes_max: usize) -> Option<String> {
    if text.len() <= bytes_max {
        return None;
    }
    Some(cut(text, text.floor_char_boundary(bytes_max - ELLIPSIS.len_utf8())))
}

/// `None` where it is short enough.
fn shorter_in_chars(text: &str, chars_max: usize) -> Option<String> {
    if text.len() <= chars_max {
        return None;
    }
    text.char_indices().nth(chars_max)?;
    let (end, _) = text.char_indices().nth(chars_max - 1)?;
    Some(cut(text, end))
}

fn cut(text: &str, end: usize) -> String {
    let mut cut = text[..end].trim_end().to_owned();
    cut.push(ELLIPSIS);
    cut
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn as_comments(text: &str) -> (Option<String>, Marks) {
        let (mut text, mut marks) = (Some(text.to_owned()), Marks::default());
        comments("comments", &mut text, &mut marks);
        (text, marks)
    }

    fn as_label(text: &str) -> (String, Marks) {
        let (mut text, mut marks) = (text.to_owned(), Marks::default());
        label("name", &mut text, &mut marks);
        (text, marks)
    }

    fn as_id(text: &str) -> Result<String, Refusal> {
        let mut text = text.to_owned();
        id("contactId", &mut text).map(|()| text)
    }

    #[test]
    fn padding_goes_and_is_no_mark() {
        for padded in ["Ana", "Ana  ", "Ana\0\0", "Ana \0 \n", "Ana\u{a0}\u{3000}"] {
            assert_eq!(as_label(padded), ("Ana".into(), Marks::default()), "{padded:?}");
            assert_eq!(as_id(padded).as_deref(), Ok("Ana"), "{padded:?}");
        }
        assert_eq!(as_comments(" \0"), (None, Marks::default()));
    }

    #[test]
    fn control_characters_become_what_they_were_meant_to_be() {
        let (text, marks) =
            as_comments("a\u{b}b\u{c}c\u{85}d\u{92}e\u{80}f\u{81}g\0h\u{1}i\u{7f}j\tk\nl\r\nm\u{200d}n");
        assert_eq!(text.as_deref(), Some("a\nb\nc\nd’e€f g h i j\tk\nl\r\nm\u{200d}n"));
        assert_eq!(marks.iter().collect::<Vec<_>>(), [Mark::ControlCharacters("comments")]);
        assert_eq!(as_comments("a\tb\r\nc").1, Marks::default());
    }

    #[test]
    fn an_id_is_whole_or_refused() {
        assert_eq!(as_id("a\0b"), Err(Refusal::Nul("contactId")));
        assert_eq!(as_id(&"x".repeat(513)), Err(Refusal::TooLong("contactId", 512)));
        let padded = format!("{}{}", "x".repeat(512), " ".repeat(4000));
        assert_eq!(as_id(&padded).map(|id| id.len()), Ok(512), "padding does not count");
    }

    #[test]
    fn a_long_label_is_shortened_between_characters_and_says_so() {
        let (text, marks) = as_label(&"ü".repeat(3000));
        assert!(text.len() <= LABEL_BYTES_MAX && text.ends_with("ü…"), "{} bytes", text.len());
        assert_eq!(marks.iter().collect::<Vec<_>>(), [Mark::Shortened("name")]);
        assert_eq!(as_label(&"x".repeat(2048)), ("x".repeat(2048), Marks::default()));
    }

    #[test]
    fn comments_are_counted_in_characters() {
        let longest = "Ж".repeat(COMMENTS_CHARS_MAX);
        assert_eq!(as_comments(&longest), (Some(longest.clone()), Marks::default()));
        let (text, marks) = as_comments(&format!("{longest}Ж"));
        let text = text.unwrap();
        assert_eq!((text.chars().count(), text.chars().last()), (COMMENTS_CHARS_MAX, Some('…')));
        assert_eq!(marks.iter().collect::<Vec<_>>(), [Mark::Shortened("comments")]);
    }

    proptest! {
        #[test]
        fn what_was_read_is_read_the_same_again(text in "(?s).{0,40}", times in 1_usize..2000) {
            let text = text.repeat(times);
            let (read, _) = as_comments(&text);
            prop_assert_eq!(as_comments(read.as_deref().unwrap_or_default()), (read, Marks::default()));
            let (read, _) = as_label(&text);
            prop_assert!(read.len() <= LABEL_BYTES_MAX && !read.contains('\0'));
            prop_assert_eq!(as_label(&read), (read, Marks::default()));
            if let Ok(read) = as_id(&text) {
                prop_assert_eq!(as_id(&read), Ok(read));
            }
        }
    }
}
