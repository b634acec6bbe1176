// Pure: what comes later, merged into what is loaded. Order, pages, fresh answers, and what is asked for again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { interaction, JOURNEY, NOW, placeBehind, pop, timeline } from "./fixtures.mjs";
import { source } from "./source.mjs";

const { applyFrame, applyFresh, applySearch } = await source("calls.ts");
const { appendOlder, isUnsure, mergeFresh, mergeInteractions, updatedAnswer } = await source("merging.ts");
const { byCodePoint, newestFirst } = await source("order.ts");
const { EVERYTHING, select } = await source("timeline.ts");
const { KeepingUp, PAUSE_MS } = await source("keeping-up.ts");
const { Language } = await source("language.ts");
const { en } = await source("languages/en.ts");

const MOMENT = "2026-03-03T10:00:00Z";
const now = Date.parse(NOW);
const number = (n) => String(n).padStart(3, "0");
/** Interactions of one moment, in their order. */
const ofMoment = (from, to) =>
  Array.from({ length: to - from }, (_, n) => interaction(`m-${number(from + n)}`, MOMENT));
const idsOf = ({ days }) => days.flatMap((day) => day.interactions.map((one) => one.interactionId));
const update = (fields, version = 2) => ({ type: "update", callId: "c-1", version, ...fields });
const texts = JOURNEY.filter(({ channel }) => channel === "sms");
const SMS = { ...EVERYTHING, channel: "sms" };
const sms = (id, startedAt) => interaction(id, startedAt, { channel: "sms", mode: "sms" });

test("of_one_moment_ids_ascend_by_code_point_whatever_the_alphabet", () => {
  // U+FF21 comes before U+1F600, whose UTF-16 units come before it; a locale would put "a" before "B".
  const ids = ["B", "a", "\u00e4", "\uff21", "\u{1f600}", "\u{1f600}x"];
  assert.deepEqual(ids.toReversed().sort(byCodePoint), ids);
  const bytes = ids.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.deepEqual(ids, bytes);
  const merged = mergeInteractions(
    timeline([]),
    ids.toReversed().map((id) => interaction(id, MOMENT)),
    [],
  );
  assert.deepEqual(idsOf(merged), ids);
});

test("times_are_compared_as_times_however_many_digits_they_have", () => {
  const order = [
    ["c", "2026-03-03T10:00:00.101Z"],
    ["a", "2026-03-03T10:00:00.100Z"],
    ["b", "2026-03-03T11:00:00.1+01:00"],
    ["0", "2026-03-03T10:00:00Z"],
    ["1", "2026-03-03T10:00:00.000Z"],
  ].map(([id, startedAt]) => interaction(id, startedAt));
  assert.deepEqual(order.toReversed().sort(newestFirst), order);
  assert.deepEqual(idsOf(mergeInteractions(timeline([]), order.toReversed(), [])), ["c", "a", "b", "0", "1"]);
});

test("pages_that_split_one_moment_lose_and_repeat_nothing", () => {
  const all = ofMoment(0, 25);
  const page = (from) =>
    timeline(all.slice(from, from + 10), {
      total: 25,
      older: from < 15 ? placeBehind(all.slice(0, from + 10)) : null,
    });
  let loaded = page(0);
  for (const from of [10, 20]) loaded = appendOlder(loaded, page(from), loaded.older);
  assert.deepEqual(
    idsOf(loaded),
    all.map(({ interactionId }) => interactionId),
  );
  assert.deepEqual([loaded.shown, loaded.total, loaded.older], [25, 25, null]);
});

test("the_next_page_begins_where_the_last_one_said_and_not_at_the_oldest_loaded", () => {
  const first = timeline(JOURNEY.slice(0, 3), { total: 9 });
  const beyond = interaction("imported", "2025-12-01T10:00:00Z");
  const [entry] = [pop({ timeline: first }), update({ interactions: [beyond], total: 10 })].reduce(
    applyFrame,
    [],
  );
  const { older, count } = select(entry.timeline, null, EVERYTHING, now);
  assert.deepEqual([older, count], [{ ...first.older, count: 6 }, 4]);
});

