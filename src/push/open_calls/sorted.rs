//! A set in order that costs no allocation while it has at most one item: most calls have one agent, most agents one call.

use std::collections::BTreeSet;

/// Every operation costs at most the logarithm of what is in it; every item that a walk yields costs one.
#[derive(Debug, Default)]
pub enum Sorted<T> {
    #[default]
    Empty,
    One(T),
    /// Two or more, or what is left of them.
    Many(BTreeSet<T>),
}

impl<T: Ord> Sorted<T> {
    pub fn len(&self) -> usize {
        match self {
            Self::Empty => 0,
            Self::One(_) => 1,
            Self::Many(items) => items.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn insert(&mut self, item: T) {
        looked_at_one();
        *self = match std::mem::take(self) {
            Self::Empty => Self::One(item),
            Self::One(other) if other == item => Self::One(item),
            Self::One(other) => Self::Many(BTreeSet::from([other, item])),
            Self::Many(mut items) => {
                items.insert(item);
                Self::Many(items)
            }
        };
    }

    /// `false`: it was not in it.
    pub fn remove(&mut self, item: &T) -> bool {
        looked_at_one();
        let removed = match self {
            Self::Empty => false,
            Self::One(one) => one == item,
            Self::Many(items) => items.remove(item),
        };
        if removed && self.len() <= usize::from(matches!(self, Self::One(_))) {
            *self = Self::Empty;
        }
        removed
    }

    pub fn first(&self) -> Option<&T> {
        self.iter().next()
    }

    /// From the least to the greatest.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        let (one, many) = match self {
            Self::Empty => (None, None),
            Self::One(item) => (Some(item), None),
            Self::Many(items) => (None, Some(items)),
        };
        one.into_iter().chain(many.into_iter().flat_map(|items| items.iter())).inspect(|_| looked_at_one())
    }
}

#[cfg(not(test))]
fn looked_at_one() {}

#[cfg(test)]
fn looked_at_one() {
    LOOKED_AT.with(|looked_at| looked_at.set(looked_at.get() + 1));
}

#[cfg(test)]
thread_local! {
    static LOOKED_AT: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// Items that this thread has put into sets, taken out or walked over.
#[cfg(test)]
pub fn looked_at() -> u64 {
    LOOKED_AT.with(std::cell::Cell::get)
}
