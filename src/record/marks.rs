//! What was done to a record so that it could be kept. Marks are counted by topic and said by `import`; they never hold a value.

use std::collections::BTreeSet;

/// A record was kept, though not as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Mark {
    #[error("the field {0} was shortened; it ends with …")]
    Shortened(&'static str),
    #[error("control characters in the field {0} were replaced")]
    ControlCharacters(&'static str),
    #[error("halves of characters in a text were replaced by �")]
    HalfCharacters,
    #[error("the field {0} is blank or a placeholder such as null: it was left out")]
    NoId(&'static str),
    #[error("an entry of {0} names nobody and was left out")]
    LeftOut(&'static str),
    #[error("addresses beyond the first {0} were left out")]
    AddressesLeftOut(usize),
    #[error("an address of more than 512 bytes was left out")]
    AddressTooLong,
    #[error("the field {0} is not the IANA name of a time zone (such as America/New_York); it was left out")]
    UnknownTimeZone(&'static str),
    #[error("the time in the field {0} is not between 1980 and 2099; it was left out")]
    TimeLeftOut(&'static str),
    #[error("the time in the field {0} is later than the record; the record's own time was taken")]
    Ahead(&'static str),
}

impl Mark {
    /// For metrics: one of a closed set.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shortened(_) => "shortened",
            Self::ControlCharacters(_) => "control_characters",
            Self::HalfCharacters => "half_characters",
            Self::NoId(_) => "no_id",
            Self::AddressesLeftOut(_) | Self::AddressTooLong => "addresses_left_out",
            Self::LeftOut(_) => "left_out",
            Self::UnknownTimeZone(_) => "unknown_time_zone",
            Self::TimeLeftOut(_) => "time_left_out",
            Self::Ahead(_) => "ahead",
        }
    }
}

/// The marks of one record; each at most once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(BTreeSet<Mark>);

impl Marks {
    pub fn set(&mut self, mark: Mark) {
        self.0.insert(mark);
    }

    pub fn iter(&self) -> impl Iterator<Item = Mark> {
        self.0.iter().copied()
    }
}
