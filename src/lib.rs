//! Backstory: the customer's journey on the agent's screen before the first hello.
//!
//! The way of a call, in the order of the folders:
//! `arrival` hears it, `journey` knows the customer, `push` reaches the agent; they meet in `screen_pop`, and nowhere else.

pub mod arrival;
pub mod journey;
pub mod push;
pub mod screen_pop;
pub mod serve;
pub mod tools;

pub mod audit;
pub mod auth;
pub mod config;
mod give_back;
pub mod http;
pub mod kafka;
pub mod limited_log;
pub mod metrics;
pub mod pace;
pub mod parts;
pub mod phone;
pub mod policy;
pub mod record;
pub mod tls;
