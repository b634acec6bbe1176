//! 6 account: what the way knows of each pop goes into the ledger, and the ledger's lines go to Kafka.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::Way;
use crate::journey::sources::Known;
use crate::journey::{Source, SourceMissing};
use crate::kafka::Writer;
use crate::push::ledger::record::{Line, LookedUp, NodeState, Silence, SourceLine};
use crate::push::ledger::{Context, Ledger, Said};
use crate::push::open_calls::{CallKey, Origin};
use crate::push::seat::Delivery;
use crate::push::session::Session;

/// How often what was heard is put together and handed to Kafka.
const TURN: Duration = Duration::from_millis(50);

/// The life of a node, as the ledger tells it.
pub struct Life {
    /// Cancelled once the replay window was read.
    pub ready: CancellationToken,
    /// Cancelled when the drain begins.
    pub drain: CancellationToken,
    /// Cancelled when nothing more will happen.
    pub over: CancellationToken,
}

impl Life {
    fn state(&self) -> NodeState {
        match (self.drain.is_cancelled(), self.ready.is_cancelled()) {
            (true, _) => NodeState::Draining,
            (false, true) => NodeState::Ready,
            (false, false) => NodeState::Starting,
        }
    }
}

/// Hands the ledger's lines to Kafka until nothing more will happen, then waits for them to be kept.
pub async fn keep_ledger(way: Arc<Way>, writer: Writer, life: Life, close_limit: Duration) {
    let mut turn = tokio::time::interval(TURN);
    turn.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let every = TimeDelta::from_std(*way.settings.ledger.alive_every).unwrap_or(TimeDelta::MAX);
    let mut said: Option<(NodeState, DateTime<Utc>)> = None;
    loop {
        tokio::select! {
            () = life.over.cancelled() => break,
            _ = turn.tick() => {}
        }
        let (now, state) = (Utc::now(), life.state());
        write(&way, &writer, way.ledger().turn(now));
        if said.is_none_or(|(before, at)| before != state || now - at >= every) {
            write(&way, &writer, vec![way.alive(&writer, state, now)]);
            said = Some((state, now));
        }
    }
    let now = Utc::now();
    write(&way, &writer, way.ledger().turn(now));
    write(&way, &writer, vec![way.alive(&writer, NodeState::Stopped, now)]);
    _ = tokio::task::spawn_blocking(move || writer.close(close_limit)).await;
}

fn write(way: &Way, writer: &Writer, lines: Vec<Line>) {
    for line in &lines {
        // Serialising these types to memory cannot fail.
        writer.write(&line.key(), &serde_json::to_vec(line).unwrap_or_default());
    }
    way.metrics.ledger_lines(lines.len());
}

/// What each source gave until now, or why nothing.
pub(super) fn looked_up(took: Duration, known: &Known) -> LookedUp {
    let rows = |source: Source| {
        let interactions = known.journey.iter().flat_map(|journey| &journey.interactions);
        interactions.filter(|interaction| interaction.source == source).count() as u64
    };
    let line = |state: &crate::journey::SourceState| SourceLine {
        source: state.source,
        rows: state.missing.is_none().then(|| rows(state.source)),
        missing: state.missing.map(|missing| match missing {
            SourceMissing::Timeout => Silence::Timeout,
            SourceMissing::Failed => Silence::Failed,
        }),
    };
    LookedUp { ms: took.as_micros() as f64 / 1000.0, sources: known.sources.iter().map(line).collect() }
}

impl Way {
    pub fn ledger(&self) -> &Ledger {
        &self.agents().ledger
    }

    fn alive(&self, writer: &Writer, state: NodeState, now: DateTime<Utc>) -> Line {
        let every_ms = u64::try_from(self.settings.ledger.alive_every.as_millis()).unwrap_or(u64::MAX);
        self.ledger().alive(state, writer.lost(), every_ms, now)
    }

    /// What is known of a pop before anybody was looked up.
    pub(super) fn context(&self, at: DateTime<Utc>, heard: Origin) -> Context {
        let Origin { since, partition, offset, heard_at } = heard;
        Context {
            partition,
            offset,
            at,
            heard_at: heard_at.trunc_subsecs(3),
            age_ms: (heard_at - since).num_milliseconds(),
            look_up: None,
            missing: None,
            announced: false,
        }
    }

    /// Says of each session what is about to be put into its outbox, and then what came of that.
    pub(super) fn say_pops(&self, key: &Arc<CallKey>, context: Context) -> impl Fn(&Arc<Session>, Option<Delivery>) {
        let (key, context) = (Arc::clone(key), Arc::new(context));
        move |session, delivery| {
            let said = match delivery {
                None => Said::Pop(Arc::clone(&context)),
                Some(Delivery::Known) => Said::Known,
                Some(Delivery::Gone) => Said::Gone { over: self.agents().call(&key, Utc::now()).is_none() },
                Some(Delivery::Sent | Delivery::SentWhole | Delivery::OutboxFull) => return,
            };
            self.ledger().said(&key, session, said, Utc::now());
        }
    }

    /// The call ended before its pop, of which it may have been said that it was about to be sent.
    pub(super) fn say_over(&self, key: &Arc<CallKey>, sessions: &[Arc<Session>], now: DateTime<Utc>) {
        for session in sessions {
            self.ledger().said(key, session, Said::Gone { over: true }, now);
        }
    }

    pub(super) fn say_updates(&self, key: &Arc<CallKey>, known: &Known) -> impl Fn(&Arc<Session>) {
        let (key, whole) = (Arc::clone(key), known.is_whole());
        move |session| self.ledger().said(&key, session, Said::Update { whole }, Utc::now())
    }

    pub(super) fn say_stale(
        &self,
        key: &Arc<CallKey>,
        sessions: &[Arc<Session>],
        context: Context,
        now: DateTime<Utc>,
    ) {
        let context = Arc::new(context);
        for session in sessions {
            self.ledger().said(key, session, Said::Stale(Arc::clone(&context)), now);
        }
    }
}
