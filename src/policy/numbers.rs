//! Finds digits of many numbers in a text. The work for one digit of the text does not depend on how many numbers there are, or
//! on what they have in common: a suffix automaton holds every part of every number once.

/// Of the empty part. No digit leads to it, so it also stands for "none".
const ROOT: u32 = 0;

/// Parts of numbers that end at the same places of the same numbers: each is an end of the longest.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    /// By the digit that follows.
    next: [u32; 10],
    /// Digits of the longest part.
    longest: u32,
    /// Of the longest end that is in more places.
    link: u32,
    /// One more than the shortest number that ends with these parts; 0: none does.
    ends: u32,
    /// That number has nothing before the longest part.
    whole: bool,
    /// As `ends`, of numbers that have something before it.
    ends_longer: u32,
    /// The longest part has a digit before it, somewhere.
    preceded: bool,
}

/// How far the digits read so far are part of a number: the longest end of them that is.
#[derive(Debug, Clone, Copy)]
struct Place {
    state: u32,
    length: usize,
}

const START: Place = Place { state: ROOT, length: 0 };

/// Digits of a text that are digits of a number.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    pub from: usize,
    pub to: usize,
    /// The number that ends there, if one does: the shortest.
    pub ends: Option<usize>,
}

/// Numbers of which so many digits in a row are enough.
#[derive(Debug)]
pub struct Numbers {
    window: usize,
    states: Vec<State>,
}

impl Numbers {
    /// `numbers`: shorter ones first, by their place in a list that the caller keeps.
    pub fn of<'n>(window: usize, numbers: impl Iterator<Item = (usize, &'n [u8])>) -> Self {
        let mut all = Self { window, states: vec![State::default()] };
        for (nth, digits) in numbers {
            let last = digits.iter().fold(ROOT, |last, digit| all.extend(last, *digit));
            all.ends(last, nth as u32 + 1);
        }
        all
    }

    fn at(&self, state: u32) -> &State {
        &self.states[state as usize]
    }

    fn add(&mut self, state: State) -> u32 {
        self.states.push(state);
        (self.states.len() - 1) as u32
    }

    fn link(&mut self, state: u32, to: u32) {
        self.states[state as usize].link = to;
        self.states[to as usize].preceded = true;
    }

    /// The state of what `last` stands for, and one digit more.
    fn extend(&mut self, last: u32, digit: u8) -> u32 {
        let digit = usize::from(digit);
        let longest = self.at(last).longest + 1;
        match self.at(last).next[digit] {
            ROOT => {}
            known if self.at(known).longest == longest => return known,
            known => return self.split(last, known, digit),
        }
        let new = self.add(State { longest, ..State::default() });
        let mut state = last;
        while self.at(state).next[digit] == ROOT {
            self.states[state as usize].next[digit] = new;
            if state == ROOT {
                return new;
            }
            state = self.at(state).link;
        }
        let known = self.at(state).next[digit];
        let to =
            if self.at(known).longest == self.at(state).longest + 1 { known } else { self.split(state, known, digit) };
        self.link(new, to);
        new
    }

    /// Gives the shorter parts of `known`, which are in more places from now on, a state of their own.
    fn split(&mut self, from: u32, known: u32, digit: usize) -> u32 {
        let longest = self.at(from).longest + 1;
        let shorter = self.add(State { longest, whole: false, ends_longer: 0, ..*self.at(known) });
        self.link(known, shorter);
        let mut state = from;
        while self.at(state).next[digit] == known {
            self.states[state as usize].next[digit] = shorter;
            if state == ROOT {
                break;
            }
            state = self.at(state).link;
        }
        shorter
    }

    /// Marks the ends of a number, up to those that a shorter number has, too.
    fn ends(&mut self, last: u32, number: u32) {
        self.states[last as usize].whole = true;
        let mut state = last;
        while state != ROOT && self.at(state).ends == 0 {
            self.states[state as usize].ends = number;
            state = self.at(state).link;
        }
        let known = &mut self.states[state as usize];
        if known.ends_longer == 0 {
            known.ends_longer = number;
        }
    }

    fn step(&self, Place { mut state, mut length }: Place, digit: u8) -> Place {
        loop {
            match self.at(state).next[usize::from(digit)] {
                ROOT if state == ROOT => return START,
                ROOT => {
                    state = self.at(state).link;
                    length = self.at(state).longest as usize;
                }
                next => return Place { state: next, length: length + 1 },
            }
        }
    }

    fn found(&self, place: Place, from: usize, to: usize) -> Found {
        Found { from, to, ends: (self.at(place.state).ends as usize).checked_sub(1) }
    }

    /// As above, of a number that has `place.length - read` digits before the zero, or some that the text has not.
    fn found_across(&self, place: Place, read: usize, zero: usize, to: usize) -> Found {
        let found = self.found(place, zero - (place.length - read), to);
        let State { whole, longest, ends_longer, .. } = *self.at(place.state);
        if place.length > read || !whole || longest as usize > read {
            return found;
        }
        Found { ends: (ends_longer as usize).checked_sub(1), ..found }
    }

    /// The parts of a run of digits that belong to numbers. They overlap; what lies in another one may be missing.
    pub fn find(&self, run: &[u8]) -> Vec<Found> {
        let mut all = Vec::new();
        let mut place = START;
        for (at, digit) in run.iter().enumerate() {
            if *digit == 0 {
                // Of several zeros, the first is the one that is in no number.
                let before = if at > 0 && run[at - 1] == 0 { START } else { place };
                self.find_across(run, at, before, &mut all);
            }
            let next = self.step(place, *digit);
            if place.length >= self.window && next.length <= place.length {
                all.push(self.found(place, at - place.length, at));
            }
            place = next;
        }
        if place.length >= self.window {
            all.push(self.found(place, run.len() - place.length, run.len()));
        }
        all
    }

    /// With a zero that is in no number, as in +44 (0)20 …: what stands before it belongs to the number if enough behind it does.
    /// Takes at most as many steps as the longest number has digits.
    fn find_across(&self, run: &[u8], zero: usize, mut place: Place, all: &mut Vec<Found>) {
        let mut last: Option<Found> = None;
        for (read, to) in (zero + 2..=run.len()).enumerate().map(|(nth, to)| (nth + 1, to)) {
            place = self.step(place, run[to - 1]);
            if !self.begins_before(place, read) {
                break;
            }
            let found = self.found_across(place, read, zero, to);
            if last.as_ref().is_some_and(|last| last.from < found.from) {
                all.extend(last.take());
            }
            last = (read >= self.window).then_some(found);
        }
        all.extend(last);
    }

    /// Whether a number has the last `read` digits, and another one before them.
    fn begins_before(&self, Place { state, length }: Place, read: usize) -> bool {
        length > read || (length == read && (length < self.at(state).longest as usize || self.at(state).preceded))
    }
}