test("an_empty_page_that_has_an_older_one_leaves_the_way_further_back_and_no_count", () => {
  const first = timeline(texts.slice(0, 1), {
    total: 20_000,
    matching: 30,
    atLeast: true,
    older: placeBehind(texts),
  });
  const further = { before: "2025-12-01T00:00:00Z", beforeId: "x" };
  const empty = timeline([], { total: 20_000, matching: 0, atLeast: true, older: further });
  const searched = applySearch([pop()].reduce(applyFrame, []), "c-1", SMS, first);
  const [entry] = applySearch(searched, "c-1", SMS, empty, first.older);
  const shown = select(entry.timeline, entry.found, SMS, now);
  assert.deepEqual([shown.count, shown.older], [1, { ...further, count: null }]);
});

test("a_page_of_another_question_is_not_taken_for_one_of_the_timeline", () => {
  const part = timeline(JOURNEY, { total: 800 });
  const calls = [pop({ timeline: part })].reduce(applyFrame, []);
  const page = timeline([sms("far", "2025-11-25T10:00:00Z")], { older: null });
  const [entry] = applySearch(calls, "c-1", SMS, page, part.older);
  assert.deepEqual(entry.timeline, part);
});

test("a_page_that_was_asked_for_before_the_timeline_came_anew_closes_no_gap", () => {
  const anew = timeline(JOURNEY.slice(0, 2), { total: 9 });
  const page = timeline(JOURNEY.slice(6), { total: 9, older: null });
  const merged = appendOlder(anew, page, placeBehind(JOURNEY.slice(0, 6)));
  assert.deepEqual([merged.shown, merged.older], [5, anew.older]);
  const again = appendOlder(merged, timeline(JOURNEY.slice(2), { older: null }), merged.older);
  assert.deepEqual([idsOf(again), again.older], [idsOf(timeline()), null]);
});

test("what_was_removed_leaves_the_timeline_its_older_pages_and_the_answer", () => {
  const first = timeline(JOURNEY.slice(0, 4), { total: 9 });
  let calls = [pop({ timeline: first })].reduce(applyFrame, []);
  calls = applySearch(calls, "c-1", EVERYTHING, timeline(JOURNEY.slice(4), { older: null }), first.older);
  calls = applySearch(calls, "c-1", SMS, timeline(texts, { matching: 2 }));
  const [entry] = applyFrame(calls, update({ removed: ["i-09", "i-01"], total: 7 }));
  assert.deepEqual(idsOf(entry.timeline), idsOf(timeline()).slice(1, -1));
  assert.deepEqual([entry.timeline.shown, entry.timeline.total], [7, 7]);
  assert.deepEqual([idsOf(entry.found.timeline), entry.found.timeline.matching], [["i-07"], 1]);
});

test("what_is_new_pushes_nothing_off_the_screen", () => {
  const part = timeline(JOURNEY, { total: 500 });
  const fresh = Array.from({ length: 20 }, (_, n) => interaction(`n-${number(n)}`, "2026-11-20T20:00:00Z"));
  const [entry] = [pop({ timeline: part }), update({ interactions: fresh, total: 520 })].reduce(
    applyFrame,
    [],
  );
  assert.deepEqual(idsOf(entry.timeline).slice(20), idsOf(timeline()));
  assert.deepEqual([entry.timeline.shown, entry.timeline.older], [29, part.older]);
});

test("an_answer_takes_in_what_passes_its_filters_and_its_period_and_nothing_else", () => {
  const filters = { ...SMS, months: 6, onlyFailures: true };
  const answer = timeline(texts.slice(0, 1), {
    matching: 1,
    period: { months: 6, from: "2026-05-20T00:00:00Z", to: NOW },
  });
  const passing = sms("new", "2026-11-20T20:00:00Z");
  const early = sms("early", "2026-05-19T23:59:59Z");
  const call = interaction("call", "2026-11-20T20:00:00Z");
  const after = updatedAnswer(filters, answer, update({ interactions: [passing, early, call] }));
  // What narrows only what is loaded is no question to the service.
  assert.deepEqual([idsOf(after), after.matching], [["new", texts[0].interactionId], 2]);
  const moved = { ...texts[0], channel: "chat" };
  const left = updatedAnswer(filters, after, update({ interactions: [moved] }));
  assert.deepEqual([idsOf(left), left.matching], [["new"], 1]);
});

