// What shows by itself when a call arrives, at a glance (S01–S04, S07), and what happens to it afterwards.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { interaction, JOURNEY, pop, sharedTimeline, timeline } from "./fixtures.mjs";
import { heard, open, reads, stopBrowser, until } from "./harness.mjs";

after(stopBrowser);

const header = (page) => page.locator("header.glance");
const fact = (page, name) => page.locator(`.fact-${name} dd`).first();
const shows = async (locator, pattern) => {
  const words = async () => (await locator.innerText()).replace(/\s+/g, " ");
  await reads(async () => pattern.test(await words()) || words(), true, `says ${pattern}`);
};

test("s01_a_call_fills_the_element_by_itself", async (t) => {
  const { page, service } = await open(t);
  await page.getByText("The next call shows up here by itself.").waitFor();
  service.send(pop());
  await page.getByText("Not interested now.").first().waitFor();
  await reads(() => page.locator(".entry").count(), 9);
  const [event] = await heard(page, "pop");
  assert.equal(event.call.callId, "c-1");
});

test("s01_a_pop_is_announced_politely_and_takes_no_focus", async (t) => {
  const { page, service } = await open(t);
  await page.locator(".connection[data-state=live]").waitFor();
  await page.evaluate(() => {
    const field = document.createElement("input");
    document.body.prepend(field);
    field.focus();
  });
  service.send(pop());
  const spoken = page.locator(".journey > [aria-live=polite]");
  await spoken.getByText("Outbound call, +12015550142. 9 interactions, last outcome Declined.").waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.localName), "input");
});

test("s01_a_call_from_before_is_shown_without_ceremony", async (t) => {
  const { page } = await open(t, { frames: [pop({ announce: false })] });
  await header(page).waitFor();
  await reads(() => page.locator(".journey > [aria-live=polite]").textContent(), "");
});

for (const [direction, label] of [
  ["inbound", "Inbound"],
  ["outbound", "Outbound"],
  ["manual_outbound", "Manual outbound"],
]) {
  test(`s02_an_${direction}_call_says_so`, async (t) => {
    const { page } = await open(t, { frames: [pop({ call: { direction } })] });
    await header(page).getByText(label, { exact: true }).waitFor();
  });
}

test("s03_other_campaigns_that_list_the_number_are_chips", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  const chips = page.locator(".other-campaigns .chip");
  await chips.first().waitFor();
  const texts = (await chips.allInnerTexts()).map((text) => text.replace(/\s+/g, " "));
  assert.deepEqual(texts, ["Crédit card upgrade cc-2026", "Home loan autumn loan-26"]);
});

test("s04_without_data_cloud_an_inbound_call_gets_the_sentence", async (t) => {
  const text = "Inbound calls need Data Cloud.";
  const missing = { code: "inbound_needs_data_cloud", text };
  const { page } = await open(t, {
    frames: [pop({ call: { direction: "inbound" }, timeline: null, missing })],
  });
  await page.getByText(text).waitFor();
  await reads(
    () => page.getByRole("button", { name: "Try again" }).count(),
    0,
    "asking again would not help",
  );
});

test("s07_campaign_number_mode_and_outcome_are_seen_at_a_glance", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await header(page).waitFor();
  await reads(() => page.locator(".number").textContent(), "+12015550142");
  await shows(fact(page, "campaign"), /^Term deposit 2026 ?td-2026$/);
  await shows(fact(page, "mode"), /^Mobile$/);
  await shows(fact(page, "outcome"), /^Declined$/);
  await shows(page.locator(".state"), /^Ringing$/);
});

test("s07_the_brief_says_attempts_failures_last_reached_and_the_signed_score", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await page.locator(".brief").waitFor();
  await shows(fact(page, "last"), /^2 days ago, Voice, Declined$/);
  await shows(fact(page, "attempts"), /^3 in 7 days, 4 in 30$/);
  await shows(fact(page, "failures"), /^2$/);
  await shows(fact(page, "reached"), /^2 days ago on Mobile$/);
  await shows(fact(page, "score"), /^45 \(-5\)$/);
});

