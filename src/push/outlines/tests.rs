//! What is counted and indexed of outlines, and what goes.

use super::*;
use crate::policy::Fields;
use crate::push::MissingCode;
use crate::push::prepared::Prepared;

fn key(call_id: &str) -> Arc<CallKey> {
    Arc::new(CallKey { agent_id: "ana".into(), call_id: call_id.into() })
}

fn outline(leads: &[&str]) -> Arc<Outline> {
    let mut outline = Prepared::missing(MissingCode::Failed, 0, Fields::default()).outline.without_items();
    outline.leads = leads.iter().map(SmolStr::new).collect();
    Arc::new(outline)
}

fn touched(leads: &[&str]) -> BTreeSet<String> {
    leads.iter().map(|lead| (*lead).to_owned()).collect()
}

fn bytes(outlines: &Outlines) -> usize {
    outlines.0.lock().bytes
}

#[test]
fn a_call_is_found_by_each_of_its_leads_until_the_last_session_that_shows_it_is_gone() {
    let outlines = Outlines::new(1 << 20, Memory::default());
    let (call, shown) = (key("c-1"), outline(&["+1201", "bm-1"]));
    let (first, second) = (outlines.keep(&call, &shown, false), outlines.keep(&call, &shown, false));
    let once = bytes(&outlines);
    for lead in ["+1201", "bm-1"] {
        assert_eq!(outlines.concerned(&touched(&[lead])), ([Arc::clone(&call)].into(), 1));
    }
    drop(first);
    assert_eq!(
        (outlines.concerned(&touched(&["bm-1"])).0.len(), bytes(&outlines)),
        (1, once),
        "shared ones count once"
    );
    drop(second);
    assert_eq!(outlines.concerned(&touched(&["+1201", "bm-1"])), (BTreeSet::new(), 0));
    let index = outlines.0.lock();
    assert_eq!((index.bytes, index.calls.len(), index.outlines.len(), index.by_lead.len()), (0, 0, 0, 0));
}

#[test]
fn a_call_is_found_by_what_leads_into_it_now_and_not_by_what_did_before() {
    let outlines = Outlines::new(1 << 20, Memory::default());
    let call = key("c-1");
    let mut kept = outlines.keep(&call, &outline(&["+1201", "gone"]), false);
    kept = {
        let newer = outlines.keep(&call, &outline(&["+1201", "new"]), false);
        drop(kept);
        newer
    };
    assert_eq!(outlines.concerned(&touched(&["gone"])).0.len(), 0);
    assert_eq!(outlines.concerned(&touched(&["+1201", "new"])), ([call].into(), 2));
    drop(kept);
}

#[test]
fn however_many_calls_are_shown_only_those_of_the_address_are_looked_at() {
    let outlines = Outlines::new(1 << 30, Memory::default());
    let keep = |nth: usize| outlines.keep(&key(&format!("c-{nth}")), &outline(&[&format!("+{nth}"), "+"]), false);
    let _kept: Vec<Kept> = (0..10_000).map(keep).collect();
    let (found, entries) = outlines.concerned(&touched(&["+77", "nobody's"]));
    assert_eq!((found, entries), ([key("c-77")].into(), 1));
    assert_eq!(outlines.concerned(&touched(&["+"])).1, 10_000, "the answer is as long");
}
