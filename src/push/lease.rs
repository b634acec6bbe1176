//! How long a session may go on: until its token ends, unless a fresh one comes on the open socket.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::BadFrame;
use super::session::Session;
use crate::auth::{Authority, Identity, Refused};

/// A clock that is set is noticed within this time.
const LOOK_EVERY: Duration = Duration::from_secs(60);

pub struct Lease<'a> {
    authority: &'a Authority,
    session: Arc<Session>,
    /// A fresh token that is being verified, which may wait for the provider's keys: pops do not wait for it.
    fresh: Option<BoxFuture<'a, Result<Identity, Refused>>>,
}

pub enum News {
    /// The token has ended.
    Over,
    /// A fresh one was verified.
    Fresh(Result<Identity, Refused>),
}

impl<'a> Lease<'a> {
    pub fn new(authority: &'a Authority, session: Arc<Session>) -> Self {
        Self { authority, session, fresh: None }
    }

    /// Takes a fresh token in; `next` says what came of it.
    pub fn verify(&mut self, token: String) -> Result<(), BadFrame> {
        let Some(tokens) = self.authority.tokens() else {
            return Err(BadFrame("no_authentication", "No authentication is configured, so no token is needed."));
        };
        if self.fresh.is_some() {
            return Err(BadFrame("busy", "Another token of this session is being verified; try again."));
        }
        let agent_id = self.session.agent_id.clone();
        self.fresh = Some(async move { tokens.renewed(token, &agent_id).await }.boxed());
        Ok(())
    }

    /// Waiting for it may be given up at any time.
    pub async fn next(&mut self) -> News {
        tokio::select! {
            () = is_over(self.authority, &self.session) => News::Over,
            verified = verified(&mut self.fresh) => {
                self.fresh = None;
                News::Fresh(verified)
            }
        }
    }
}

async fn is_over(authority: &Authority, session: &Session) {
    while let Some(remaining) = authority.remaining(&session.identity(), Utc::now()) {
        if remaining.is_zero() {
            return;
        }
        tokio::time::sleep(remaining.min(LOOK_EVERY)).await;
    }
    std::future::pending::<()>().await;
}

async fn verified(fresh: &mut Option<BoxFuture<'_, Result<Identity, Refused>>>) -> Result<Identity, Refused> {
    match fresh {
        Some(verifying) => verifying.await,
        None => std::future::pending().await,
    }
}
