// Every state of the gallery: it shows what it is for, axe-core finds nothing in it, light and dark, and it holds at
// 200 % and 400 % zoom.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { violations } from "./axe.mjs";
import { galleryStates, openState, SHOWN } from "./gallery.mjs";
import { reads, startBrowser, startService, stopBrowser } from "./harness.mjs";

const browser = await startBrowser();
const service = await startService();
const states = await galleryStates(browser, service);

after(async () => {
  await stopBrowser();
  service.stop();
});

/** Dark differs from light in its colours alone. */
const COLORS_ALONE = { runOnly: ["color-contrast"] };
/** The narrowest page that must not scroll sideways: 1,280 pixels at 400 % (WCAG 1.4.10). */
const NARROWEST = 320;

test("the_gallery_has_every_state_that_is_known_and_no_other", () => {
  assert.deepEqual(states.map(({ id }) => id).sort(), Object.keys(SHOWN).sort());
});

test("axe_finds_nothing_in_the_page_around_the_states", async (t) => {
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(`${service.url}/widget/gallery`);
  await page.locator("[data-state]").first().waitFor();
  assert.deepEqual(await violations(page, { iframes: false }), []);
});

for (const state of states) {
  test(`the_state_${state.id}_is_accessible_light_dark_and_at_any_zoom`, async (t) => {
    const page = await openState(browser, service, state, { reducedMotion: "reduce" });
    t.after(() => page.context().close());
    const light = await violations(page);
    await page.emulateMedia({ colorScheme: "dark" });
    assert.deepEqual({ light, dark: await violations(page, COLORS_ALONE) }, { light: [], dark: [] });
    for (const zoom of [2, 4]) {
      const width = Math.max(NARROWEST, Math.round(state.width / zoom));
      await page.setViewportSize({ width, height: Math.round(state.height / zoom) });
      await reads(() => page.evaluate(beyondThePage), [], `at ${zoom}00 %`);
    }
  });
}

// Axe-core reads the colours of the style sheets, which forced colours replace: here the marks are looked at.
for (const [id, chosen, other] of [
  ["several-calls", "[role=tab][aria-selected=true]", "[role=tab][aria-selected=false]"],
  ["several-contacts", ".chip[aria-pressed=true]", ".chip[aria-pressed=false]"],
  ["timeline", ".view-switch [aria-pressed=true]", ".view-switch [aria-pressed=false]"],
  ["drop-down", "[role=option].active", "[role=option]:not(.active)"],
]) {
  test(`in_forced_colours_what_is_chosen_is_seen_in_the_state_${id}`, async (t) => {
    const state = states.find((one) => one.id === id);
    const page = await openState(browser, service, state, { forcedColors: "active" });
    t.after(() => page.context().close());
    const frame = (selector) =>
      page
        .locator(selector)
        .first()
        .evaluate((element) => {
          const { borderTop, outline } = getComputedStyle(element);
          return `${borderTop}, ${outline}`;
        });
    assert.notEqual(await frame(chosen), await frame(other));
  });
}

/** In the page: what stands out of it at a side, and is in no scroller that would bring it into view. */
function beyondThePage() {
  const root = document.querySelector("customer-journey").shadowRoot;
  const scrolls = (element) => element.closest(".timeline, .grid-scroll, .tabs, [role=listbox]") !== null;
  const isBeyond = (element) => {
    const { left, right, width } = element.getBoundingClientRect();
    return width > 0 && (left < -1 || right > innerWidth + 1);
  };
  const beyond = [...root.querySelectorAll("button, input, h2, h3, p, dt, dd, .chip")].filter(
    (element) => !scrolls(element) && !element.matches(".visually-hidden") && isBeyond(element),
  );
  const page = document.documentElement.scrollWidth > innerWidth ? ["the page scrolls sideways"] : [];
  return [...page, ...beyond.map((element) => element.outerHTML.slice(0, 160))];
}
