// The page at `/`, and the module as hosts load it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, test } from "node:test";
import { violations } from "./axe.mjs";
import { pop } from "./fixtures.mjs";
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

test("axe_finds_nothing_in_the_page", async (t) => {
  const { page } = await open(t, { path: "/", agents: AGENTS, frames: [pop()] });
  await page.locator(".glance").waitFor();
  assert.deepEqual(await violations(page), []);
});
