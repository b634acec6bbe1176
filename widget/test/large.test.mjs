// More than is sent, counted or listed: people, campaigns, pages, and answers to filters that are kept up to date.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { interaction, JOURNEY, placeBehind, pop, sharedTimeline, timeline } from "./fixtures.mjs";
import { open, reads, stopBrowser, until } from "./harness.mjs";

after(stopBrowser);

const update = (fields, version = 2) => ({ type: "update", version, callId: "c-1", ...fields });
const searches = ({ received }) => received.filter(({ type }) => type === "search");
const shown = (page) => page.locator(".entry").evaluateAll((all) => all.map((entry) => entry.dataset.id));
const search = (page) => page.getByRole("button", { name: "Search" }).first().click();
const choose = async (page, name, label) => {
  await page.getByRole("combobox", { name }).click();
  await page.getByRole("option").filter({ hasText: label }).click();
};
const sms = (id, startedAt) => interaction(id, startedAt, { channel: "sms", mode: "sms" });
const counted = (page) => page.locator(".result-count").innerText();
/** Answers the nth search with the nth of these, and any further one with the last. */
const answering = (...answers) => {
  let asked = 0;
  return (frame, send) => {
    if (frame.type !== "search") return false;
    const answer = answers[Math.min(asked, answers.length - 1)];
    asked += 1;
    send({
      request: frame.request,
      ...(answer.code ? { type: "error", ...answer } : { type: "timeline", timeline: answer }),
    });
    return true;
  };
};

test("people_beyond_those_listed_are_counted_and_theirs_goes_by_their_id", async (t) => {
  const shared = sharedTimeline();
  shared.days[0].interactions[0].contactId = "bm-77";
  const { page, service } = await open(t, {
    frames: [pop({ timeline: { ...shared, moreContacts: 9_980 } })],
  });
  await reads(
    () => page.locator(".candidates .chip-title").innerText(),
    "Which person? 9,982 share this number",
  );
  await reads(
    () => page.locator(".candidates > span:last-child:not(.chip-title)").innerText(),
    "and 9,980 more",
  );
  await reads(() => page.locator("[data-id=h-2] .owner").innerText(), "bm-77");
  await page.getByRole("button", { name: "Grid" }).click();
  await reads(() => page.locator("tr[data-id=h-2] .cell-contact").innerText(), "bm-77");
  service.send(update({ total: 20_000, moreContacts: 19_980, atLeast: true }));
  await reads(
    () => page.locator(".candidates > span:last-child:not(.chip-title)").innerText(),
    "and 19,980+ more",
  );
  await reads(
    () => page.locator(".candidates .chip-title").innerText(),
    "Which person? 19,982+ share this number",
  );
  service.send(update({ total: 3, moreContacts: 0, atLeast: false }, 3));
  await reads(() => page.locator(".candidates > span:last-child:not(.chip-title)").count(), 0);
});

test("one_listed_among_many_is_not_picked_silently", async (t) => {
  const one = timeline();
  const { page } = await open(t, { frames: [pop({ timeline: { ...one, moreContacts: 3 } })] });
  await page.getByText("Which person? 4 share this number").waitFor();
  assert.equal(await page.locator(".contact-name").count(), 0);
  await reads(() => page.locator("[data-id=i-09] .owner").innerText(), "Rita Salgado");
});

test("lower_bounds_are_written_and_announced_as_such", async (t) => {
  const part = timeline(JOURNEY, { total: 20_000, atLeast: true, moreCampaigns: 12 });
  part.contacts = [
    { ...part.contacts[0], interactions: 19_000, atLeast: true },
    { ...part.contacts[0], contactId: "bm-2", name: "Hugo Reis", interactions: 2 },
  ];
  const { page } = await open(t, { frames: [pop({ timeline: part })] });
  await reads(() => counted(page), "9 of 20,000+ interactions");
  await page.getByRole("button", { name: "Everyone 20,000+" }).waitFor();
  await page.getByRole("button", { name: /^Rita Salgado .*19,000\+$/ }).waitFor();
  await page.getByRole("button", { name: /^Hugo Reis .* 2$/ }).waitFor();
  await page.getByText("19,991+ older interactions are not loaded").waitFor({ state: "attached" });
  await page
    .getByRole("status")
    .getByText("20,000+ interactions, last outcome Declined.")
    .waitFor({ state: "attached" });
  await page.getByRole("combobox", { name: "Channel" }).click();
  await page.getByRole("option", { name: "SMS 2+" }).waitFor();
});

