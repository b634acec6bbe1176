//! What sessions ask, and the way of a call answers.

use std::sync::Arc;

use super::session::Session;
use super::{Reveal, Search};

/// Questions of sessions that wait to be answered.
pub const ASKS_MAX: usize = 1024;

/// What a session wants to know; answered in `screen_pop`.
pub struct Ask {
    pub session: Arc<Session>,
    pub what: Wanted,
}

pub enum Wanted {
    /// The calls of these agents that it does not show yet.
    OpenCalls(Vec<String>),
    Search(Search),
    Reveal(Reveal),
}
