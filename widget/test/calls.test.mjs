// Pure: what the frames do to the calls on screen, and what the filters do to a timeline.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ACCEPTED, interaction, JOURNEY, NOW, placeBehind, pop, timeline } from "./fixtures.mjs";
import { source } from "./source.mjs";

const { applyFrame, applySearch, arrivedSince, beginSession, ENDED_CALLS_MAX, keep, lookedAt, showing } =
  await source("calls.ts");
const { channelsWithin, EVERYTHING, periodStart, select } = await source("timeline.ts");
const { mergeInteractions } = await source("merging.ts");
const { frontCall } = await source("desk.ts");
const { backoffMs } = await source("client.ts");
const { phoneGroups } = await source("formats.ts");

const after = (...frames) => frames.reduce(applyFrame, []);
const ids = (entry) => entry.timeline.days.flatMap((day) => day.interactions.map((one) => one.interactionId));
const update = (fields) => ({ type: "update", callId: "c-1", version: 2, digest: "77c0", ...fields });
const ended = (version, callId = "c-1", reason = "ended") => ({ type: "ended", version, callId, reason });
const all = EVERYTHING;
const now = Date.parse(NOW);

test("a_repeated_version_is_applied_once", () => {
  const once = after(pop(), update({ call: { state: "connected" } }));
  const repeated = applyFrame(once, update({ call: { state: "wrap_up" } }));
  assert.equal(repeated, once);
  assert.equal(once[0].call.state, "connected");
  assert.equal(applyFrame(once, pop()), once, "the pop came first and must not come back");
});

test("an_update_changes_adds_and_removes_interactions_and_keeps_the_newest_first", () => {
  const corrected = interaction("i-08", "2026-11-18T09:05:00Z", { outcome: ACCEPTED });
  const added = interaction("i-10", "2026-11-19T08:00:00Z");
  const [entry] = after(pop(), update({ interactions: [corrected, added], removed: ["i-01"], total: 9 }));
  const shown = ids(entry);
  assert.equal(shown[0], "i-10");
  assert.equal(shown.includes("i-01"), false);
  assert.equal(shown.filter((id) => id === "i-08").length, 1);
  assert.equal(
    entry.timeline.days.find(({ date }) => date === "2026-11-18").interactions[1].outcome.code,
    "accepted",
  );
  assert.deepEqual([entry.timeline.total, entry.timeline.shown], [9, 9]);
});

test("the_late_timeline_fills_in_and_clears_what_was_missing", () => {
  const missing = { code: "timeout", text: "Looking." };
  const [entry] = after(pop({ timeline: null, missing }), update({ timeline: timeline() }));
  assert.equal(entry.missing, null);
  assert.equal(entry.timeline.total, JOURNEY.length);
});

test("a_pop_without_a_timeline_takes_none_away", () => {
  const calls = after(
    pop(),
    pop({ version: 2, timeline: null, missing: { code: "timeout", text: "Looking." } }),
  );
  assert.equal(calls[0].timeline.total, JOURNEY.length);
});

test("an_ended_call_stays_marked_however_often_it_is_told", () => {
  const calls = after(pop(), ended(2));
  assert.equal(calls[0].endReason, "ended");
  assert.deepEqual(showing(calls), [{ callId: "c-1", digest: "5f3a", ended: true }]);
  const [again] = applyFrame(calls, ended(3));
  assert.deepEqual([again.version, again.endReason], [3, "ended"]);
});

test("the_end_of_a_call_says_under_which_digest_it_stays_for_the_wrap_up", () => {
  const calls = after(pop(), { ...ended(2), digest: "90ab" });
  assert.deepEqual(showing(beginSession(calls)), [{ callId: "c-1", digest: "90ab", ended: true }]);
});

test("a_pop_of_an_ended_call_shows_it_as_ended", () => {
  assert.equal(after(pop({ call: { state: "ended" } }))[0].endReason, "ended");
  assert.equal(after(pop({ call: { state: "wrap_up" } }))[0].call.state, "wrap_up");
});

