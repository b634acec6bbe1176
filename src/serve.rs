//! Puts the way together and runs it until told to stop: the only place where all parts are named.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use chrono::TimeDelta;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, info, warn};

use crate::audit::{Audit, AuditFile, Keeper};
use crate::auth::Authority;
use crate::config::Settings;
use crate::give_back;
use crate::http::listener::Site;
use crate::http::watched::Times;
use crate::http::{self, Answers, Guard, Service, Tls, listener};
use crate::journey::embedded::ServeLock;
use crate::journey::recorder::{Kept, Kind, Recorder};
use crate::journey::{Rules, SetAside, Sources, Store, StoreError, permits, retention};
use crate::kafka::{Brokers, EMBEDDED_LIMITS, EmbeddedBroker, Poller, Start, Writer};
use crate::limited_log::RefusedRecords;
use crate::metrics::Metrics;
use crate::pace::Pace;
use crate::parts::{self, Parts};
use crate::policy::FieldPolicy;
use crate::push::agents::{Agents, SessionLimits};
use crate::push::asks::Ask;
use crate::push::connection::Door;
use crate::push::ledger::Ledger;
use crate::push::open_calls::CallLimits;
use crate::push::outbox::OutboxLimits;
use crate::push::outboxes::Outboxes;
use crate::screen_pop::{self, Hearing, Life, LongPreparations, Searches, SetAsideQueue, Updates, Way};

/// Recorded batches that wait for open timelines to follow.
const KEPT_BATCHES_MAX: usize = 16;

/// So much of the drain's limit is left for writing the ledger's last lines.
const LAST_PART: u32 = 5;

/// A service that listens, and is on its way to being ready.
pub struct Running {
    pub address: SocketAddr,
    pub admin_address: SocketAddr,
    pub brokers: Brokers,
    pub sources: Sources,
    stop: CancellationToken,
    tasks: TaskTracker,
    parts: Parts,
    /// The ledger is written until nothing more happens.
    last: TaskTracker,
    last_stop: CancellationToken,
    /// Metrics and health are answered until the end of the drain.
    admin_stop: CancellationToken,
    limit: Duration,
    /// In this order: what uses the broker ends before it.
    _embedded: Option<EmbeddedBroker>,
    _locks: Vec<ServeLock>,
}

/// Runs until the process is told to stop, then drains.
pub async fn run(settings: Settings) -> anyhow::Result<()> {
    let running = start(settings).await?;
    let told = running.is_told_to_stop().await;
    running.drain().await;
    told
}

/// Starts everything; fails where a port is taken or the store cannot be opened. Brokers that do not answer are waited for.
pub async fn start(settings: Settings) -> anyhow::Result<Running> {
    let sources = Sources::open(&settings.journey)?.for_teams(!settings.policy.teams.is_empty());
    let locks = hold(&sources).await?;
    let main = listener::bind(settings.http.listen, "http.listen")?;
    let admin = listener::bind(settings.http.admin_listen, "http.admin_listen")?;
    let (brokers, embedded) = Brokers::open(&settings.kafka)?;
    if brokers.embedded() {
        warn!(kafka.brokers = brokers.addresses(), "{EMBEDDED_LIMITS}");
    }
    let (stop, tasks, metrics) = (CancellationToken::new(), TaskTracker::new(), Metrics::new());
    let limits = CallLimits {
        open_max: TimeDelta::from_std(*settings.calls.open_max)?,
        keep_after_end: TimeDelta::from_std(*settings.calls.keep_after_end)?,
        known_max: settings.calls.known_max,
        agents_per_call_max: settings.calls.agents_per_call_max,
        open_per_agent_max: settings.calls.open_per_agent_max,
    };
    let authority = Authority::of(&settings, &metrics).context("auth.jwks_url")?;
    let node = format!("n-{:08x}", rand::random::<u32>());
    let ledger =
        Ledger::new(Arc::clone(&metrics)).keeping(settings.ledger.pops_max, &node, &settings.kafka.topics.calls);
    let (agents, asks) = Agents::new(limits, session_limits(&settings), ledger);
    let (audit, keeper) = audit(&settings, &brokers, &metrics)?;
    let (set_aside, to_set_aside) = SetAsideQueue::new(Arc::clone(&metrics));
    let way = Arc::new(Way {
        sources: sources.clone(),
        door: door(&settings, node, agents, authority, Arc::clone(&metrics)),
        metrics: Arc::clone(&metrics),
        refused: RefusedRecords::new(metrics),
        updates: Updates::until(stop.clone()),
        searches: Searches::default(),
        preparing: LongPreparations::on(permits::cores()),
        set_aside,
        settings,
        tasks: tasks.clone(),
        audit,
    });
    let ready = CancellationToken::new();
    let running = Running {
        address: main.local_addr()?,
        admin_address: admin.local_addr()?,
        brokers: brokers.clone(),
        sources,
        stop: stop.clone(),
        tasks: tasks.clone(),
        parts: Parts::of(tasks, stop),
        last: TaskTracker::new(),
        last_stop: CancellationToken::new(),
        admin_stop: CancellationToken::new(),
        limit: *way.settings.drain.limit,
        _embedded: embedded,
        _locks: locks,
    };
    let (kept, on_kept) = mpsc::channel(KEPT_BATCHES_MAX);
    hear(&way, &running, kept, &ready)?;
    account(&way, &running, &ready)?;
    keep_audit(&way, &running, keeper)?;
    work_beside(&way, &running, (on_kept, to_set_aside, asks));
    listen(&way, &running, (main, admin), ready)?;
    let Running { address, admin_address, .. } = &running;
    info!(http.listen = %address, http.admin_listen = %admin_address, kafka.brokers = brokers.addresses(), "listening");
    Ok(running)
}

