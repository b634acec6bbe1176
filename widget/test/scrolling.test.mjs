// A long journey under an agent's wheel (S10, S12, S13).
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { interaction, pop, timeline } from "./fixtures.mjs";
import { wheelFrames } from "./frames.mjs";
import { open, reads, stopBrowser, until } from "./harness.mjs";

after(stopBrowser);

const DAY_MS = 86_400_000;
const NEWEST = Date.parse("2026-11-20T10:00:00Z");
const LONG = timeline(
  Array.from({ length: 100 }, (_, days) =>
    interaction(`l-${days}`, new Date(NEWEST - days * DAY_MS).toISOString()),
  ),
  { total: 101 },
);

const lying = (page) => page.locator(".timeline.horizontal");

for (const [layout, { one, extent, view }] of Object.entries({
  s10_a_long_timeline_is_as_wide: { one: ".day", extent: "scrollWidth" },
  s13_a_long_grid_is_as_high: { one: "tbody tr", extent: "scrollHeight", view: "Grid" },
})) {
  test(`${layout}_from_its_first_picture_on_so_that_a_turning_wheel_is_not_carried_along_or_stopped`, async (t) => {
    const { page, service } = await open(t);
    await page.getByText("Ready", { exact: true }).waitFor();
    await page.clock.pauseAt(new Date("2026-11-20T21:01:00Z"));
    service.send(pop({ timeline: LONG }));
    if (view) await page.getByRole("button", { name: view }).click();
    const drawn = () => page.locator(one).count();
    const size = () =>
      page.locator(".timeline, .grid-scroll").evaluate((scroller, of) => scroller[of], extent);
    await page.locator(one).first().waitFor();
    const first = await size();
    assert.ok((await drawn()) < 20, "most of it is not drawn yet");
    await page.clock.resume();
    await reads(drawn, 100);
    assert.equal(await size(), first);
  });
}

test("s10_what_an_agent_scrolls_to_at_once_is_drawn", async (t) => {
  const { page, service } = await open(t);
  await page.getByText("Ready", { exact: true }).waitFor();
  await page.clock.pauseAt(new Date("2026-11-20T21:01:00Z"));
  service.send(pop({ timeline: LONG }));
  await lying(page).evaluate((one) => one.scrollTo({ left: -one.scrollWidth }));
  await page.clock.resume();
  const oldest = page.locator("[data-id=l-99]");
  await until(() => oldest.isVisible(), "the oldest is drawn");
  const { x } = await oldest.boundingBox();
  assert.ok(x >= 0 && x < 1280, `and in view: ${x}`);
});

for (const [layout, { scroller, delta, width = 1280, view }] of Object.entries({
  s10_the_timeline: { scroller: ".timeline.horizontal", delta: { x: -2000, y: 0 } },
  s12_the_narrow_timeline: { scroller: ".timeline.vertical", delta: { x: 0, y: 2000 }, width: 400 },
  s13_the_grid: { scroller: ".grid-scroll", delta: { x: 0, y: 2000 }, view: "Grid" },
})) {
  test(`${layout}_moves_with_the_wheel_without_waiting_for_the_page`, async (t) => {
    const { page } = await open(t, { frames: [pop({ timeline: LONG })], width });
    if (view) await page.getByRole("button", { name: view }).click();
    await page.locator(scroller).waitFor();
    const devtools = await page.context().newCDPSession(page);
    const frames = await wheelFrames(devtools, await page.locator(scroller).boundingBox(), delta, 4000);
    assert.ok(frames.length > 10, `${frames.length} frames`);
    assert.deepEqual(
      frames.filter(({ mainThread }) => mainThread),
      [],
    );
  });
}
