//! The search as it was first written: every address, at every place of a text. The fast one must find the same.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use crate::policy::digits::{Digit, MASK, digit, end_of, mails, masked, numbers_in, runs, shown_of};

const WINDOW: usize = 6;
const WINDOW_SHORTER: usize = 3;
const WINDOW_MIN: usize = 4;
const OTHER_NUMBER_MIN: usize = 7;
const WORD_CHARS_MIN: usize = 4;

struct Part {
    at: Range<usize>,
    shown: String,
    /// Of parts of the same place, the lowest one is shown.
    rank: usize,
}

type Window = BTreeMap<Vec<u8>, Vec<(usize, usize)>>;

#[derive(Default)]
pub struct Slow {
    shown: u8,
    numbers: Vec<Vec<u8>>,
    /// By their length, so many digits in a row → which number, and where in it.
    windows: BTreeMap<usize, Window>,
    words: Vec<String>,
}

impl Slow {
    pub fn of<'a>(addresses: impl Iterator<Item = &'a str>, shown: u8) -> Self {
        let mut secrets = Self { shown, ..Self::default() };
        for address in addresses {
            let digits: Vec<u8> = address.chars().filter_map(digit).collect();
            if address.contains('@') || digits.len() <= WINDOW_MIN {
                let word = address.to_lowercase();
                if word.chars().count() >= WORD_CHARS_MIN && (word.contains('@') || !digits.is_empty()) {
                    secrets.words.push(word);
                }
            } else if !secrets.numbers.contains(&digits) {
                secrets.number(digits);
            }
        }
        secrets.words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        secrets.words.dedup();
        secrets
    }

    fn number(&mut self, digits: Vec<u8>) {
        let window = (digits.len() - WINDOW_SHORTER.min(digits.len())).clamp(WINDOW_MIN, WINDOW);
        let nth = self.numbers.len();
        let windows = self.windows.entry(window).or_default();
        for (at, part) in digits.windows(window).enumerate() {
            windows.entry(part.to_vec()).or_default().push((nth, at));
        }
        self.numbers.push(digits);
    }

    /// Masks these addresses wherever the text holds them.
    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        with_parts(text, self.known(text))
    }

    /// As above, and whatever else looks like a number or an e-mail address: nobody knows whose they are.
    pub fn comment<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut parts = self.known(text);
        for run in runs(text).iter().filter(|run| run.len() >= OTHER_NUMBER_MIN) {
            parts.extend(numbers_in(text, run).map(|digits| self.part(digits, self.shown)));
        }
        parts.extend(mails(text).map(|part| Part { at: part.at, shown: part.shown, rank: usize::MAX }));
        with_parts(text, parts)
    }

    fn known(&self, text: &str) -> Vec<Part> {
        let mut parts: Vec<Part> = self.words.iter().flat_map(|word| self.word(text, word)).collect();
        if !self.numbers.is_empty() {
            parts.extend(runs(text).iter().flat_map(|run| self.numbers_of(run)));
        }
        parts
    }

    fn word(&self, text: &str, word: &str) -> Vec<Part> {
        let starts = text.char_indices().filter_map(|(at, _)| Some(at..at + begins_with(&text[at..], word)?));
        starts.map(|at| Part { at, shown: masked(word, self.shown), rank: 0 }).collect()
    }

    fn part(&self, digits: &[Digit], shown: u8) -> Part {
        let values: Vec<u8> = digits.iter().map(|digit| digit.value).collect();
        let at = digits.first().map_or(0, |first| first.at.start)..digits.last().map_or(0, |last| last.at.end);
        Part { at, shown: end_of(&values, shown), rank: usize::MAX }
    }

    /// What a run of digits holds of these numbers.
    fn numbers_of(&self, run: &[Digit]) -> Vec<Part> {
        let mut parts = Vec::new();
        for (window, known) in &self.windows {
            for from in 0..(run.len() + 1).saturating_sub(*window) {
                let value: Vec<u8> = run[from..from + window].iter().map(|digit| digit.value).collect();
                for (nth, at) in known.get(&value).into_iter().flatten() {
                    parts.push(self.around(run, from, &self.numbers[*nth], *at));
                }
            }
        }
        parts
    }

    /// All that belongs to the number around a place where the run and the number are the same.
    fn around(&self, run: &[Digit], from: usize, number: &[u8], at: usize) -> Part {
        let same = run[from..].iter().zip(&number[at..]).take_while(|(digit, value)| digit.value == **value).count();
        let (mut first, mut left, mut trunk) = (from, at, false);
        while first > 0 && left > 0 {
            let before = run[first - 1].value;
            if before == number[left - 1] {
                left -= 1;
            } else if before == 0 && !trunk {
                trunk = true; // +44 (0)20 …
            } else {
                break;
            }
            first -= 1;
        }
        let ends = at + same == number.len();
        let range = run[first].at.start..run[from + same - 1].at.end;
        let shown = if ends { end_of(number, self.shown) } else { MASK.into() };
        Part { at: range, shown, rank: if ends { 1 + shown_of(number, self.shown) } else { usize::MAX - 1 } }
    }
}

/// How many bytes of the text are this word, in whatever case.
fn begins_with(text: &str, word: &str) -> Option<usize> {
    let mut wanted = word.chars().peekable();
    for (at, c) in text.char_indices() {
        if wanted.peek().is_none() {
            return Some(at);
        }
        for lower in c.to_lowercase() {
            wanted.next_if_eq(&lower)?;
        }
    }
    wanted.peek().is_none().then_some(text.len())
}

/// The text with what is masked in place of its parts; where these overlap, the one that ends last is shown.
fn with_parts(text: &str, mut parts: Vec<Part>) -> Cow<'_, str> {
    if parts.is_empty() {
        return Cow::Borrowed(text);
    }
    parts.sort_by_key(|part| (part.at.start, std::cmp::Reverse(part.at.end), part.rank));
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