test("an_answer_has_the_counts_that_come_with_an_update", () => {
  const counts = { total: 20_000, moreContacts: 3, moreCampaigns: 12, atLeast: true };
  const calls = applySearch([pop()].reduce(applyFrame, []), "c-1", SMS, timeline(texts, { matching: 2 }));
  const [entry] = applyFrame(
    calls,
    update({ interactions: [sms("new", "2026-11-20T20:00:00Z")], ...counts }),
  );
  for (const { total, moreContacts, moreCampaigns, atLeast } of [entry.timeline, entry.found.timeline])
    assert.deepEqual({ total, moreContacts, moreCampaigns, atLeast }, counts);
  const none = { total: 9, moreContacts: 0, moreCampaigns: 0, atLeast: false };
  const [less] = applyFrame([entry], update({ removed: ["new"], ...none }, 3));
  assert.deepEqual(
    [less.timeline.total, less.timeline.moreContacts, less.timeline.moreCampaigns, less.timeline.atLeast],
    [9, 0, 0, false],
  );
});

test("only_where_an_answer_is_a_part_or_of_another_period_must_the_service_be_asked", () => {
  const whole = { filters: SMS, timeline: timeline(texts, { matching: 2 }) };
  const part = { filters: SMS, timeline: timeline(texts, { matching: 9 }) };
  const bound = { filters: SMS, timeline: timeline(texts, { matching: 2, atLeast: true }) };
  const shorter = { ...whole, filters: { ...SMS, months: 3 } };
  const news = update({ interactions: [sms("new", NOW)] });
  const asked = (found, frame) => isUnsure(found, timeline(), frame);
  assert.deepEqual(
    [whole, part, bound, shorter].map((found) => asked(found, news)),
    [false, true, true, true],
  );
  assert.equal(asked(part, update({ removed: ["i-01"] })), true);
  assert.equal(asked(part, update({ call: { state: "connected" } })), false);
  assert.equal(asked(whole, update({ timeline: timeline() })), true);
});

test("a_fresh_first_page_keeps_the_older_ones_that_are_loaded_behind_it", () => {
  const loaded = timeline(JOURNEY.slice(0, 7), { matching: 9, total: 9 });
  const added = interaction("new", "2026-11-20T20:00:00Z");
  const page = [added, ...JOURNEY.slice(0, 3).filter(({ interactionId }) => interactionId !== "i-08")];
  const fresh = timeline(page, { matching: 9, total: 9 });
  const merged = mergeFresh(loaded, fresh);
  const expected = ["new", ...idsOf(loaded).filter((id) => id !== "i-08")];
  assert.deepEqual(idsOf(merged), expected, "one is new, one is gone");
  assert.deepEqual([merged.shown, merged.matching, merged.older], [7, 9, loaded.older]);
});

test("a_fresh_first_page_that_reaches_further_back_says_where_the_next_one_begins", () => {
  const fresh = timeline(JOURNEY.slice(0, 7), { matching: 9, total: 9 });
  const merged = mergeFresh(timeline(JOURNEY.slice(0, 3), { matching: 9, total: 9 }), fresh);
  assert.deepEqual([idsOf(merged), merged.older], [idsOf(fresh), fresh.older]);
});

test("a_fresh_first_page_within_one_moment_keeps_what_is_behind_it_in_that_moment", () => {
  const all = ofMoment(0, 30);
  const merged = mergeFresh(timeline(all), timeline(all.slice(0, 10), { total: 30, matching: 30 }));
  assert.deepEqual([idsOf(merged), merged.older], [idsOf(timeline(all)), null]);
  const fewer = mergeFresh(
    timeline(all.slice(0, 12)),
    timeline(all.slice(0, 10), { total: 30, matching: 30 }),
  );
  assert.deepEqual(
    fewer.older,
    placeBehind(all.slice(0, 10)),
    "more are counted than loaded: they can be asked for",
  );
});

test("a_whole_fresh_answer_leaves_nothing_of_the_one_before", () => {
  const loaded = timeline(JOURNEY, { total: 20 });
  assert.deepEqual(
    idsOf(mergeFresh(loaded, timeline(JOURNEY.slice(0, 2)))),
    idsOf(timeline(JOURNEY.slice(0, 2))),
  );
  const calls = applySearch([pop()].reduce(applyFrame, []), "c-1", SMS, timeline(texts, { matching: 9 }));
  const fresh = timeline(texts.slice(0, 1), { matching: 9 });
  const shown = (isWhole) => idsOf(applyFresh(calls, "c-1", SMS, fresh, isWhole)[0].found.timeline);
  assert.deepEqual(shown(true), ["i-07"], "where less may be seen, nothing stays that came before");
  assert.deepEqual(shown(false), ["i-07", "i-01"]);
  assert.equal(
    applyFresh(calls, "c-1", EVERYTHING, fresh, false),
    calls,
    "the agent has chosen otherwise since",
  );
});

