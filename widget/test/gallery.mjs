// The gallery as tests and pictures use it: which states it has, and one of them alone, once it shows what it is for.
import { NOW, ZONE } from "./fixtures.mjs";
import { PATIENCE_MS } from "./harness.mjs";

const PATH = "/widget/gallery";

/** What each state must show, as a selector of Playwright's: in the element, whatever its shadow root. */
export const SHOWN = {
  timeline: ".timeline.horizontal .day:nth-child(5) .entry",
  grid: "table tbody tr:nth-child(20)",
  narrow: ".timeline.vertical .day:nth-child(5) .entry",
  small: ".timeline.vertical .entry",
  one: ".day:only-child .entry",
  empty: ".blank >> text=No earlier contact",
  many: '.result-count >> text="500 interactions"',
  "many-rows": "table tbody tr >> nth=499",
  vast: '.result-count >> text="20 of 20,000+ interactions"',
  "vast-narrow": '.older >> text="19,980+ older interactions are not loaded"',
  "further-back": '.older button >> text="Look further back"',
  "one-moment": '.result-count >> text="200 of 1,200 interactions"',
  switchboard: '.candidates >> text="and 9,980 more"',
  "switchboard-narrow": '.candidates >> text="and 9,980 more"',
  "more-campaigns": '[role=option].no-match >> text="and 12 more"',
  part: '.result-count >> text="20 of 812 interactions"',
  "several-contacts": ".candidates .chip[aria-pressed] >> nth=2",
  "several-calls": "[role=tab]:nth-child(2)",
  "live-update": "[data-id=live-2] >> text=please send me the conditions",
  news: ".news button",
  "hidden-person": ".hidden-person button",
  kept: ".plain[aria-pressed=true]",
  "wrap-up": "[data-state=wrap_up] .state",
  ended: ".call.is-ended .timeline .entry",
  taken: ".call.is-ended >> text=Taken by another agent",
  details: "dialog[open] >> text=Previous score",
  "details-narrow": "dialog[open] >> text=Channel type",
  "drop-down": "[role=listbox]:not([hidden]) [role=option]:nth-child(5)",
  "nothing-matches": '.blank button >> text="Clear the filters"',
  "search-failed": "[role=alert] >> text=Too much is being asked",
  waiting: ".blank >> text=Ready",
  late: ".blank >> text=Still looking",
  "late-arrived": ".timeline .entry",
  failed: '.blank button >> text="Try again"',
  "missing-source": ".status >> text=did not answer",
  "no-number": ".blank >> text=carries no number",
  offline: ".connection[data-state=waiting]",
  refused: ".blank >> text=Your sign-in has expired",
  masked: ".reveal button >> text=Show number",
  revealed: ".reveal button >> text=Hide number",
  "hidden-fields": ".policy >> text=comments, scores, names",
  "hidden-fields-narrow": ".policy >> text=comments, scores, names",
  "sign-in": ".blank >> text=must know who you are",
  dark: ".timeline.horizontal .entry",
  "dark-grid": "table tbody tr",
  "dark-narrow": ".timeline.vertical .entry",
  light: ".timeline.vertical .entry",
  "host-theme": ".timeline.horizontal .entry",
  "right-to-left": ".timeline.horizontal >> text=الجوال",
  "right-to-left-narrow": ".timeline.vertical >> text=الجوال",
};

/** Every state, as the gallery itself lists them, with the size in pixels that it is shown at. */
export async function galleryStates(browser, service) {
  const page = await browser.newPage({ viewport: { width: 1680, height: 1000 } });
  await page.goto(service.url + PATH);
  await page.locator("[data-state]").first().waitFor();
  const states = await page.locator("[data-state]").evaluateAll((figures) =>
    figures.map((figure) => {
      const { clientWidth: width, clientHeight: height } = figure.querySelector("iframe");
      return { id: figure.dataset.state, width, height };
    }),
  );
  await page.close();
  return states;
}

/** A page with this state and nothing else; `options` are those of a browser context. */
export async function openState(browser, service, { id, width, height }, options = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    locale: "en-GB",
    timezoneId: ZONE,
    colorScheme: "light",
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  await page.clock.install({ time: NOW });
  await page.goto(`${service.url}${PATH}?state=${id}`);
  await page.locator(SHOWN[id]).first().waitFor();
  return page;
}
