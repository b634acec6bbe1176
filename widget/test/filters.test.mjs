// The filters and the Search button (S14–S19).
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { interaction, JOURNEY, pop, timeline } from "./fixtures.mjs";
import { open, reads, stopBrowser, until } from "./harness.mjs";

after(stopBrowser);

const field = (page, name) => page.getByRole("combobox", { name });
const options = (page) => page.getByRole("option");
const shown = (page) => page.locator(".entry").evaluateAll((all) => all.map((entry) => entry.dataset.id));
const choose = async (page, name, label) => {
  await field(page, name).click();
  await options(page).filter({ hasText: label }).click();
};
const search = (page) => page.getByRole("button", { name: "Search" }).first().click();

/** A service that answers searches with `answer(frame)`. */
const answering = (answer) => (frame, send) => {
  if (frame.type !== "search") return false;
  send({ request: frame.request, ...answer(frame) });
  return true;
};
const idsWhere = (keep) => JOURNEY.filter(keep).map(({ interactionId }) => interactionId);

test("s14_one_campaign_shows_the_journey_in_it", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await choose(page, "Campaign", "Crédit card upgrade");
  await reads(
    () => shown(page),
    idsWhere(({ campaign }) => campaign?.id === "cc-2026"),
  );
  await reads(() => page.locator(".result-count").innerText(), "3 interactions");
});

test("s15_one_channel_shows_the_journey_on_it", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await choose(page, "Channel", "SMS");
  await reads(() => shown(page), ["i-07", "i-01"]);
});

test("s16_campaign_and_channel_apply_together", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await choose(page, "Channel", "SMS");
  await choose(page, "Campaign", "Crédit card upgrade");
  await reads(() => shown(page), ["i-01"]);
});

test("s16_only_the_channels_of_the_campaign_are_offered", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await choose(page, "Channel", "Email");
  await choose(page, "Campaign", "Term deposit 2026");
  await reads(() => field(page, "Channel").inputValue(), "All channels", "the campaign has no emails");
  await field(page, "Channel").click();
  await reads(() => options(page).locator(".option-label").allInnerTexts(), ["All channels", "SMS", "Voice"]);
});

test("s17_the_period_is_12_months_and_can_be_3_6_or_9", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await reads(() => field(page, "Period").inputValue(), "12 months");
  await field(page, "Period").click();
  await reads(() => options(page).allInnerTexts(), ["3 months", "6 months", "9 months", "12 months"]);
  await options(page).filter({ hasText: "3 months" }).click();
  await reads(() => shown(page), ["i-09", "i-08", "i-07", "i-05", "i-06"]);
});

test("s18_search_asks_the_service_with_the_filters_and_shows_its_answer", async (t) => {
  const found = interaction("found", "2026-10-01T10:00:00Z", { channel: "sms", mode: "sms" });
  const answer = { type: "timeline", timeline: timeline([found], { total: 10, matching: 1, shown: 1 }) };
  const { page, service } = await open(t, { frames: [pop()], script: answering(() => answer) });
  await choose(page, "Campaign", "Term deposit 2026");
  await choose(page, "Channel", "SMS");
  await choose(page, "Period", "6 months");
  assert.equal(
    service.received.some(({ type }) => type === "search"),
    false,
    "a choice asks nobody",
  );
  await search(page);
  await page.locator("[data-id=found]").waitFor();
  const asked = service.received.find(({ type }) => type === "search");
  assert.deepEqual(asked, {
    type: "search",
    request: 1,
    callId: "c-1",
    campaign: "td-2026",
    channel: "sms",
    months: 6,
  });
  await reads(() => shown(page), ["found"]);
});

test("s18_what_was_not_loaded_is_said_and_older_ones_can_be_loaded", async (t) => {
  const part = timeline(JOURNEY, { total: 10 });
  const older = interaction("older", "2025-11-28T10:00:00Z");
  const answer = { type: "timeline", timeline: timeline([older], { total: 10, matching: 10, older: null }) };
  const { page, service } = await open(t, {
    frames: [pop({ timeline: part })],
    script: answering(() => answer),
  });
  await page.getByText("9 of 10 interactions").waitFor();
  await page.getByText("1 older interaction is not loaded").waitFor();
  await page.getByRole("button", { name: "Load older ones" }).click();
  await page.getByText("10 interactions", { exact: true }).waitFor();
  const { before, beforeId } = service.received.find(({ type }) => type === "search");
  assert.deepEqual([before, beforeId], ["2025-12-03T10:10:00Z", "i-01"]);
  await reads(async () => (await shown(page)).at(-1), "older");
});