test("the_campaigns_beyond_those_listed_are_a_line_that_cannot_be_chosen", async (t) => {
  const { page } = await open(t, { frames: [pop({ timeline: timeline(JOURNEY, { moreCampaigns: 12 }) })] });
  const campaign = page.getByRole("combobox", { name: "Campaign" });
  await campaign.click();
  const line = page.getByRole("option", { name: "and 12 more" });
  await reads(() => line.getAttribute("aria-disabled"), "true");
  await line.click({ force: true });
  await reads(() => campaign.getAttribute("aria-expanded"), "true", "it closes nothing");
  await page.keyboard.press("ArrowUp");
  await reads(
    () => page.locator("[role=option].active .option-label").innerText(),
    "Home loan autumn loan-26",
  );
  await campaign.fill("zzz");
  await page.getByText("Nothing matches").waitFor();
  await line.waitFor();
});

test("a_page_may_be_empty_and_the_way_further_back_stays", async (t) => {
  const bound = { total: 20_000, atLeast: true };
  const at = (day) => ({ before: `2026-0${day}-01T10:00:00Z`, beforeId: `x-${day}` });
  const pages = [
    timeline([], { ...bound, matching: 0, older: at(5) }),
    timeline([], { ...bound, matching: 0, older: at(2) }),
    timeline([sms("far", "2026-01-05T10:00:00Z")], { ...bound, matching: 1, older: null }),
  ];
  const { page, service } = await open(t, {
    frames: [pop({ timeline: timeline(JOURNEY, bound) })],
    script: answering(...pages),
  });
  await choose(page, "Channel", "SMS");
  await search(page);
  const further = page.getByRole("button", { name: "Look further back" });
  await page.getByText("Looked back to 1 May 2026").waitFor();
  await further.click();
  await page.getByText("Looked back to 1 Feb 2026").waitFor();
  await further.click();
  await reads(() => shown(page), ["far"]);
  await reads(() => further.count(), 0);
  assert.deepEqual(
    searches(service).map(({ before, beforeId }) => ({ before, beforeId })),
    [{ before: undefined, beforeId: undefined }, at(5), at(2)],
  );
});

test("an_answer_to_filters_is_kept_up_to_date_at_once_and_by_asking_again", async (t) => {
  const many = Array.from({ length: 30 }, (_, n) =>
    sms(`s-${50 - n}`, `2026-10-${String(30 - n).padStart(2, "0")}T10:00:00Z`),
  );
  const first = timeline(many.slice(0, 20), { total: 90, matching: 60 });
  const second = timeline(many.slice(20), { total: 90, matching: 60 });
  // As the service has it by then: one more that came, and one more still that no update carried.
  const news = [sms("late", "2026-11-20T20:30:00Z"), sms("new", "2026-11-20T20:00:00Z")];
  const fresh = timeline([...news, ...many.slice(1, 19)], { total: 91, matching: 61 });
  const { page, service } = await open(t, {
    frames: [pop({ timeline: timeline(JOURNEY, { total: 90 }) })],
    script: answering(first, second, fresh),
    width: 420,
  });
  await choose(page, "Channel", "SMS");
  await search(page);
  await reads(() => counted(page), "20 of 60 interactions");
  await page.getByRole("button", { name: "Load older ones" }).click();
  await reads(() => counted(page), "30 of 60 interactions");
  await page.locator("[data-id=s-27]").scrollIntoViewIfNeeded();
  const { y } = await page.locator("[data-id=s-27]").boundingBox();
  service.send(update({ interactions: news.slice(1), removed: ["s-50"], total: 90 }));
  await reads(async () => (await shown(page)).slice(0, 2), ["late", "new"]);
  await reads(() => counted(page), "31 of 61 interactions");
  assert.deepEqual(await shown(page).then((ids) => ids.slice(-2)), ["s-22", "s-21"], "older pages stay");
  const moved = (await page.locator("[data-id=s-27]").boundingBox()).y - y;
  assert.ok(Math.abs(moved) <= 1, `what is read stays where it is, moved by ${moved}`);
  assert.equal(searches(service).length, 3);
});

