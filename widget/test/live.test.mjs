// What happens while an agent reads: news wait, nothing jumps, corrections are marked, calls keep their place.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { interaction, JOURNEY, pop } from "./fixtures.mjs";
import { heard, open, reads, stopBrowser, until } from "./harness.mjs";

after(stopBrowser);

const ADDED = [
  interaction("i-10", "2026-11-20T20:58:00Z", { channel: "sms", mode: "sms" }),
  interaction("i-11", "2026-11-19T09:00:00Z"),
];
const update = (fields = { interactions: ADDED, total: 11 }) => ({
  type: "update",
  version: 2,
  callId: "c-1",
  ...fields,
});
const chip = (page) => page.locator(".news").getByRole("button", { name: "2 new" });
const present = (page, id) => page.locator(`[data-id=${id}]`).waitFor({ state: "attached" });
const place = async (page, id) => {
  const { x, y } = await page.locator(`[data-id=${id}]`).boundingBox();
  return [Math.round(x), Math.round(y)];
};

const away = {
  the_horizontal_timeline: { selector: ".timeline", by: { left: -200 }, anchor: "i-04" },
  the_vertical_timeline: { selector: ".timeline", by: { top: 260 }, anchor: "i-06", width: 420 },
  the_grid: { selector: ".grid-scroll", by: { top: 120 }, anchor: "i-04", isGrid: true, height: 480 },
};

for (const [where, { selector, by, anchor, isGrid, ...size }] of Object.entries(away)) {
  test(`in_${where}_nothing_jumps_when_news_arrive_and_a_chip_leads_to_them`, async (t) => {
    const { page, service } = await open(t, { frames: [pop()], ...size });
    await page.locator("[data-id=i-09]").waitFor();
    if (isGrid) await page.getByRole("button", { name: "Grid" }).click();
    await page.locator(selector).evaluate((one, options) => one.scrollBy(options), by);
    await page.locator(`[data-id=${anchor}]`).waitFor();
    const before = await place(page, anchor);
    service.send(update());
    await present(page, "i-10");
    assert.deepEqual(await place(page, anchor), before);
    await chip(page).click();
    await reads(() => chip(page).count(), 0);
    const newest = await page.locator("[data-id=i-10]").boundingBox();
    const view = await page.locator(selector).boundingBox();
    assert.ok(newest.x >= view.x && newest.y >= view.y, "the newest is in view");
    assert.ok(newest.x + newest.width <= view.x + view.width + 1, "whole");
  });
}

test("at_the_newest_end_news_are_simply_there_and_marked", async (t) => {
  const { page, service } = await open(t, { frames: [pop()] });
  await page.locator("[data-id=i-09]").waitFor();
  service.send(update());
  await reads(() => page.locator("[data-id=i-10] .mark").innerText(), "New");
  await reads(() => chip(page).count(), 0);
});

test("the_way_back_to_the_newest_takes_the_chip_away", async (t) => {
  const { page, service } = await open(t, { frames: [pop()] });
  await page.locator("[data-id=i-09]").waitFor();
  await page.locator(".timeline").evaluate((one) => one.scrollBy({ left: -700 }));
  service.send(update());
  await chip(page).waitFor();
  await page.locator(".timeline").evaluate((one) => one.scrollTo({ left: 0 }));
  await reads(() => chip(page).count(), 0);
});

test("news_wait_while_details_are_read", async (t) => {
  const { page, service } = await open(t, { frames: [pop()] });
  await page.locator("[data-id=i-09]").click();
  await page.getByRole("dialog").waitFor();
  service.send(update());
  await chip(page).waitFor({ state: "attached" });
  await page.keyboard.press("Escape");
  await reads(() => chip(page).count(), 0, "they are in view now");
});