/// What goes on beside the topics and the connections.
fn work_beside(
    way: &Arc<Way>,
    running: &Running,
    (on_kept, to_set_aside, asks): (mpsc::Receiver<Kept>, mpsc::Receiver<SetAside>, mpsc::Receiver<Ask>),
) {
    let Running { parts, stop, .. } = running;
    parts.spawn("changes", screen_pop::follow_changes(Arc::clone(way), on_kept, stop.clone()));
    parts.spawn("set aside", screen_pop::keep_set_aside(Arc::clone(way), to_set_aside, stop.clone()));
    parts.spawn("answers", screen_pop::answer(Arc::clone(way), asks, stop.clone()));
    parts.spawn("time", screen_pop::keep_time(Arc::clone(way), stop.clone()));
    parts.spawn("memory", give_back::run(stop.clone()));
    let (keeping, stop) = (Arc::clone(way), stop.clone());
    let keep_keys = async move { _ = stop.run_until_cancelled(keeping.door.authority.keep_keys()).await };
    parts.spawn("keys", keep_keys);
}

/// Makes sure that the stores can be used, and by nobody else where they are one service's.
async fn hold(sources: &Sources) -> Result<Vec<ServeLock>, StoreError> {
    let mut locks = Vec::new();
    for (store, ..) in sources.stores() {
        if let Store::Embedded(file) = store {
            locks.push(ServeLock::take(file.path())?);
        }
        match store.ready().await {
            Ok(()) => {}
            // Pops go on without timelines, and what is to be kept waits in Kafka.
            Err(error @ StoreError::Unreachable(_)) => {
                error!(%error, store = store.describe(), "starting without the store");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(locks)
}

fn session_limits(settings: &Settings) -> SessionLimits {
    SessionLimits {
        per_agent_max: settings.http.sessions_per_agent_max,
        unacknowledged_bytes_max: settings.http.unacknowledged_bytes_max,
        outlines_bytes_max: settings.calls.outlines_bytes_max,
    }
}

fn door(settings: &Settings, node: String, agents: Agents, authority: Authority, metrics: Arc<Metrics>) -> Door {
    let outbox = OutboxLimits {
        frames_max: settings.http.outbox_frames_max,
        bytes_max: settings.http.outbox_bytes_max,
        all: Outboxes::new(settings.http.outboxes_bytes_max, metrics.memory.clone()),
    };
    Door {
        agents,
        authority,
        metrics,
        catalogue: Arc::clone(&settings.catalogue),
        node,
        hello_timeout: *settings.http.hello_timeout,
        write_timeout: *settings.http.write_timeout,
        heartbeat: *settings.http.heartbeat,
        frame_bytes_max: settings.http.frame_bytes_max,
        frames: Pace::per_second(settings.http.frames_per_second_max),
        outbox,
        subscribed_agents_max: settings.http.subscribed_agents_max,
        aliases: Arc::clone(&settings.aliases),
        policy: Arc::new(FieldPolicy::of(&settings.policy)),
        come_back_within: *settings.drain.limit / 2,
    }
}

/// The consumers: calls for this node's memory, interactions and contacts for the store.
fn hear(way: &Arc<Way>, running: &Running, kept: mpsc::Sender<Kept>, ready: &CancellationToken) -> anyhow::Result<()> {
    let Running { parts, brokers, stop, .. } = running;
    let kafka = &way.settings.kafka;
    let window = Start::Window(*kafka.replay_window);
    let hearing = Hearing::of(Arc::clone(way), ready.clone(), stop.clone());
    let calls = Poller::start(brokers, &kafka.topics.calls, window, way.metrics.kafka_errors(), hearing)?;
    way.metrics.follow(calls.lag());
    parts.spawn("calls", calls.run_until(stop.clone(), *way.settings.drain.limit / 2));
    let journey = &way.settings.journey;
    let rules = Rules::of_settings(&way.settings)?;
    for (nth, (store, currency, sources)) in way.sources.stores().enumerate() {
        let (metrics, retention) = (Arc::clone(&way.metrics), journey.retention.map(|retention| *retention));
        parts.spawn("retention", retention::run(store.clone(), retention, metrics, stop.clone()));
        let topics = [
            (&kafka.topics.interactions, Kind::Interactions),
            (&kafka.topics.contacts, Kind::Contacts),
            (&kafka.topics.erasures, Kind::Erasures),
        ];
        for (topic, kind) in topics {
            let recorder = Recorder {
                store: store.clone(),
                brokers: brokers.clone(),
                topic: topic.clone(),
                kind,
                rules: rules.clone(),
                sources: sources.to_vec(),
                // A group of its own for each store and topic: members that come and go elsewhere disturb it in nothing.
                group: if nth == 0 {
                    format!("{}.{topic}", kafka.group)
                } else {
                    format!("{}.{nth}.{topic}", kafka.group)
                },
                record_bytes_max: kafka.record_bytes_max,
                metrics: Arc::clone(&way.metrics),
                refused: Arc::clone(&way.refused),
                // What is still to be forgotten is nothing that a screen lacks.
                currency: if kind == Kind::Erasures { Arc::default() } else { Arc::clone(currency) },
                catalogue: Arc::clone(&way.settings.catalogue),
                kept: kept.clone(),
                warned: Arc::default(),
            };
            parts.spawn("recorder", recorder.run(stop.clone(), *way.settings.drain.limit / 2));
        }
    }
    Ok(())
}

/// The ledger's way to Kafka.
fn account(way: &Arc<Way>, running: &Running, ready: &CancellationToken) -> anyhow::Result<()> {
    let (topics, metrics) = (&way.settings.kafka.topics, &way.metrics);
    let writer = Writer::open(&running.brokers, &topics.pops, way.settings.ledger.queue_max, metrics.lost_in_kafka())?;
    let life = Life { ready: ready.clone(), drain: running.stop.clone(), over: running.last_stop.clone() };
    let keep = screen_pop::keep_ledger(Arc::clone(way), writer, life, running.limit / LAST_PART);
    running.parts.among(running.last.clone()).spawn("ledger", keep);
    Ok(())
}

/// The audit, and who writes it.
fn audit(settings: &Settings, brokers: &Brokers, metrics: &Arc<Metrics>) -> anyhow::Result<(Audit, Keeper)> {
    let file = settings.audit.file.clone().map(|path| {
        AuditFile::open(path.clone()).with_context(|| format!("audit.file: {} cannot be written", path.display()))
    });
    let (topic, queue_max) = (&settings.kafka.topics.audit, settings.audit.queue_max);
    let writer = Writer::open_patient(brokers, topic, queue_max, metrics.audit_lost("kafka"))?;
    Ok(Keeper::of(queue_max, writer, file.transpose()?, metrics))
}

/// Writes the audit until nothing more happens.
fn keep_audit(way: &Arc<Way>, running: &Running, keeper: Keeper) -> anyhow::Result<()> {
    let (way, over, limit) = (Arc::clone(way), running.last_stop.clone(), running.limit / LAST_PART);
    let mut kept = keeper.start(limit)?;
    running.parts.among(running.last.clone()).spawn("audit", async move {
        tokio::select! {
            () = over.cancelled() => {
                way.audit.close().await;
                _ = kept.await;
            }
            _ = &mut kept => {}
        }
    });
    Ok(())
}

fn listen(
    way: &Arc<Way>,
    running: &Running,
    (main, admin): (TcpListener, TcpListener),
    ready: CancellationToken,
) -> anyhow::Result<()> {
    let http = &way.settings.http;
    let service = Arc::new(Service {
        way: Arc::clone(way),
        guard: Guard::new(http),
        answers: Answers::new(http, Arc::clone(&way.metrics)),
        brokers: running.brokers.addresses().to_owned(),
        embedded_broker: running.brokers.embedded(),
        ready,
        drain: running.stop.clone(),
    });
    let tls = Tls::open(&http.tls, &way.metrics)?;
    if let Some(tls) = &tls {
        running.parts.spawn("certificates", Arc::clone(tls).follow_files(running.stop.clone()));
    }
    let serve = |listener, router, tls, tasks: &TaskTracker, stop: &CancellationToken| {
        let times = Times { header: *http.header_timeout, idle: *http.idle_timeout, write: *http.write_timeout };
        let (metrics, drain) = (Arc::clone(&way.metrics), stop.clone());
        let site = Site { router, tls, times, header_bytes_max: http.header_bytes_max, metrics, drain };
        listener::serve(listener, http.clone(), site, tasks.clone())
    };
    let connections = serve(main, http::routes(Arc::clone(&service)), tls.clone(), &running.tasks, &running.stop);
    running.parts.spawn("connections", connections);
    let tls = tls.filter(|_| http.tls.admin);
    let of_operators = TaskTracker::new();
    let connections = serve(admin, http::admin_routes(service), tls, &of_operators, &running.admin_stop);
    running.parts.among(of_operators).spawn("connections of operators", connections);
    Ok(())
}

impl Running {
    /// Until it is told to stop, or has to, because a part of it broke.
    pub async fn is_told_to_stop(&self) -> anyhow::Result<()> {
        tokio::select! {
            () = stop_signal() => Ok(()),
            () = self.parts.break_down() => bail!("a part of the service broke (the log says which), so it ended"),
        }
    }

    /// Ends in order: not ready, sessions told to come back elsewhere, connections closed, Kafka closed, under one deadline.
    pub async fn drain(self) {
        info!("draining");
        self.stop.cancel();
        self.tasks.close();
        let drained = tokio::time::timeout(self.limit - self.limit / LAST_PART, self.tasks.wait()).await;
        self.last_stop.cancel();
        self.last.close();
        _ = tokio::time::timeout(self.limit / LAST_PART, self.last.wait()).await;
        self.admin_stop.cancel();
        match drained {
            Ok(()) => info!("drained"),
            Err(_) => warn!(tasks = self.tasks.len(), "not everything ended within drain.limit"),
        }
        // The in-process broker hangs while a client is left: do not wait for it for ever.
        let ending = tokio::task::spawn_blocking(move || drop(self));
        _ = tokio::time::timeout(Duration::from_secs(1), ending).await;
    }
}

/// Waits for SIGTERM or SIGINT; a second one ends the process at once.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        return std::future::pending().await;
    };
    let mut either = async move || {
        tokio::select! {
            _ = term.recv() => {}
            _ = int.recv() => {}
        }
    };
    either().await;
    tokio::spawn(async move {
        either().await;
        warn!("told to stop twice: leaving at once");
        std::process::exit(130);
    });
}

/// Logs to standard error, in the form and at the level of the settings. Libraries are heard from `info` on: what they say
/// below that holds what they carry, such as the parameters of a statement and the text of a frame.
pub fn start_log(settings: &Settings) -> anyhow::Result<()> {
    use tracing::Level;
    use tracing_subscriber::EnvFilter;
    use tracing_subscriber::filter::filter_fn;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::util::SubscriberInitExt as _;
    parts::log_panics();
    let filter = EnvFilter::try_new(&settings.log.level).context("log.level")?;
    let discreet =
        filter_fn(|said| *said.level() <= Level::INFO || said.target().starts_with(env!("CARGO_CRATE_NAME")));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match settings.log.format {
        crate::config::LogFormat::Text => log.with_target(false).finish().with(discreet).init(),
        crate::config::LogFormat::Json => log.json().flatten_event(true).finish().with(discreet).init(),
    }
    Ok(())
}