test("many_updates_ask_for_an_answer_once_at_a_time", async (t) => {
  const part = timeline([sms("s-1", "2026-10-01T10:00:00Z")], { total: 90, matching: 60 });
  const { page, service } = await open(t, {
    frames: [pop({ timeline: timeline(JOURNEY, { total: 90 }) })],
    script: answering(part),
  });
  await choose(page, "Channel", "SMS");
  await search(page);
  await reads(() => shown(page), ["s-1"]);
  for (let n = 0; n < 50; n += 1) {
    service.send(update({ interactions: [sms(`n-${n}`, "2026-11-20T20:00:00Z")], total: 91 + n }, n + 2));
  }
  await until(() => searches(service).length === 3, "one search, and one more after it");
  assert.equal(searches(service).length, 3);
});

test("a_search_that_another_took_the_place_of_is_no_error", async (t) => {
  const found = timeline([sms("s-1", "2026-10-01T10:00:00Z")], { total: 9, matching: 1 });
  const replaced = { code: "replaced", text: "A newer search took its place." };
  const { page, service } = await open(t, { frames: [pop()], script: answering(replaced, found) });
  await choose(page, "Channel", "SMS");
  await search(page);
  await reads(() => shown(page), ["s-1"]);
  await reads(() => page.getByRole("alert").count(), 0);
  assert.equal(searches(service).length, 2);
});

test("a_busy_service_is_asked_once_more_and_then_it_is_said", async (t) => {
  const busy = { code: "busy", text: "Too much is being asked for right now; try again." };
  const { page, service } = await open(t, { frames: [pop()], script: answering(busy) });
  await page.locator(".entry").first().waitFor();
  await search(page);
  await page.getByRole("alert").getByText(busy.text).waitFor();
  assert.equal(searches(service).length, 2);
});

test("what_came_while_a_search_was_under_way_is_in_its_answer", async (t) => {
  const stale = timeline([sms("gone", "2026-10-02T10:00:00Z"), sms("s-1", "2026-10-01T10:00:00Z")], {
    matching: 2,
  });
  const script = (frame, send) => {
    if (frame.type !== "search") return false;
    send(update({ interactions: [sms("new", "2026-11-20T20:00:00Z")], removed: ["gone"], total: 9 }));
    send({ type: "timeline", request: frame.request, timeline: stale });
    return true;
  };
  const { page } = await open(t, { frames: [pop()], script });
  await choose(page, "Channel", "SMS");
  await search(page);
  await reads(() => shown(page), ["new", "s-1"]);
  await reads(() => counted(page), "2 interactions");
});

test("a_page_of_one_moment_goes_on_by_id", async (t) => {
  const all = Array.from({ length: 12 }, (_, n) => interaction(`m-${n + 10}`, "2026-11-02T10:00:00Z"));
  const first = timeline(all.slice(0, 6), { total: 12 });
  const { page, service } = await open(t, {
    frames: [pop({ timeline: first })],
    script: answering(timeline(all.slice(6), { total: 12, older: null })),
  });
  await page.getByRole("button", { name: "Load older ones" }).click();
  await reads(
    () => shown(page),
    all.map(({ interactionId }) => interactionId),
  );
  const [{ before, beforeId }] = searches(service);
  assert.deepEqual({ before, beforeId }, placeBehind(all.slice(0, 6)));
});
