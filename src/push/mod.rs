//! 3 reach: the frames on an agent's WebSocket, and the codes with which one is closed.

pub mod agents;
pub mod asks;
mod came_with;
mod client_frames;
mod close;
pub mod connection;
mod digest;
mod lease;
pub mod ledger;
pub mod line;
pub mod open_calls;
pub mod outbox;
pub mod outboxes;
mod outlines;
pub mod prepared;
pub mod seat;
mod seated;
mod seats;
mod server_frames;
pub mod session;
mod shown;
mod to_show;
mod unreceived;

pub use client_frames::{BadFrame, ClientFrame, Hello, RequestId, Reveal, Search, Showing, Stage, Subscribe};
pub use close::CloseCode;
pub use server_frames::{Call, Encoded, EndReason, Missing, MissingCode, ServerFrame, Update};

/// The subprotocol that both sides name in the handshake.
pub const SUBPROTOCOL: &str = "backstory.v1";
