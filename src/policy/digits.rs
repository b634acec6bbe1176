//! Finds numbers and e-mail addresses in texts, however they are written, and masks them. Pure.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

use super::numbers::{Found, Numbers};
use super::words::Words;

/// Stands for what is not shown.
pub const MASK: char = '…';
/// So many digits in the order of a number are that number, wherever they stand: with the last ones shown, six more tell it all.
const WINDOW: usize = 6;
/// Of short numbers so many fewer than they have.
const WINDOW_SHORTER: usize = 3;
const WINDOW_MIN: usize = 4;
/// Between two digits of one number stands no letter, and at most so much else.
const BETWEEN_MAX: usize = 4;
/// A run of so many digits in a comment is taken for a number, whoever's.
const OTHER_NUMBER_MIN: usize = 7;
/// Shorter names without a number in them are words that stand in any text.
const WORD_CHARS_MIN: usize = 4;

/// The zeros of the scripts that write numbers with ten digits in a row, in their order.
const ZEROS: [char; 44] = [
    '0',
    '\u{660}',
    '\u{6f0}',
    '\u{7c0}',
    '\u{966}',
    '\u{9e6}',
    '\u{a66}',
    '\u{ae6}',
    '\u{b66}',
    '\u{be6}',
    '\u{c66}',
    '\u{ce6}',
    '\u{d66}',
    '\u{de6}',
    '\u{e50}',
    '\u{ed0}',
    '\u{f20}',
    '\u{1040}',
    '\u{1090}',
    '\u{17e0}',
    '\u{1810}',
    '\u{1946}',
    '\u{19d0}',
    '\u{1a80}',
    '\u{1a90}',
    '\u{1b50}',
    '\u{1bb0}',
    '\u{1c40}',
    '\u{1c50}',
    '\u{a620}',
    '\u{a8d0}',
    '\u{a900}',
    '\u{a9d0}',
    '\u{a9f0}',
    '\u{aa50}',
    '\u{abf0}',
    '\u{ff10}',
    '\u{1d7ce}',
    '\u{1d7d8}',
    '\u{1d7e2}',
    '\u{1d7ec}',
    '\u{1d7f6}',
    '\u{1e950}',
    '\u{1fbf0}',
];

pub(super) fn digit(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.to_digit(10).map(|value| value as u8);
    }
    let zero = ZEROS[..ZEROS.partition_point(|zero| *zero <= c)].last()?;
    u8::try_from(c as u32 - *zero as u32).ok().filter(|value| *value < 10)
}

/// An address as it is shown: a number's last digits, at most half of them; an e-mail address's first letter.
pub fn masked(address: &str, shown: u8) -> String {
    if address.contains('@') {
        let first = address.chars().next().filter(|c| c.is_alphabetic());
        return first.into_iter().chain([MASK, '@', MASK]).collect();
    }
    let digits: Vec<u8> = address.chars().filter_map(digit).collect();
    if digits.is_empty() { address.to_owned() } else { end_of(&digits, shown) }
}

pub(super) fn end_of(digits: &[u8], shown: u8) -> String {
    let end = digits[digits.len() - shown_of(digits, shown)..].iter().map(|value| char::from(b'0' + value));
    std::iter::once(MASK).chain(end).collect()
}

pub(super) fn shown_of(digits: &[u8], shown: u8) -> usize {
    usize::from(shown).min(digits.len() / 2)
}

/// A digit of a text, and where it stands.
pub(super) struct Digit {
    pub(super) value: u8,
    pub(super) at: Range<usize>,
}

/// A part of a text that is masked.
pub(super) struct Part {
    pub(super) at: Range<usize>,
    pub(super) shown: String,
    /// Of parts of the same place, the lowest one is shown.
    rank: u8,
}

