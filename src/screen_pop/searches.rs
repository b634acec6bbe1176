//! Which search runs when. One at a time for a session and call, of those that wait the newest; a few at a time for an agent; and a
//! bounded number that wait.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use smol_str::SmolStr;
use tokio::sync::oneshot;

/// Searches of one agent that run at the same time, over all sessions. One runs until its answer was written.
const RUNNING_MAX: usize = 2;
/// Calls (and numbers) that one session searches by at the same time.
const WAITING_PER_SESSION_MAX: usize = 8;
/// Of one agent, also of sessions that have gone since.
const WAITING_PER_AGENT_MAX: usize = 64;

/// What searches replace each other by: a session, and the call or number that it searches by.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Subject {
    pub session: SmolStr,
    pub of: By,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum By {
    Call(String),
    /// As the client wrote it.
    Number(String),
    /// None replaces another.
    Reveal(u64),
}

/// Searches that run or wait.
#[derive(Clone, Default)]
pub struct Searches(Arc<Mutex<HashMap<String, OfAgent>>>);

#[derive(Default)]
struct OfAgent {
    running: Vec<Subject>,
    /// In the order in which they came; of each subject one.
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    subject: Subject,
    begins: oneshot::Sender<Running>,
}

/// What becomes of a search that waits: it begins, or a newer one has taken its place.
pub(super) type Turn = oneshot::Receiver<Running>;

/// More than may wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// A search runs until this is dropped.
pub(super) struct Running {
    searches: Searches,
    agent_id: String,
    subject: Subject,
}

impl Searches {
    /// One more search, in the order in which they came. The one that waits for the same session and call loses its place to it.
    pub(super) fn enter(&self, agent_id: &str, subject: Subject) -> Result<Turn, TooMany> {
        let (begins, turn) = oneshot::channel();
        {
            let mut agents = self.0.lock();
            let agent = agents.entry(agent_id.to_owned()).or_default();
            agent.waiting.retain(|waiting| !waiting.begins.is_closed());
            match agent.waiting.iter_mut().find(|waiting| waiting.subject == subject) {
                // The place stays: whoever asks again and again is not pushed back. The sender that is dropped says `replaced`.
                Some(waiting) => waiting.begins = begins,
                None => {
                    let of_session =
                        agent.waiting.iter().filter(|waiting| waiting.subject.session == subject.session).count();
                    if of_session >= WAITING_PER_SESSION_MAX || agent.waiting.len() >= WAITING_PER_AGENT_MAX {
                        return Err(TooMany);
                    }
                    agent.waiting.push_back(Waiting { subject, begins });
                }
            }
        }
        self.begin_next(agent_id);
        Ok(turn)
    }

    /// Lets those begin that may.
    fn begin_next(&self, agent_id: &str) {
        loop {
            let (begins, running) = {
                let mut agents = self.0.lock();
                let Some(agent) = agents.get_mut(agent_id) else { return };
                let Some(Waiting { subject, begins }) = agent.next() else {
                    if agent.running.is_empty() && agent.waiting.is_empty() {
                        agents.remove(agent_id);
                    }
                    return;
                };
                agent.running.push(subject.clone());
                (begins, Running { searches: self.clone(), agent_id: agent_id.to_owned(), subject })
            };
            // One that nobody waits for any more ends here, outside the lock.
            drop(begins.send(running));
        }
    }

    fn ended(&self, agent_id: &str, subject: &Subject) {
        if let Some(agent) = self.0.lock().get_mut(agent_id)
            && let Some(nth) = agent.running.iter().position(|running| running == subject)
        {
            agent.running.swap_remove(nth);
        }
        self.begin_next(agent_id);
    }
}