test("new_calls_push_the_oldest_ended_ones_out", () => {
  const frames = [];
  for (let n = 0; n <= ENDED_CALLS_MAX; n += 1)
    frames.push(pop({ call: { callId: `c-${n}` } }), ended(2, `c-${n}`));
  const calls = after(...frames, pop({ call: { callId: "new" } }));
  assert.equal(calls.length, ENDED_CALLS_MAX + 1);
  assert.equal(
    calls.some((entry) => entry.call.callId === "c-0"),
    false,
  );
});

test("a_kept_call_is_not_pushed_out", () => {
  let calls = keep(after(pop({ call: { callId: "kept" } }), ended(2, "kept")), "kept", true);
  for (let n = 0; n <= ENDED_CALLS_MAX; n += 1)
    for (const frame of [pop({ call: { callId: `c-${n}` } }), ended(2, `c-${n}`)])
      calls = applyFrame(calls, frame);
  assert.equal(calls.length, ENDED_CALLS_MAX + 1);
  assert.equal(calls.at(-1).call.callId, "kept");
});

test("what_came_or_changed_is_marked_until_it_was_looked_at", () => {
  const before = after(pop());
  const added = interaction("i-10", "2026-11-19T08:00:00Z");
  const corrected = interaction("i-08", "2026-11-18T09:05:00Z", { outcome: ACCEPTED });
  const once = applyFrame(before, update({ interactions: [corrected, added] }));
  assert.deepEqual(
    [...once[0].marks],
    [
      ["i-08", "corrected"],
      ["i-10", "new"],
    ],
  );
  assert.deepEqual(arrivedSince(before[0], once[0]), ["i-10"]);
  const twice = applyFrame(once, update({ version: 3, interactions: [added], removed: ["i-08"] }));
  assert.deepEqual([...twice[0].marks], [["i-10", "new"]]);
  assert.deepEqual(arrivedSince(once[0], twice[0]), []);
  assert.equal(lookedAt(twice, "c-1", "i-10")[0].marks.size, 0);
});

test("s18_a_filter_applied_here_to_a_part_is_never_passed_off_as_all", () => {
  const part = timeline(JOURNEY, { total: 800, shown: JOURNEY.length });
  const shown = select(part, null, { ...all, onlyFailures: true }, now);
  assert.deepEqual([shown.count, shown.matching, shown.older.count], [3, null, 800 - JOURNEY.length]);
});

test("an_update_for_an_unknown_call_is_nothing", () => {
  const calls = after(pop());
  assert.equal(applyFrame(calls, { ...update({}), callId: "c-9" }), calls);
});

test("versions_begin_again_with_a_session_and_the_digest_says_what_is_shown", () => {
  const calls = beginSession(after(pop(), update({ call: { state: "connected" } })));
  assert.deepEqual(showing(calls), [{ callId: "c-1", digest: "77c0" }]);
  assert.equal(applyFrame(calls, ended(1))[0].endReason, "ended");
});

test("the_newest_call_is_in_front_unless_one_was_chosen_or_has_ended", () => {
  const calls = after(pop(), pop({ call: { callId: "c-2" } }));
  assert.equal(frontCall(calls, null).call.callId, "c-2");
  assert.equal(frontCall(calls, "c-1").call.callId, "c-1");
  assert.equal(frontCall(applyFrame(calls, ended(2, "c-2")), null).call.callId, "c-1");
});

test("a_day_is_the_calendar_day_of_the_timelines_zone", () => {
  const late = interaction("i-11", "2026-11-19T03:00:00Z");
  const inNewYork = mergeInteractions(timeline([], { timeZone: "America/New_York" }), [late], []);
  const inLisbon = mergeInteractions(timeline([]), [late], []);
  assert.equal(inNewYork.days[0].date, "2026-11-18");
  assert.equal(inLisbon.days[0].date, "2026-11-19");
});