#[cfg(test)]
thread_local! {
    /// Texts that were looked through on this thread.
    pub static TEXTS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// A word; a number is 1 and the digits that it shows, as fewer are better.
const WORD: u8 = 0;
/// Of a number that goes on elsewhere.
const NO_END: u8 = u8::MAX - 1;
/// Of nobody that is known.
const UNKNOWN: u8 = u8::MAX;

/// What must not be read out of any text.
#[derive(Debug, Default)]
pub struct Secrets {
    /// How many of a number's last digits are shown.
    shown: u8,
    /// Shorter ones first, each once.
    numbers: Vec<Vec<u8>>,
    /// E-mail addresses and names without a number, in lower case.
    words: Vec<String>,
    /// Some words have no `@`.
    names: bool,
    // Built when the first text needs them: most texts have no digit and no `@`.
    by_window: OnceCell<Vec<Numbers>>,
    in_lower_case: OnceCell<Words>,
}

impl Secrets {
    /// Of these addresses, however often each comes.
    pub fn of<'a>(addresses: impl Iterator<Item = &'a str>, shown: u8) -> Self {
        let mut secrets = Self { shown, ..Self::default() };
        for address in addresses {
            let digits: Vec<u8> = address.chars().filter_map(digit).collect();
            if address.contains('@') || digits.len() <= WINDOW_MIN {
                let word = address.to_lowercase();
                if word.chars().count() >= WORD_CHARS_MIN && (word.contains('@') || !digits.is_empty()) {
                    secrets.names |= !word.contains('@');
                    secrets.words.push(word);
                }
            } else {
                secrets.numbers.push(digits);
            }
        }
        secrets.words.sort_unstable();
        secrets.words.dedup();
        secrets.numbers.sort_unstable_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
        secrets.numbers.dedup();
        secrets
    }

    /// Masks these addresses wherever the text holds them.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        #[cfg(test)]
        TEXTS.set(TEXTS.get() + 1);
        if !may_hold_an_address(text) {
            return Cow::Borrowed(text);
        }
        with_parts(text, self.known(text, &runs(text)))
    }

    /// As above, and whatever else looks like a number or an e-mail address: nobody knows whose they are.
    pub fn comment<'t>(&self, text: &'t str) -> Cow<'t, str> {
        #[cfg(test)]
        TEXTS.set(TEXTS.get() + 1);
        if !may_hold_an_address(text) {
            return Cow::Borrowed(text);
        }
        let runs = runs(text);
        let mut parts = self.known(text, &runs);
        for run in runs.iter().filter(|run| run.len() >= OTHER_NUMBER_MIN) {
            parts.extend(numbers_in(text, run).map(|digits| self.part(digits)));
        }
        parts.extend(mails(text));
        with_parts(text, parts)
    }

    fn known(&self, text: &str, runs: &[Vec<Digit>]) -> Vec<Part> {
        let mut parts = Vec::new();
        if !self.words.is_empty() && (self.names || text.contains('@')) {
            let words = self.in_lower_case.get_or_init(|| Words::of(self.words.clone())).find(text);
            let part = |(at, word): (_, &str)| Part { at, shown: masked(word, self.shown), rank: WORD };
            parts.extend(words.into_iter().map(part));
        }
        if !self.numbers.is_empty() {
            for run in runs.iter().filter(|run| run.len() >= WINDOW_MIN) {
                self.numbers_of(run, &mut parts);
            }
        }
        parts
    }

    fn part(&self, digits: &[Digit]) -> Part {
        let values: Vec<u8> = digits.iter().map(|digit| digit.value).collect();
        let at = digits.first().map_or(0, |first| first.at.start)..digits.last().map_or(0, |last| last.at.end);
        Part { at, shown: end_of(&values, self.shown), rank: UNKNOWN }
    }

    /// What a run of digits holds of these numbers.
    fn numbers_of(&self, run: &[Digit], parts: &mut Vec<Part>) {
        let values: Vec<u8> = run.iter().map(|digit| digit.value).collect();
        for numbers in self.by_window.get_or_init(|| by_window(&self.numbers)) {
            parts.extend(numbers.find(&values).into_iter().map(|Found { from, to, ends }| {
                let at = run[from].at.start..run[to - 1].at.end;
                let Some(number) = ends.map(|nth| &self.numbers[nth]) else {
                    return Part { at, shown: MASK.into(), rank: NO_END };
                };
                Part { at, shown: end_of(number, self.shown), rank: 1 + shown_of(number, self.shown) as u8 }
            }));
        }
    }
}

/// Every address has a digit or an `@`; digits there are in many scripts.
pub fn may_hold_an_address(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit() || byte == b'@' || !byte.is_ascii())
}

/// Numbers by how many digits in a row are enough of them, which grows with their length.
fn by_window(numbers: &[Vec<u8>]) -> Vec<Numbers> {
    let mut rest = numbers.iter().map(Vec::as_slice).enumerate().peekable();
    let mut all = Vec::new();
    while let Some(window) = rest.peek().map(|(_, digits)| window_of(digits)) {
        let alike = std::iter::from_fn(|| rest.next_if(|(_, digits)| window_of(digits) == window));
        all.push(Numbers::of(window, alike));
    }
    all
}

fn window_of(number: &[u8]) -> usize {
    (number.len() - WINDOW_SHORTER.min(number.len())).clamp(WINDOW_MIN, WINDOW)
}

/// With a one in front, so that zeros count.
fn value_of(digits: impl Iterator<Item = u8>) -> u64 {
    digits.fold(1, |value, digit| value * 10 + u64::from(digit))
}