test("s18_a_choice_on_what_was_loaded_in_part_says_that_search_asks_for_all", async (t) => {
  const { page } = await open(t, { frames: [pop({ timeline: timeline(JOURNEY, { total: 800 }) })] });
  await choose(page, "Channel", "SMS");
  await page
    .getByText("Loaded so far: the newest 9 of 800 interactions. Search asks the service for all.")
    .waitFor();
});

test("s18_a_longer_period_than_was_loaded_says_that_search_asks_for_it", async (t) => {
  const period = { months: 6, from: "2026-05-20T00:00:00Z", to: "2026-11-20T21:00:00Z" };
  const { page } = await open(t, { frames: [pop({ timeline: timeline(JOURNEY.slice(0, 6), { period }) })] });
  await reads(() => field(page, "Period").inputValue(), "6 months");
  await choose(page, "Period", "12 months");
  await page.getByText("Loaded so far: the last 6 months. Search asks the service for 12 months.").waitFor();
});

test("s18_a_search_that_is_refused_says_why", async (t) => {
  const text = "This number belongs to none of your calls.";
  const script = answering(() => ({ type: "error", code: "forbidden", text }));
  const { page } = await open(t, { frames: [pop()], script });
  await page.locator(".entry").first().waitFor();
  await search(page);
  await page.getByRole("alert").getByText(text).waitFor();
});

test("filters_that_hide_everything_say_which_and_can_be_cleared", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await choose(page, "Campaign", "Home loan autumn");
  await page.getByText("No interaction in campaign Home loan autumn, the last 12 months.").waitFor();
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await until(async () => (await shown(page)).length === JOURNEY.length, "everything is back");
});

test("s19_typing_narrows_the_choices_whatever_the_case_and_the_accents", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await field(page, "Campaign").click();
  await page.keyboard.type("CREDIT");
  await reads(() => options(page).locator(".option-label").allInnerTexts(), ["Crédit card upgrade cc-2026"]);
  await page.keyboard.press("Enter");
  await reads(() => field(page, "Campaign").inputValue(), "Crédit card upgrade");
  await field(page, "Campaign").fill("loan-26");
  await reads(() => options(page).count(), 1, "an id finds its campaign");
  await field(page, "Campaign").fill("zzz");
  await page.getByText("Nothing matches").waitFor();
});

test("s19_the_drop_down_is_a_combobox_for_the_keyboard", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  const channel = field(page, "Channel");
  await channel.focus();
  await reads(() => channel.getAttribute("aria-expanded"), "false");
  await page.keyboard.press("ArrowDown");
  await reads(() => channel.getAttribute("aria-expanded"), "true");
  await page.keyboard.press("ArrowDown");
  const active = await channel.getAttribute("aria-activedescendant");
  await reads(() => page.locator(`#${active}`).getAttribute("role"), "option");
  await page.keyboard.press("Escape");
  await reads(() => channel.getAttribute("aria-expanded"), "false");
  await reads(() => channel.inputValue(), "All channels", "Escape chooses nothing");
});

const more = (page) => page.getByRole("button", { name: /More filters/ }).click();
const failures = (page) => page.getByRole("button", { name: "Only failures" });
const kept = (page) => page.evaluate(() => ({ ...localStorage }));

test("only_failures_shows_the_failures", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await more(page);
  await failures(page).click();
  await reads(() => shown(page), ["i-09", "i-08", "i-01"]);
  await reads(() => failures(page).getAttribute("aria-pressed"), "true");
  await page.getByRole("button", { name: "More filters (1)" }).waitFor();
});

test("agent_outcome_and_direction_narrow_together", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await more(page);
  await choose(page, "Agent", "Duarte Melo");
  await choose(page, "Outcome", "No answer");
  await reads(() => shown(page), ["i-08", "i-01"]);
  await choose(page, "Outcome", "All outcomes");
  await choose(page, "Direction", "Inbound");
  await reads(() => shown(page), ["i-03"]);
});

