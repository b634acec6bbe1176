// The page at `/`, the module as hosts load it, and what axe-core finds in the element's states.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, test } from "node:test";
import { pop, sharedTimeline, timeline } from "./fixtures.mjs";
import { open, reads, stopBrowser, until } from "./harness.mjs";

after(stopBrowser);

const AGENTS = [
  { agentId: "ana", openCalls: 1, sessions: 0 },
  { agentId: "bruno", openCalls: 0, sessions: 1 },
];
const helloed = (service) =>
  service.received.filter(({ type }) => type === "hello").map(({ agent }) => agent);

test("s01_the_page_picks_the_first_agent_and_shows_the_call_with_nothing_clicked", async (t) => {
  const { page, service } = await open(t, { path: "/", agents: AGENTS, frames: [pop()] });
  await page.getByText("Not interested now.").first().waitFor();
  assert.deepEqual(helloed(service), ["ana"]);
  await reads(() => page.getByLabel("Agent", { exact: true }).inputValue(), "ana");
});

test("the_page_without_an_agent_says_how_to_send_a_call_and_notices_the_first_one", async (t) => {
  const { page, service } = await open(t, { path: "/", frames: [pop()] });
  await page.getByText("backstory call --agent ana --to +12015550100").first().waitFor();
  service.agents = AGENTS;
  await page.clock.runFor(2500);
  await page.getByText("Not interested now.").first().waitFor();
});

test("the_url_and_the_picker_choose_the_agent", async (t) => {
  const { page, service } = await open(t, { path: "/?agent=carla", agents: AGENTS });
  await until(() => helloed(service).length === 1, "a first hello");
  await page.getByLabel("Agent", { exact: true }).selectOption("bruno");
  await until(() => helloed(service).length === 2, "a second hello");
  await page.getByLabel("Another agent’s id").fill("dora");
  await page.keyboard.press("Enter");
  await until(() => helloed(service).length === 3, "a third hello");
  assert.deepEqual(helloed(service), ["carla", "bruno", "dora"]);
  assert.match(page.url(), /\?agent=dora$/);
});

test("the_page_shows_version_node_and_brokers", async (t) => {
  const { page } = await open(t, { path: "/" });
  await page.getByText("Backstory 0.1.0 · node n-1 · Kafka 127.0.0.1:9092").waitFor();
});

test("s06_the_module_is_one_file_and_loading_it_twice_is_harmless", async (t) => {
  const { page, service } = await open(t, { frames: [pop()] });
  const names = await page.evaluate(async () => {
    const again = await import("/widget/customer-journey.js?again");
    class OwnTag extends again.CustomerJourney {}
    customElements.define("own-tag", OwnTag);
    return Object.keys(again).sort();
  });
  assert.deepEqual(names, ["CustomerJourney", "JourneyClient", "JourneyError"]);
  const source = await readFile(new URL("../dist/customer-journey.js", import.meta.url), "utf8");
  assert.equal(/\bfrom\s*["'`]|\bimport\s*["'`(]/.test(source), false, "nothing else is loaded");
  assert.equal(service.connects, 1);
});

const states = {
  waiting: {},
  timeline: { frames: [pop()] },
  narrow: { frames: [pop()], width: 360 },
  dark: { frames: [pop({ call: { state: "connected" } })], scheme: "dark" },
  candidates_and_tabs: {
    frames: [pop({ call: { callId: "c-0", state: "ended" } }), pop({ timeline: sharedTimeline() })],
  },
  part: { frames: [pop({ timeline: timeline(undefined, { total: 800 }) })] },
  missing: {
    frames: [pop({ timeline: null, missing: { code: "failed", text: "The store did not answer." } })],
  },
  grid: { frames: [pop()], act: (page) => page.getByRole("button", { name: "Grid" }).click() },
  details: { frames: [pop()], act: (page) => page.locator("[data-id=i-09]").click() },
  dropdown: { frames: [pop()], act: (page) => page.getByRole("combobox", { name: "Campaign" }).click() },
  page: { frames: [pop()], path: "/", agents: AGENTS },
};

for (const [state, { act, ...options }] of Object.entries(states)) {
  test(`axe_finds_nothing_in_the_state_${state}`, async (t) => {
    const { page } = await open(t, options);
    await page
      .locator(options.frames ? ".glance" : ".blank")
      .first()
      .waitFor();
    await act?.(page);
    // evaluate() is not subject to the page's Content-Security-Policy; a script tag would be.
    const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    await page.evaluate(`${axe}; undefined`);
    const found = await page.evaluate(() =>
      axe.run(document, {
        rules: { region: { enabled: false }, "page-has-heading-one": { enabled: false } },
      }),
    );
    assert.deepEqual(
      found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`),
      [],
    );
  });
}
