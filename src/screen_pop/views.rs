//! 4 prepare: one timeline for each view among the sessions, encoded once.

use std::borrow::Cow;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{Way, missing};
use crate::journey::sources::Known;
use crate::journey::timeline::{self, Ask, Timeline};
use crate::journey::{Interaction, Journey, Keep, SourceState};
use crate::policy::Fields;
use crate::push::MissingCode;
use crate::push::open_calls::CallKey;
use crate::push::prepared::{Kept, Prepared};
use crate::push::session::Session;

/// What sessions have in common that see the same.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct View {
    pub time_zone: Tz,
    pub fields: Fields,
}

impl View {
    pub fn of(session: &Session) -> Self {
        Self { time_zone: session.time_zone, fields: session.fields() }
    }
}

/// What is read whole for these sessions: the newest that each of them may see.
pub(super) fn pages(sessions: &[Arc<Session>]) -> Vec<Keep> {
    let mut all: Vec<Fields> = Vec::new();
    for session in sessions {
        let fields = session.fields();
        if !all.contains(&fields) {
            all.push(fields);
        }
    }
    let keep = |fields: Fields| Arc::new(move |one: &Interaction| fields.lets_see(one)) as Keep;
    all.into_iter().map(keep).collect()
}

/// Prepares once for each view among the sessions.
pub(super) fn for_each(
    sessions: &[Arc<Session>],
    prepare: impl Fn(&View) -> Prepared,
    deliver: impl Fn(&Arc<Session>, &Prepared),
) {
    let mut by_view: Vec<(View, Prepared)> = Vec::new();
    for session in sessions {
        let view = View::of(session);
        let nth = by_view.iter().position(|(known, _)| *known == view).unwrap_or_else(|| {
            let prepared = prepare(&view);
            by_view.push((view, prepared));
            by_view.len() - 1
        });
        deliver(session, &by_view[nth].1);
    }
}

/// As [`timeline::prepare`], of what may be seen of a journey: `divided` is without what others see, or the journey itself.
pub(super) fn timeline_of<'s>(
    divided: &'s Journey,
    fields: &Fields,
    sources: Vec<SourceState>,
    ask: &Ask,
) -> (Timeline<Cow<'s, Interaction>>, Vec<Kept>) {
    let timeline = timeline::prepare(divided, sources, ask);
    let page = timeline.interactions().map(|one| Kept::of(one)).collect();
    (fields.shown(divided, timeline), page)
}

impl Way {
    /// What a timeline for a view is made of, encoded.
    pub(super) fn preparer<'a>(
        &self,
        key: &CallKey,
        known: &'a Known,
        seen: u64,
        now: DateTime<Utc>,
    ) -> impl Fn(&View) -> Prepared + use<'a> {
        self.name_campaign(key, known.journey.as_ref());
        let ask = self.default_ask(now);
        move |View { time_zone, fields }: &View| match &known.journey {
            Some(journey) => {
                panic_if_asked(journey);
                let ask = Ask { time_zone: *time_zone, ..ask.clone() };
                let divided = fields.divided(journey);
                let (timeline, page) = timeline_of(&divided, fields, known.sources.clone(), &ask);
                Prepared::of(timeline, &page, &divided, seen, fields.clone())
            }
            None => Prepared::missing(missing(known).unwrap_or(MissingCode::Failed), seen, fields.clone()),
        }
    }
}

/// Where tests let the preparing of a timeline fail; without failpoints, nothing.
fn panic_if_asked(_journey: &Journey) {
    let _asked = |one: &Interaction| one.comments.as_deref() == Some("panics when it is prepared");
    fail::fail_point!("screen_pop::prepare", _journey.interactions.iter().any(_asked), |_| ());
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::auth::{Identity, Scopes};
    use crate::config::{Layers, load_without_kafka};
    use crate::policy::FieldPolicy;

    #[test]
    fn a_timeline_is_prepared_once_for_each_zone_and_field_policy_and_each_session_gets_its_own() {
        let layers = Layers::new(None, &[("policy.number_digits".into(), "4".into())]).unwrap();
        let policy = Arc::new(FieldPolicy::of(&load_without_kafka(&layers).unwrap().policy));
        let session = |scope: &str, zone: Tz| {
            let identity = Identity { scopes: Scopes::of([scope]), ..Identity::unverified("ana".into()) };
            Arc::new(Session::new(identity, zone, 8).under(Arc::clone(&policy)))
        };
        let (zone, other) = (Tz::UTC, Tz::Europe__Lisbon);
        let sessions = [
            session("", zone),
            session("numbers:read", zone),
            session("supervise", zone),
            session("", other),
            session("numbers:read", zone),
        ];
        let (prepared, delivered) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
        let prepare = |view: &View| {
            prepared.borrow_mut().push(view.clone());
            Prepared::missing(MissingCode::Failed, 0, view.fields.clone())
        };
        for_each(&sessions, prepare, |session, prepared| {
            assert_eq!(prepared.outline.fields, session.fields(), "nobody sees by another's eyes");
            delivered.borrow_mut().push(session.id.clone());
        });
        assert_eq!((prepared.into_inner().len(), delivered.into_inner().len()), (3, 5));
    }
}