test("agents_outcomes_and_directions_are_those_within_the_campaign_with_their_counts", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await more(page);
  await choose(page, "Campaign", "Crédit card upgrade");
  await field(page, "Outcome").click();
  const offered = async () => (await options(page).allInnerTexts()).map((text) => text.replace(/\s+/g, " "));
  await reads(offered, ["All outcomes", "Accepted 1", "Weird code 1", "No answer 1"]);
});

test("text_is_looked_for_in_comments_and_outcomes_whatever_the_case", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await more(page);
  await page.getByLabel("Text", { exact: true }).fill("CONDITIONS in");
  await reads(() => shown(page), ["i-06"]);
  await page.getByLabel("Text", { exact: true }).fill("declin");
  await reads(() => shown(page), ["i-09"]);
});

test("what_a_search_found_is_narrowed_further_without_asking_again", async (t) => {
  const found = ["2026-10-01", "2026-10-02"].map((date, n) =>
    interaction(`found-${n}`, `${date}T10:00:00Z`, { outcome: n ? { code: "x", class: "failure" } : null }),
  );
  const answer = {
    type: "timeline",
    timeline: timeline(found.toReversed(), { total: 20, matching: 2, shown: 2 }),
  };
  const { page, service } = await open(t, { frames: [pop()], script: answering(() => answer) });
  await choose(page, "Period", "9 months");
  await search(page);
  await page.locator("[data-id=found-0]").waitFor();
  await more(page);
  await failures(page).click();
  await reads(() => shown(page), ["found-1"]);
  assert.equal(service.received.filter(({ type }) => type === "search").length, 1);
});

test("a_filter_that_alone_hides_everything_is_named_and_can_be_dropped_alone", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await more(page);
  await failures(page).click();
  await choose(page, "Outcome", "Accepted");
  await page.getByText("No interaction in outcome Accepted, only failures, the last 12 months.").waitFor();
  await page.getByRole("button", { name: "Without outcome Accepted: 3" }).waitFor();
  await page.getByRole("button", { name: "Without only failures: 1" }).click();
  await reads(() => shown(page), ["i-04"]);
});

test("filters_are_kept_for_each_agent_from_call_to_call_and_over_a_reload_but_never_what_was_typed", async (t) => {
  const { page, service } = await open(t, { frames: [pop()] });
  await more(page);
  await page.getByLabel("Text", { exact: true }).fill("answer");
  await failures(page).click();
  assert.deepEqual(Object.keys(await kept(page)), ["backstory.filters.ana"]);
  assert.equal((await kept(page))["backstory.filters.ana"].includes("answer"), false);
  service.send(pop({ call: { callId: "c-2" } }));
  service.send({ type: "ended", version: 2, callId: "c-1", reason: "ended" });
  await page.getByRole("tab", { selected: true, name: /Ringing/ }).waitFor();
  await reads(() => shown(page), ["i-08", "i-01"], "the text holds as long as the page");
  await page.evaluate(() => {
    const again = document.querySelector("customer-journey").cloneNode();
    document.querySelector("customer-journey").replaceWith(again);
  });
  await reads(() => shown(page), ["i-09", "i-08", "i-01"]);
});

test("filters_kept_from_another_customer_never_hide_a_whole_journey", async (t) => {
  const calm = JOURNEY.filter(({ outcome }) => outcome?.class !== "failure");
  const { page, service } = await open(t, { frames: [pop()] });
  await more(page);
  await failures(page).click();
  await page.getByRole("button", { name: "More filters (1)" }).waitFor();
  service.send({ type: "ended", version: 2, callId: "c-1", reason: "ended" });
  service.send(pop({ call: { callId: "c-2" }, timeline: timeline(calm) }));
  await reads(async () => (await shown(page)).length, calm.length);
});

test("where_the_browser_denies_its_storage_filters_work_all_the_same", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await page.evaluate(() => {
    Storage.prototype.setItem = () => {
      throw new DOMException("denied", "SecurityError");
    };
  });
  await choose(page, "Channel", "SMS");
  await reads(() => shown(page), ["i-07", "i-01"]);
});