/// The runs of digits in a text, with anything short between them that is no letter.
pub(super) fn runs(text: &str) -> Vec<Vec<Digit>> {
    let (mut runs, mut run, mut between) = (Vec::new(), Vec::new(), 0);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if let Some(value) = digit(c) {
            run.push(Digit { value, at: at..at + c.len_utf8() });
            between = 0;
            continue;
        }
        if c == '%' && is_encoded_mark(&text[at + 1..]) {
            chars.nth(1);
        }
        between += if c.is_alphanumeric() { BETWEEN_MAX + 1 } else { 1 };
        if between > BETWEEN_MAX && !run.is_empty() {
            runs.push(std::mem::take(&mut run));
        }
    }
    runs.push(run);
    runs
}

/// Two hexadecimal digits behind a `%` that stand for a blank, a dash or the like: a number in a URL.
fn is_encoded_mark(behind: &str) -> bool {
    let code = behind.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
    code.is_some_and(|code| code.is_ascii_punctuation() || code == b' ')
}

/// Parts of a run that look like somebody's number: separated as numbers are, and no dates.
pub(super) fn numbers_in<'r>(text: &str, run: &'r [Digit]) -> impl Iterator<Item = &'r [Digit]> {
    let mut numbers = Vec::new();
    let mut from = 0;
    for to in 1..=run.len() {
        if to < run.len() && joins(&text[run[to - 1].at.end..run[to].at.start]) {
            continue;
        }
        let part = without_date(text, &run[from..to]);
        if part.len() >= OTHER_NUMBER_MIN {
            numbers.push(part);
        }
        from = to;
    }
    numbers.into_iter()
}

fn joins(between: &str) -> bool {
    let mark = |c: char| c.is_whitespace() || "-.()/+'\u{2010}\u{2011}\u{2012}\u{2013}\u{2014}".contains(c);
    between.chars().count() < BETWEEN_MAX && between.chars().all(|c| mark(c) || (!c.is_alphanumeric() && !c.is_ascii()))
}

/// The digits behind a date that they begin with: 2026-11-18, 18.11.2026, 11/18/2026.
fn without_date<'r>(text: &str, digits: &'r [Digit]) -> &'r [Digit] {
    let groups: Vec<&[Digit]> = digits.chunk_by(|a, b| a.at.end == b.at.start).collect();
    let [one, two, three, ..] = groups.as_slice() else { return digits };
    let mark = |a: &[Digit], b: &[Digit]| text.get(a.last()?.at.end..b.first()?.at.start).map(str::to_owned);
    let same_mark = mark(one, two) == mark(two, three) && mark(one, two).is_some_and(|mark| "-./".contains(&mark));
    let number =
        |group: &[Digit]| value_of(group.iter().map(|digit| digit.value)) % 10_u64.pow(group.len().min(9) as u32);
    let year = |group: &[Digit]| group.len() == 4 && (1900..2100).contains(&number(group));
    let day = |group: &[Digit]| group.len() <= 2 && (1..=31).contains(&number(group));
    let is_date = same_mark && day(two) && ((year(one) && day(three)) || (day(one) && year(three)));
    if is_date { &digits[one.len() + two.len() + three.len()..] } else { digits }
}

/// Every `…@…` of a text.
pub(super) fn mails(text: &str) -> impl Iterator<Item = Part> {
    let local = |c: char| c.is_alphanumeric() || "._%+-'!#$&*/=?^`{|}~".contains(c);
    let domain = |c: char| c.is_alphanumeric() || ".-".contains(c);
    text.match_indices('@').filter_map(move |(at, _)| {
        let start = text[..at].rfind(|c| !local(c)).map_or(0, |before| before + width(text, before));
        let end = text[at + 1..].find(|c| !domain(c)).map_or(text.len(), |after| at + 1 + after);
        let mask = || Part { at: start..end, shown: masked(&text[start..end], 0), rank: UNKNOWN };
        (start < at && at + 1 < end).then(mask)
    })
}

fn width(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

/// The text with what is masked in place of its parts; where these overlap, the one that ends last is shown.
fn with_parts(text: &str, mut parts: Vec<Part>) -> Cow<'_, str> {
    if parts.is_empty() {
        return Cow::Borrowed(text);
    }
    parts.sort_unstable_by_key(|part| (part.at.start, std::cmp::Reverse(part.at.end), part.rank));
    let mut whole: Vec<Part> = Vec::new();
    for part in parts {
        match whole.last_mut().filter(|last| part.at.start < last.at.end) {
            Some(last) if part.at.end > last.at.end => (last.at.end, last.shown) = (part.at.end, part.shown),
            Some(_) => {}
            None => whole.push(part),
        }
    }
    let (mut shown, mut from) = (String::with_capacity(text.len()), 0);
    for part in whole {
        shown.push_str(&text[from..part.at.start]);
        shown.push_str(&part.shown);
        from = part.at.end;
    }
    shown.push_str(&text[from..]);
    Cow::Owned(shown)
}
