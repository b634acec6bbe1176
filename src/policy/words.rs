//! Finds many words in a text, in upper or lower case, in one pass.

use std::borrow::Cow;
use std::ops::Range;

use aho_corasick::Anchored;
use aho_corasick::automaton::Automaton as _;
use aho_corasick::nfa::noncontiguous::NFA;

/// Words in lower case, each once.
#[derive(Debug)]
pub struct Words {
    words: Vec<String>,
    /// The one that is built fastest, as it is built for one timeline. `None`: too large, and every text is masked whole.
    automaton: Option<NFA>,
}

impl Words {
    pub fn of(words: Vec<String>) -> Self {
        let automaton = NFA::builder().prefilter(false).build(&words).ok();
        Self { words, automaton }
    }

    /// The longest word that ends at each place of the text, and where it stands.
    pub fn find(&self, text: &str) -> Vec<(Range<usize>, &str)> {
        let Some((automaton, start)) =
            self.automaton.as_ref().and_then(|all| Some((all, all.start_state(Anchored::No).ok()?)))
        else {
            return vec![(0..text.len(), "…")];
        };
        let lower = Lower::of(text);
        let (mut found, mut state) = (Vec::new(), start);
        for (at, byte) in lower.text.bytes().enumerate() {
            state = automaton.next_state(Anchored::No, state, byte);
            if !automaton.is_match(state) {
                continue;
            }
            let words = (0..automaton.match_len(state)).map(|nth| automaton.match_pattern(state, nth));
            let words = words.map(|nth| self.words[nth].as_str());
            let stands = words.filter_map(|word| Some((lower.in_text(at + 1 - word.len()..at + 1)?, word)));
            found.extend(stands.max_by_key(|(at, _)| at.len()));
        }
        found
    }
}

/// A text in lower case, character by character.
struct Lower<'t> {
    text: Cow<'t, str>,
    /// Where each of its bytes comes from, and the end; `None` where lower case took the character apart. Empty: nothing moved.
    from: Vec<Option<usize>>,
}

impl<'t> Lower<'t> {
    fn of(text: &'t str) -> Self {
        if text.is_ascii() {
            let is_lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
            let text = if is_lower { Cow::Borrowed(text) } else { Cow::Owned(text.to_ascii_lowercase()) };
            return Self { text, from: Vec::new() };
        }
        let (mut lower, mut from) = (String::with_capacity(text.len()), Vec::with_capacity(text.len() + 1));
        for (at, c) in text.char_indices() {
            lower.extend(c.to_lowercase());
            from.push(Some(at));
            from.resize(lower.len(), None);
        }
        from.push(Some(text.len()));
        Self { text: Cow::Owned(lower), from }
    }

    fn in_text(&self, at: Range<usize>) -> Option<Range<usize>> {
        if self.from.is_empty() {
            return Some(at);
        }
        Some(self.from.get(at.start).copied()??..self.from.get(at.end).copied()??)
    }
}
