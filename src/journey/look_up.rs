//! What a look-up asks for, and how much it may read.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{Cursor, Interaction, Source};

/// Which interactions a page holds, of those that a look-up finds.
pub type Keep = Arc<dyn Fn(&Interaction) -> bool + Send + Sync>;

/// What a look-up asks for.
#[derive(Clone)]
pub struct LookUp {
    /// As kept: E.164, or as given.
    pub number: String,
    /// Interactions that started earlier are left out.
    pub from: DateTime<Utc>,
    pub sources: Vec<Source>,
    /// Where the pages begin; `None`: with the newest.
    pub before: Option<Cursor>,
    /// What is read with its comments: a page of each kind.
    pub pages: Vec<Keep>,
    pub limits: Limits,
}

impl LookUp {
    /// Everything that is kept, for tools.
    pub fn whole(number: String, from: DateTime<Utc>, sources: Vec<Source>) -> Self {
        Self { number, from, sources, before: None, pages: vec![Arc::new(|_| true)], limits: Limits::NONE }
    }
}

/// What a look-up may read, whatever is kept.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Contacts of whom anything but the number of them is read.
    pub contacts_max: usize,
    /// Interactions that are counted.
    pub counted_max: usize,
    /// On a page.
    pub interactions_max: usize,
    /// Of comments, on a page.
    pub bytes_max: usize,
}

impl Limits {
    pub const NONE: Self =
        Self { contacts_max: usize::MAX, counted_max: usize::MAX, interactions_max: usize::MAX, bytes_max: usize::MAX };
}