test("several_contacts_are_candidates_and_none_is_picked", async (t) => {
  const { page } = await open(t, { frames: [pop({ timeline: sharedTimeline() })] });
  const persons = page.getByRole("group", { name: "Which person?" });
  await persons.getByRole("button", { name: "Everyone 3", pressed: true }).waitFor();
  await reads(() => page.locator(".brief").count(), 0, "a brief would be somebody's");
  await reads(() => page.locator(".owner").allInnerTexts(), ["Rita Salgado", "bm-00043", "Nobody known"]);
  await persons.getByRole("button", { name: /^bm-00043/ }).click();
  await page.locator(".brief").waitFor();
  await reads(() => page.locator(".owner").allInnerTexts(), ["bm-00043"]);
});

test("not_this_person_hides_theirs_names_who_is_left_and_can_be_undone", async (t) => {
  const { page } = await open(t, { frames: [pop({ timeline: sharedTimeline() })] });
  await page.getByRole("button", { name: "Not this person: Rita Salgado" }).click();
  await reads(() => page.locator(".owner").allInnerTexts(), ["bm-00043", "Nobody known"]);
  await page.locator(".brief").waitFor();
  await reads(() => page.locator(".contact-name").innerText(), "bm-00043", "the only one left");
  await page.getByText("Rita Salgado is hidden").waitFor();
  await page.getByRole("button", { name: "Undo" }).click();
  await reads(() => page.locator(".owner").allInnerTexts(), ["Rita Salgado", "bm-00043", "Nobody known"]);
  await reads(() => page.locator(".brief").count(), 0);
});

test("a_source_that_did_not_answer_is_named_with_how_current_the_others_are_and_asked_again", async (t) => {
  const sources = [
    { source: "campaign_manager", asOf: "2026-11-20T10:42:00Z" },
    { source: "data_cloud", asOf: null, missing: { code: "failed", text: "did not answer" } },
  ];
  const { page, service } = await open(t, { frames: [pop({ timeline: timeline(JOURNEY, { sources }) })] });
  const notice = page.locator(".notice");
  await notice.getByText("Data Cloud did not answer; Campaign Manager as of 10:42.").waitFor();
  await notice.getByRole("button", { name: "Try again" }).click();
  await until(() => service.received.some(({ type }) => type === "search"), "the service is asked again");
});

test("s05_the_sources_that_the_administrator_set_up_are_named", async (t) => {
  const sources = [{ source: "data_cloud", asOf: "2026-11-20T20:59:41Z" }];
  const { page } = await open(t, { frames: [pop({ timeline: timeline(JOURNEY, { sources }) })] });
  await reads(() => page.locator(".sources span").allInnerTexts(), ["Data Cloud: as of 20:59"]);
});

test("no_part_of_the_brief_is_longer_than_a_panel_of_320_pixels_in_any_language", async (t) => {
  const { page } = await open(t, { frames: [pop()], width: 320 });
  for (const [lang, last] of [
    ["en", "Last contact"],
    ["de", "Letzter Kontakt"],
    ["pt", "Último contacto"],
    ["ar", "آخر تواصل"],
  ]) {
    await page.evaluate((tag) => document.querySelector("customer-journey").setAttribute("lang", tag), lang);
    await page.locator(".brief").getByText(last).waitFor();
    const lines = await page
      .locator(".brief dd")
      .evaluateAll((all) =>
        all.map((one) =>
          Math.round(
            one.getBoundingClientRect().height / Number.parseFloat(getComputedStyle(one).lineHeight),
          ),
        ),
      );
    assert.deepEqual([...new Set(lines)], [1], `${lang}: lines of each part`);
  }
});