test("lower_bounds_are_passed_on_as_such", () => {
  const part = timeline(JOURNEY, { total: 20_000, atLeast: true });
  const shown = select(part, null, EVERYTHING, now);
  assert.deepEqual(
    [shown.matching, shown.atLeast, shown.older.count],
    [20_000, true, 20_000 - JOURNEY.length],
  );
  assert.equal(
    select(timeline(JOURNEY, { atLeast: true }), null, EVERYTHING, now).atLeast,
    undefined,
    "all is loaded",
  );
});

test("a_lower_bound_reads_as_such_in_every_language", () => {
  const english = new Language(new Intl.Locale("en"), en);
  const bound = (atLeast) => english.say("interactions", { count: { atLeast } });
  assert.deepEqual(
    [bound(20_000), bound(1), english.say("interactions", { count: 1 })],
    ["20,000+ interactions", "1+ interactions", "1 interaction"],
  );
  const german = new Language(new Intl.Locale("de"), en);
  assert.equal(german.count({ atLeast: 20_000 }), "20.000+");
});

/** A service that answers when it is let, and a clock that passes when it is told. */
function background({ found = { filters: SMS, timeline: timeline(texts) } } = {}) {
  const log = { asked: [], fresh: [], waits: [], found };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  const keeping = new KeepingUp({
    foundOf: () => log.found,
    ask: () => new Promise((resolve, reject) => log.asked.push({ resolve, reject })),
    onFresh: (_callId, _filters, fresh, isWhole) => log.fresh.push([fresh, isWhole]),
    wait: (ms) => new Promise((resolve) => log.waits.push({ ms, resolve })),
  });
  const then = (happen) => {
    happen();
    return settled();
  };
  const answer = (value) => then(() => log.asked.at(-1).resolve(value));
  const fail = () => then(() => log.asked.at(-1).reject(new Error("busy")));
  const pass = () => then(() => log.waits.at(-1).resolve());
  return { keeping, log, answer, fail, pass };
}

test("of_many_updates_one_search_is_under_way_and_one_more_after_it_and_a_pause", async () => {
  const { keeping, log, answer, pass } = background();
  for (let n = 0; n < 100; n += 1) keeping.want("c-1", false);
  assert.equal(log.asked.length, 1);
  await answer("first");
  for (let n = 0; n < 100; n += 1) keeping.want("c-1", n === 50);
  assert.deepEqual([log.asked.length, log.waits.map(({ ms }) => ms)], [1, [PAUSE_MS]]);
  await pass();
  await answer("second");
  await pass();
  assert.deepEqual(
    [log.asked.length, log.fresh],
    [
      2,
      [
        ["first", false],
        ["second", true],
      ],
    ],
  );
  keeping.want("c-1", false);
  assert.equal(log.asked.length, 3, "it goes on when it is wanted again");
});

test("a_search_in_the_background_that_fails_is_tried_again_after_longer_and_longer", async () => {
  const { keeping, log, fail, answer, pass } = background();
  keeping.want("c-1", true);
  for (let n = 0; n < 6; n += 1) {
    await fail();
    await pass();
  }
  assert.deepEqual(
    log.waits.map(({ ms }) => ms / PAUSE_MS),
    [2, 4, 8, 16, 30, 30],
  );
  await answer("at last");
  assert.deepEqual([log.asked.length, log.fresh], [7, [["at last", true]]]);
});

test("the_background_waits_for_the_agents_own_search_and_ends_with_the_answer_on_screen", async () => {
  const { keeping, log, pass } = background();
  const { found } = log;
  log.found = undefined;
  keeping.want("c-1", false);
  assert.equal(log.asked.length, 0);
  log.found = found;
  await pass();
  assert.equal(log.asked.length, 1);
  const gone = background({ found: null });
  gone.keeping.want("c-1", false);
  await gone.pass();
  assert.deepEqual([gone.log.asked.length, gone.log.waits.length], [0, 1]);
});
