// The layouts and views of the same interactions (S08–S13).
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { interaction, JOURNEY, pop, timeline } from "./fixtures.mjs";
import { open, reads, stopBrowser, until } from "./harness.mjs";

after(stopBrowser);

const lying = (page) => page.locator(".timeline.horizontal");
const standing = (page) => page.locator(".timeline.vertical");
const table = (page) => page.getByRole("table");

test("s08_the_horizontal_layout_switches_between_timeline_and_grid", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await lying(page).waitFor();
  await page.getByRole("button", { name: "Grid" }).click();
  await table(page).waitFor();
  await reads(() => lying(page).count(), 0);
  await page.getByRole("button", { name: "Timeline" }).click();
  await lying(page).waitFor();
});

test("s09_each_entry_has_date_time_and_mode_for_all_campaigns", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  const day = page.locator('.day[data-date="2026-11-18"]');
  await reads(() => day.locator("h3").innerText(), "Wed, 18 Nov 2026");
  const entry = day.locator("[data-id=i-08]");
  await reads(() => entry.locator("time").innerText(), "09:05");
  await reads(() => entry.locator(".mode-name").innerText(), "Home");
  // Summer time: 14 August, 11:00 UTC, is noon in Lisbon.
  await reads(() => page.locator("[data-id=i-04] time").innerText(), "12:00");
  await reads(() => page.locator(".entry").count(), JOURNEY.length);
});

test("s10_the_newest_is_at_the_right_and_older_ones_are_reached_by_scrolling_left", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  const box = (date) => page.locator(`.day[data-date="${date}"]`).boundingBox();
  await page.locator(".day").first().waitFor();
  const [newest, second, oldest] = [
    await box("2026-11-18"),
    await box("2026-11-05"),
    await box("2025-12-03"),
  ];
  assert.ok(newest.x > second.x && second.x > oldest.x, "time runs from left to right");
  assert.ok(newest.x + newest.width <= 1280, "the newest is in view on arrival");
  assert.ok(oldest.x < 0, "the oldest is not");
  await lying(page).hover();
  await page.mouse.wheel(-4000, 0);
  await until(async () => (await box("2025-12-03")).x >= 0, "the oldest comes into view");
});

test("s11_one_snapshot_for_each_date_holds_all_interactions_of_it", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  const days = () =>
    page
      .locator(".day")
      .evaluateAll((all) => all.map((day) => [day.dataset.date, day.querySelectorAll(".entry").length]));
  await reads(days, [
    ["2026-11-18", 3],
    ["2026-11-05", 2],
    ["2026-08-14", 1],
    ["2026-06-02", 1],
    ["2026-03-11", 1],
    ["2025-12-03", 1],
  ]);
});

test("s12_a_narrow_panel_shows_the_vertical_timeline_and_widened_the_grid", async (t) => {
  const { page } = await open(t, { frames: [pop()], width: 420 });
  await standing(page).waitFor();
  const [newest, next] = [page.locator(".day").nth(0), page.locator(".day").nth(1)];
  assert.ok((await newest.boundingBox()).y < (await next.boundingBox()).y, "the newest is at the top");
  await page.setViewportSize({ width: 1280, height: 760 });
  await table(page).waitFor();
  await reads(() => standing(page).count(), 0);
  await page.setViewportSize({ width: 420, height: 760 });
  await standing(page).waitFor();
});

test("s12_the_layout_attribute_decides_where_the_width_would_not", async (t) => {
  const { page } = await open(t, { frames: [pop()], attributes: { layout: "vertical" } });
  await table(page).waitFor();
  await page.evaluate(() => document.querySelector("customer-journey").setAttribute("layout", "horizontal"));
  await page.setViewportSize({ width: 420, height: 760 });
  await table(page).waitFor();
});

test("s12_nothing_is_wider_than_a_panel_of_320_pixels", async (t) => {
  const { page } = await open(t, { frames: [pop()], width: 320 });
  await standing(page).waitFor();
  const widths = await page
    .locator(".journey, .glance, .brief, .toolbar, .vertical .days")
    .evaluateAll((all) => all.map((one) => one.scrollWidth));
  assert.ok(Math.max(...widths) <= 320, `widest: ${Math.max(...widths)}`);
});

test("s12_what_is_too_long_for_a_line_is_cut_inside_its_card", async (t) => {
  const long = "More words than any card has room for on a line of its own";
  const one = interaction("i-1", "2026-11-18T10:00:00Z", {
    outcome: { code: "long", label: long },
    campaign: { id: "long", name: long },
    comments: `${long}. ${long}. ${long}.`,
  });
  for (const width of [1280, 320]) {
    const { page } = await open(t, { frames: [pop({ timeline: timeline([one]) })], width });
    const right = async (selector) => {
      const { x, width } = await page.locator(selector).boundingBox();
      return x + width;
    };
    await page.locator("[data-id=i-1]").waitFor();
    assert.equal(
      (await right(".entry")) + 1,
      await right(".entries"),
      "but for its border the card is the entry",
    );
    assert.ok((await right(".entry-text")) < (await right(".entry")));
    const shows = await page.locator(".entry-text").evaluate((text) => getComputedStyle(text).textOverflow);
    assert.equal(shows, "ellipsis");
  }
});

test("s12_a_low_panel_keeps_room_for_the_timeline", async (t) => {
  const { page } = await open(t, { frames: [pop()], width: 320, height: 420 });
  const entry = page.locator("[data-id=i-09]");
  await entry.scrollIntoViewIfNeeded();
  const box = await page.locator(".content").boundingBox();
  assert.ok(box.height >= 200, `${box.height} px`);
  await entry.click();
  await page.getByRole("dialog").waitFor();
});

test("s13_the_grid_sorts_by_any_column_and_says_how", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await page.getByRole("button", { name: "Grid" }).click();
  const first = () => page.locator("tbody tr").first().getAttribute("data-id");
  const heading = (name) => page.getByRole("columnheader", { name });
  await reads(() => page.locator("tbody tr").count(), JOURNEY.length);
  await reads(() => heading("Date and time").getAttribute("aria-sort"), "descending");
  await reads(() => first(), "i-09");
  await page.getByRole("button", { name: "Date and time" }).click();
  await reads(() => heading("Date and time").getAttribute("aria-sort"), "ascending");
  await reads(() => first(), "i-01");
  await page.getByRole("button", { name: "Outcome" }).click();
  await reads(() => heading("Outcome").getAttribute("aria-sort"), "ascending");
  await reads(() => heading("Date and time").getAttribute("aria-sort"), "none");
  const outcomes = await page.locator("td.cell-outcome").allInnerTexts();
  assert.match(outcomes[0], /Accepted/);
  assert.deepEqual(outcomes.slice(-2), ["No outcome", "No outcome"]);
});

test("s13_scores_sort_as_numbers_and_absent_ones_come_last", async (t) => {
  const scored = [9, 100, undefined, 20.5].map((currentScore, n) =>
    interaction(`s-${n}`, `2026-11-1${8 - n}T10:00:00Z`, { currentScore }),
  );
  const { page } = await open(t, { frames: [pop({ timeline: timeline(scored) })] });
  await page.getByRole("button", { name: "Grid" }).click();
  await page.getByRole("button", { name: "Score" }).click();
  await page.getByRole("button", { name: "Score" }).click();
  await reads(() => page.locator("td.cell-score").allInnerTexts(), ["9", "20.5", "100", ""]);
});