test("s17_a_period_of_calendar_months_is_clamped_to_the_last_day_of_february", () => {
  const start = (instant, months, zone = "UTC") => periodStart(months, Date.parse(instant), zone);
  assert.equal(start("2026-05-31T12:00:00Z", 3), "2026-02-28");
  assert.equal(start("2028-05-31T12:00:00Z", 3), "2028-02-29");
  assert.equal(start("2026-02-10T12:00:00Z", 3), "2025-11-10");
  assert.equal(start("2026-11-20T23:30:00Z", 12, "Asia/Tokyo"), "2025-11-21");
});

test("s16_campaign_and_channel_narrow_together_and_channels_are_the_campaigns", () => {
  const shown = select(timeline(), null, { ...all, campaign: "cc-2026", channel: "sms" }, now);
  assert.deepEqual(
    shown.days.flatMap((day) => day.interactions.map((one) => one.interactionId)),
    ["i-01"],
  );
  assert.deepEqual(channelsWithin(timeline(), null, "cc-2026"), [
    { channel: "sms", interactions: 1 },
    { channel: "voice", interactions: 2 },
  ]);
});

test("s18_what_was_loaded_in_part_is_never_passed_off_as_all", () => {
  const part = timeline(JOURNEY, { total: 800, shown: JOURNEY.length });
  const untouched = select(part, null, all, now);
  assert.deepEqual(
    [untouched.matching, untouched.older],
    [800, { count: 800 - JOURNEY.length, ...placeBehind(JOURNEY) }],
  );
  const narrowed = select(part, null, { ...all, channel: "sms" }, now);
  assert.deepEqual([narrowed.matching, narrowed.partial], [null, true]);
});

test("s18_a_search_is_shown_for_the_filters_it_answers_and_pages_to_older_ones", () => {
  const filters = { ...all, channel: "sms" };
  const texts = JOURNEY.filter((one) => one.channel === "sms");
  const answer = timeline(texts.slice(0, 1), { total: 9, matching: 2, shown: 1 });
  const searched = applySearch(after(pop()), "c-1", filters, answer);
  const first = select(searched[0].timeline, searched[0].found, filters, now);
  assert.deepEqual(
    [first.count, first.matching, first.older],
    [1, 2, { count: 1, ...placeBehind(texts.slice(0, 1)) }],
  );
  assert.equal(select(searched[0].timeline, searched[0].found, all, now).count, JOURNEY.length);
  const older = timeline(texts.slice(1), { total: 9, matching: 2, older: null });
  const [entry] = applySearch(searched, "c-1", filters, older, answer.older);
  const both = select(entry.timeline, entry.found, filters, now);
  assert.deepEqual([both.count, both.matching, both.older], [2, 2, null]);
});

test("an_interaction_that_no_longer_passes_leaves_the_answer_of_a_search", () => {
  const filters = { ...all, channel: "sms" };
  const texts = JOURNEY.filter((one) => one.channel === "sms");
  const searched = applySearch(after(pop()), "c-1", filters, timeline(texts, { matching: 2 }));
  const moved = { ...texts[0], channel: "chat" };
  const [entry] = applyFrame(searched, update({ interactions: [moved] }));
  assert.equal(entry.found.timeline.shown, 1);
});

test("attempts_to_come_back_double_with_jitter_up_to_a_limit", () => {
  assert.equal(
    backoffMs(0, () => 1),
    500,
  );
  assert.equal(
    backoffMs(0, () => 0),
    250,
  );
  assert.equal(
    backoffMs(3, () => 1),
    4000,
  );
  assert.equal(
    backoffMs(30, () => 1),
    15000,
  );
});

test("a_grouped_number_is_still_the_number", () => {
  for (const number of [
    "+12015550142",
    "+351210000001",
    "+442071838750",
    "+390612345678",
    "1234",
    "a@b.example",
  ]) {
    assert.equal(phoneGroups(number).join(""), number);
  }
  assert.deepEqual(phoneGroups("+12015550142"), ["+1", "201", "555", "0142"]);
});