impl OfAgent {
    fn next(&mut self) -> Option<Waiting> {
        if self.running.len() >= RUNNING_MAX {
            return None;
        }
        let nth = self.waiting.iter().position(|waiting| !self.running.contains(&waiting.subject))?;
        self.waiting.remove(nth)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.searches.ended(&self.agent_id, &self.subject);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot::error::TryRecvError;

    use super::*;

    fn of(session: &str, call_id: &str) -> Subject {
        Subject { session: session.into(), of: By::Call(call_id.into()) }
    }

    fn runs(turn: &mut Turn) -> Option<Running> {
        turn.try_recv().ok()
    }

    fn is_replaced(turn: &mut Turn) -> bool {
        matches!(turn.try_recv(), Err(TryRecvError::Closed))
    }

    #[test]
    fn a_newer_search_takes_the_place_of_the_one_that_waits_and_never_of_the_one_that_runs() {
        let searches = Searches::default();
        let mut turns: Vec<_> = (0..4).map(|_| searches.enter("ana", of("s-1", "c-1")).unwrap()).collect();
        let first = runs(&mut turns[0]).unwrap();
        assert!(is_replaced(&mut turns[1]) && is_replaced(&mut turns[2]));
        assert!(runs(&mut turns[3]).is_none() && !is_replaced(&mut turns[3]));
        drop(first);
        assert!(runs(&mut turns[3]).is_some(), "the newest");
        assert!(searches.0.lock().is_empty(), "nothing is left of it");
    }

    #[test]
    fn sessions_calls_and_numbers_replace_nothing_of_each_other() {
        let searches = Searches::default();
        let by_number = Subject { of: By::Number("c-1".into()), ..of("s-1", "c-1") };
        let subjects = [of("s-1", "c-1"), of("s-1", "c-2"), of("s-2", "c-1"), by_number];
        let mut turns: Vec<_> = subjects.map(|subject| searches.enter("ana", subject).unwrap()).into();
        for _ in 0..2 {
            let two: Vec<_> = turns.iter_mut().filter_map(runs).collect();
            assert_eq!(two.len(), 2);
        }
    }

    #[test]
    fn an_agent_has_two_at_a_time_and_other_agents_have_theirs() {
        let searches = Searches::default();
        let mut of_ana: Vec<_> =
            (0..5).map(|nth| searches.enter("ana", of(&format!("s-{nth}"), "c-1")).unwrap()).collect();
        let running: Vec<_> = of_ana.iter_mut().map(runs).collect();
        assert_eq!(running.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false, false, false]);
        assert!(runs(&mut searches.enter("ben", of("s-9", "c-1")).unwrap()).is_some());
        drop(running);
        let next: Vec<_> = of_ana.iter_mut().map(runs).collect();
        assert_eq!(next.iter().map(Option::is_some).collect::<Vec<_>>(), [false, false, true, true, false]);
    }

    #[test]
    fn what_waits_is_bounded_for_a_session_and_for_an_agent() {
        let searches = Searches::default();
        let _running: Vec<_> = (0..2).map(|nth| searches.enter("ana", of("s-0", &nth.to_string()))).collect();
        let mut waiting = Vec::new();
        for session in 1.. {
            let entered: Vec<_> = (0..20)
                .map_while(|nth| searches.enter("ana", of(&format!("s-{session}"), &nth.to_string())).ok())
                .collect();
            assert!(entered.len() <= WAITING_PER_SESSION_MAX);
            if entered.is_empty() {
                break;
            }
            waiting.extend(entered);
        }
        assert_eq!(waiting.len(), WAITING_PER_AGENT_MAX);
        assert_eq!(searches.enter("ana", of("s-new", "c-1")).err(), Some(TooMany));
        assert!(searches.enter("ana", of("s-1", "0")).is_ok(), "in the place of one that waits");
    }

    #[test]
    fn a_search_of_a_client_that_has_gone_makes_room_for_the_next() {
        let searches = Searches::default();
        let mut turns: Vec<_> = (0..6).map(|nth| searches.enter("ana", of("s-1", &nth.to_string())).unwrap()).collect();
        let mut last = turns.pop().unwrap();
        let running: Vec<_> = turns.iter_mut().filter_map(runs).collect();
        drop(turns);
        assert!(runs(&mut last).is_none());
        drop(running);
        assert!(runs(&mut last).is_some());
    }
}
