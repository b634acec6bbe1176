// Everything by keyboard: one walk through all that an agent can do, and where the focus is meanwhile.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { call, JOURNEY, pop, sharedTimeline, timeline } from "./fixtures.mjs";
import { open, reads, stopBrowser, until } from "./harness.mjs";

after(stopBrowser);

/** More stops than any state has. */
const STOPS_MAX = 60;

/** What has the focus, inside whatever shadow root, and whether a person can see that it has. */
const focused = (page) =>
  page.evaluate(() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    const label = element.getAttribute("aria-label") ?? element.labels?.[0]?.textContent;
    return {
      name: (label ?? element.textContent).replace(/\s+/g, " ").trim(),
      id: element.dataset.id ?? element.closest("[data-id]")?.dataset.id,
      isSeen: outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2,
    };
  });

/** Presses Tab until something of this name has the focus; on the way, nobody may lose sight of it. */
async function tabTo(page, name, key = "Tab") {
  const passed = [];
  for (let stops = 0; stops < STOPS_MAX; stops += 1) {
    await page.keyboard.press(key);
    const stop = await focused(page);
    assert.ok(stop.isSeen || stop.name === "", `the focus is seen at “${stop.name}”`);
    if (name.test(stop.name)) return stop;
    passed.push(stop.name);
  }
  assert.fail(`no way to ${name} by ${key}; passed ${passed.join(" | ")}`);
}

const press = (page, ...keys) =>
  keys.reduce((done, key) => done.then(() => page.keyboard.press(key)), Promise.resolve());
const dialog = (page) => page.getByRole("dialog");
const resultCount = (page) => page.locator(".result-count").innerText();
const focusedId = async (page) => (await focused(page)).id;

const HOUSEHOLD = pop({ call: { callId: "c-2", number: "+351210000001" }, timeline: sharedTimeline() });

/** The walk, stretch by stretch; each begins where the one before it ended. */
const WALK = {
  "calls are chosen by arrows": async ({ page }) => {
    await tabTo(page, /Ringing/);
    await press(page, "ArrowRight");
    await reads(() => page.locator(".call").getAttribute("data-call"), "c-1");
    await press(page, "ArrowLeft");
    await reads(() => page.locator(".call").getAttribute("data-call"), "c-2");
  },
  "one of several people is picked out": async ({ page }) => {
    await tabTo(page, /^Rita Salgado/);
    await press(page, "Space");
    await reads(() => resultCount(page), "1 interaction");
    await tabTo(page, /^Everyone/, "Shift+Tab");
    await press(page, "Enter");
    await reads(() => resultCount(page), "3 interactions");
  },
  "a filter is opened, narrowed by typing, chosen and left": async ({ page }) => {
    await tabTo(page, /Ringing/, "Shift+Tab");
    await press(page, "ArrowRight");
    await tabTo(page, /^Campaign$/);
    await press(page, "ArrowDown");
    await page.keyboard.type("credit");
    await reads(() => page.getByRole("option").allInnerTexts(), ["Crédit card upgrade cc-2026\n3"]);
    await press(page, "Enter");
    await reads(() => resultCount(page), "3 interactions");
    await tabTo(page, /^Channel$/);
    await press(page, "ArrowDown", "ArrowDown", "Escape");
    await reads(() => resultCount(page), "3 interactions", "Escape chooses nothing");
    await press(page, "ArrowDown", "ArrowDown", "Enter");
    await reads(() => resultCount(page), "1 interaction");
    await tabTo(page, /^Campaign$/, "Shift+Tab");
    await page.keyboard.type("all");
    await press(page, "Enter");
    await reads(() => resultCount(page), "2 interactions");
    await tabTo(page, /^Channel$/);
    await page.keyboard.type("all");
    await press(page, "Enter");
    await reads(() => resultCount(page), "9 interactions");
  },
  "the service is searched": async ({ page, service }) => {
    await tabTo(page, /^Search$/);
    await press(page, "Enter");
    await until(() => service.received.some(({ type }) => type === "search"), "a search");
    const { request } = service.received.find(({ type }) => type === "search");
    service.send({ type: "timeline", request, timeline: timeline() });
  },
  "arrows lead through the timeline, Tab past it": async ({ page }) => {
    await page.locator("[data-id=i-01]").waitFor();
    await tabTo(page, /10:30 Mobile/);
    await press(page, "ArrowDown");
    assert.equal(await focusedId(page), "i-08");
    await press(page, "ArrowLeft");
    assert.equal(await focusedId(page), "i-05", "the day before");
    await press(page, "ArrowRight", "End");
    assert.equal(await focusedId(page), "i-01", "the oldest");
    await press(page, "Home");
    assert.equal(await focusedId(page), "i-09", "the newest");
    await press(page, "Tab");
    assert.equal(await focusedId(page), undefined);
    await press(page, "Shift+Tab");
    assert.equal(await focusedId(page), "i-09");
  },
  "details open, go to the neighbours of the date, and give the focus back": async ({ page }) => {
    await press(page, "ArrowDown", "Enter");
    await dialog(page).waitFor();
    const title = dialog(page).getByRole("heading");
    await reads(() => title.innerText(), "Home, 09:05");
    await tabTo(page, /^Next interaction of this date$/);
    await press(page, "Enter");
    await reads(() => title.innerText(), "Mobile, 10:30");
    await tabTo(page, /^Previous interaction of this date$/, "Shift+Tab");
    await press(page, "Space", "Space");
    await reads(() => title.innerText(), "SMS, 08:15");
    await tabTo(page, /^Close details$/);
    await press(page, "Enter");
    await until(async () => (await dialog(page).count()) === 0, "the pop-up closes");
    await reads(() => focusedId(page), "i-08");
  },
  "the grid sorts, and its rows open by arrow and Enter": async ({ page }) => {
    await tabTo(page, /^Grid$/, "Shift+Tab");
    await press(page, "Enter");
    await tabTo(page, /^Date and time$/);
    await press(page, "Enter");
    await reads(() => page.locator("tbody tr").first().getAttribute("data-id"), "i-01");
    await tabTo(page, /3 Dec 2025/);
    await press(page, "ArrowDown", "ArrowDown", "End", "ArrowUp", "Enter");
    await dialog(page).waitFor();
    await press(page, "Escape");
    await until(async () => (await dialog(page).count()) === 0, "the pop-up closes");
    await reads(() => focusedId(page), "i-08");
  },
  "a call that is over is dismissed": async ({ page, service }) => {
    service.send({ type: "ended", version: 2, callId: "c-2", reason: "ended" });
    await reads(() => page.locator(".call").getAttribute("data-call"), "c-1");
    await tabTo(page, /Ringing/, "Shift+Tab");
    await press(page, "ArrowLeft");
    await tabTo(page, /^Close this call$/);
    await press(page, "Enter");
    await reads(() => page.locator("[role=tab]").count(), 0);
  },
};