test("news_that_the_filters_hide_are_announced_and_the_chip_shows_them", async (t) => {
  const { page, service } = await open(t, { frames: [pop()] });
  await page.getByRole("combobox", { name: "Channel" }).click();
  await page.getByRole("option", { name: "Email" }).click();
  service.send(update());
  await chip(page).click();
  await page.locator("[data-id=i-11]").waitFor();
  await reads(() => page.locator(".entry").count(), JOURNEY.length + 2);
});

test("a_corrected_entry_says_so_in_place_until_it_was_looked_at", async (t) => {
  const { page, service } = await open(t, { frames: [pop()] });
  const entry = page.locator("[data-id=i-08]");
  await entry.waitFor();
  const before = await place(page, "i-08");
  service.send(
    update({
      interactions: [{ ...JOURNEY.find(({ interactionId }) => interactionId === "i-08"), outcome: null }],
    }),
  );
  await reads(() => entry.locator(".mark").innerText(), "Corrected");
  assert.deepEqual(await place(page, "i-08"), before);
  await entry.click();
  await page.keyboard.press("Escape");
  await reads(() => entry.locator(".mark").count(), 0);
});

test("a_mark_does_not_move_where_motion_is_unwelcome", async (t) => {
  for (const [reducedMotion, animation] of [
    ["no-preference", "mark"],
    ["reduce", "none"],
  ]) {
    const { page, service } = await open(t, { frames: [pop()], context: { reducedMotion } });
    await page.locator("[data-id=i-09]").waitFor();
    service.send(update());
    const mark = page.locator("[data-id=i-10] .mark");
    await reads(() => mark.evaluate((one) => getComputedStyle(one).animationName), animation);
  }
});

const second = pop({ call: { callId: "c-2", number: "+351210000001" } });

test("a_call_does_not_come_in_front_of_one_that_is_being_read", async (t) => {
  const { page, service } = await open(t, { frames: [pop()] });
  await page.locator("[data-id=i-09]").waitFor();
  await page.locator(".timeline").evaluate((one) => one.scrollBy({ left: -700 }));
  service.send(second);
  await page.getByRole("tab", { name: /\+351210000001/ }).waitFor();
  await reads(() => page.locator(".number").textContent(), "+12015550142");
});

test("news_of_a_call_behind_stand_on_its_tab", async (t) => {
  const { page, service } = await open(t, { frames: [pop(), second] });
  await page.getByRole("tab", { selected: true, name: /\+351210000001/ }).waitFor();
  service.send(update());
  await page.getByRole("tab", { name: /\+12015550142.*2 new/ }).click();
  await reads(() => page.getByRole("tab", { name: /2 new/ }).count(), 0);
});

test("the_host_chooses_the_call_in_front_and_hears_which_one_is", async (t) => {
  const { page } = await open(t, { frames: [pop(), second], attributes: { "active-call": "c-1" } });
  await page.getByRole("tab", { selected: true, name: /\+12015550142/ }).waitFor();
  await page.getByRole("tab", { name: /\+351210000001/ }).click();
  await reads(() => page.locator("customer-journey").getAttribute("active-call"), "c-2");
  await until(
    async () => (await heard(page, "active-call-change")).at(-1)?.callId === "c-2",
    "the host hears it",
  );
  await page.evaluate(() => {
    document.querySelector("customer-journey").activeCall = "c-1";
  });
  await reads(() => page.locator(".number").textContent(), "+12015550142");
});

test("an_ended_call_can_be_kept_and_let_go", async (t) => {
  const { page, service } = await open(t, { frames: [pop(), second] });
  await page.getByRole("tab", { selected: true, name: /\+351210000001/ }).waitFor();
  service.send({ type: "ended", version: 2, callId: "c-2", reason: "ended" });
  await page.getByRole("tab", { name: /\+351210000001/ }).click();
  const keep = page.getByRole("button", { name: "Keep this call" });
  await keep.click();
  await reads(() => keep.getAttribute("aria-pressed"), "true");
  await keep.click();
  await reads(() => keep.getAttribute("aria-pressed"), "false");
});