test("an_update_corrects_an_entry_in_place_and_adds_a_new_one", async (t) => {
  const { page, service } = await open(t, { frames: [pop()] });
  await page.locator("[data-id=i-08]").waitFor();
  const corrected = interaction("i-08", "2026-11-18T09:05:00Z", {
    outcome: { code: "x", label: "Corrected" },
  });
  const added = interaction("i-10", "2026-11-20T20:59:00Z", { outcome: { code: "y", label: "Just now" } });
  service.send({
    type: "update",
    version: 2,
    callId: "c-1",
    call: { state: "connected" },
    interactions: [corrected, added],
    total: 10,
  });
  await page.locator("[data-id=i-10]").waitFor();
  await shows(page.locator("[data-id=i-08] .outcome"), /^Corrected$/);
  await shows(page.locator(".state"), /^Connected$/);
  await shows(page.locator(".result-count"), /^10 interactions$/);
});

test("a_late_timeline_fills_in", async (t) => {
  const missing = { code: "timeout", text: "The look-up takes longer than usual." };
  const { page, service } = await open(t, { frames: [pop({ timeline: null, missing })] });
  await page.getByText(missing.text).waitFor();
  service.send({ type: "update", version: 2, callId: "c-1", timeline: timeline() });
  await page.locator(".entry").first().waitFor();
  await reads(() => page.getByText(missing.text).count(), 0);
});

test("a_timeline_on_screen_stays_when_a_later_look_up_fails_and_that_is_said", async (t) => {
  const { page, service } = await open(t, { frames: [pop()] });
  await page.locator(".entry").first().waitFor();
  service.send(
    pop({ version: 2, timeline: null, missing: { code: "failed", text: "The store did not answer." } }),
  );
  await page.getByText("The store did not answer.").waitFor();
  await reads(() => page.locator(".entry").count(), 9);
});

test("an_ended_call_stays_marked_and_the_host_hears_it", async (t) => {
  const { page, service } = await open(t, { frames: [pop()] });
  await header(page).waitFor();
  service.send({ type: "ended", version: 2, callId: "c-1", reason: "taken" });
  await page.getByText("Taken by another agent").waitFor();
  await reads(() => page.locator(".entry").count(), 9);
  await reads(() => heard(page, "call-ended"), [{ callId: "c-1", reason: "taken" }]);
});

test("a_call_in_wrap_up_or_ended_arrives_as_such", async (t) => {
  const { page, service } = await open(t, { frames: [pop({ call: { state: "wrap_up" } })] });
  await shows(page.locator(".state"), /^Wrap-up$/);
  service.send(pop({ version: 2, call: { state: "ended" } }));
  await page.locator(".glance[data-state=ended]").waitFor();
});

test("several_calls_are_tabs_with_the_newest_in_front_until_one_is_chosen", async (t) => {
  const { page, service } = await open(t, {
    frames: [pop(), pop({ call: { callId: "c-2", number: "+351210000001" } })],
  });
  await page.getByRole("tab", { selected: true, name: /\+351210000001/ }).waitFor();
  await page.getByRole("tab", { name: /\+12015550142/ }).click();
  service.send(pop({ call: { callId: "c-3", number: "+351210000003" } }));
  await page.getByRole("tab", { name: /\+351210000003/ }).waitFor();
  await reads(() => page.locator(".number").textContent(), "+12015550142");
  await page.keyboard.press("ArrowLeft");
  await until(
    async () => (await page.locator(".number").textContent()) === "+351210000001",
    "the tab to the left",
  );
});

test("no_earlier_contact_is_said_in_words", async (t) => {
  const { page } = await open(t, { frames: [pop({ timeline: timeline([]) })] });
  await page.getByText("Nothing is recorded with this number in the last 12 months.").waitFor();
});

test("names_the_time_zone_and_how_current_each_source_is", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await page.getByText("Times in Europe/Lisbon (WET)").waitFor();
  await page.getByText("Campaign Manager: as of 20:59").waitFor();
});