test("everything_is_done_with_the_keyboard_alone", async (t) => {
  const { page, service } = await open(t, { frames: [pop(), HOUSEHOLD] });
  await page.locator("[role=tab]").nth(1).waitFor();
  for (const [stretch, walk] of Object.entries(WALK)) await t.test(stretch, () => walk({ page, service }));
});

test("five_hundred_interactions_are_one_stop_on_the_way", async (t) => {
  const many = Array.from({ length: 500 }, (_, n) => ({
    ...JOURNEY[n % JOURNEY.length],
    interactionId: `m-${n}`,
  }));
  const { page } = await open(t, { frames: [pop({ timeline: timeline(many) })] });
  await page.locator(".entry").nth(499).waitFor({ state: "attached" });
  await reads(() => page.locator('.entry[tabindex="0"]').count(), 1);
  await tabTo(page, /^Grid$/);
  await press(page, "Enter");
  await page.getByRole("row").nth(500).waitFor({ state: "attached" });
  await reads(() => page.locator('.cell-button[tabindex="0"]').count(), 1);
});

test("a_pop_is_announced_and_leaves_the_focus_where_the_agent_is", async (t) => {
  const { page, service } = await open(t, { frames: [pop()] });
  await tabTo(page, /^Channel$/);
  service.send(pop({ call: { ...call(), callId: "c-2", number: "+351210000001" } }));
  await page.locator('[role=tab][data-call="c-2"]').waitFor();
  await reads(async () => (await focused(page)).name, "Channel");
  const spoken = page.locator("p[role=status][aria-live=polite].visually-hidden");
  await reads(
    () => spoken.innerText(),
    "Outbound call, +351210000001. 9 interactions, last outcome Declined.",
  );
});

test("from_right_to_left_arrows_go_where_they_point", async (t) => {
  const { page } = await open(t, { frames: [pop()], attributes: { lang: "ar" } });
  await page.getByText("الجوال").first().waitFor();
  await tabTo(page, /10:30|١٠:٣٠/);
  await press(page, "ArrowRight");
  assert.equal(await focusedId(page), "i-05", "the day before stands at the right");
});
