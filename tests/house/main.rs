//! The rules of the house, and the published schemas, held against the code.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod migrations;
mod schemas;
mod threats;
mod tidy;
