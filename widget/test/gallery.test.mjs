// Every state of the gallery: it shows what it is for, axe-core finds nothing in it in any colours, and it holds at
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

const COLORS = {
  light: { colorScheme: "light", forcedColors: "none" },
  dark: { colorScheme: "dark", forcedColors: "none" },
  forced: { colorScheme: "dark", forcedColors: "active" },
};
/** Forced colours are the browser's own, put on after the style that axe-core reads. */
const FORCED = { rules: { "color-contrast": { enabled: false } } };
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
  test(`the_state_${state.id}_is_accessible_in_any_colours_and_at_any_zoom`, async (t) => {
    const page = await openState(browser, service, state, { reducedMotion: "reduce" });
    t.after(() => page.context().close());
    const found = {};
    for (const [name, media] of Object.entries(COLORS)) {
      await page.emulateMedia(media);
      found[name] = await violations(page, name === "forced" ? FORCED : {});
    }
    assert.deepEqual(found, { light: [], dark: [], forced: [] });
    for (const zoom of [2, 4]) {
      const width = Math.max(NARROWEST, Math.round(state.width / zoom));
      await page.setViewportSize({ width, height: Math.round(state.height / zoom) });
      await reads(() => page.evaluate(beyondThePage), [], `at ${zoom}00 %`);
    }
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
