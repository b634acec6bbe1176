//! A call on a session's screen, or once there: what was told of it, and what is kept for differences.

use super::outlines::Kept;
use super::prepared::Prepared;
use super::unreceived::Unreceived;

pub struct Shown {
    /// The versions told on this session: from `first` to `last`, none where that is smaller.
    pub first: u64,
    pub last: u64,
    pub digest: Option<u64>,
    /// Hash of the call as it was told.
    pub call: u64,
    /// Of the timeline; `None` where it is not known what the client shows, and a whole pop must come before differences.
    pub outline: Option<Kept>,
    /// The client marks it as over.
    pub over: bool,
    /// It left the screen with its end: without a wrap-up.
    pub is_off_screen: bool,
    pub received: u64,
    pub rendered: u64,
    pub unreceived: Option<Box<Unreceived>>,
}

impl Shown {
    pub fn after(base: u64) -> Self {
        Self {
            first: base + 1,
            last: base,
            digest: None,
            call: 0,
            outline: None,
            over: false,
            is_off_screen: false,
            received: 0,
            rendered: 0,
            unreceived: None,
        }
    }

    /// The client came with it, and was told nothing of it yet.
    pub fn came(&self) -> bool {
        self.last < self.first && self.outline.is_none()
    }

    /// The client came with it as an open one and was told its end; or shows more than this timeline knows.
    pub fn needs_no(&self, prepared: &Prepared, over: bool) -> bool {
        match &self.outline {
            None => over && self.over && !self.is_off_screen && self.last >= self.first,
            Some(outline) => !self.over && outline.seen > prepared.outline.seen,
        }
    }
}
