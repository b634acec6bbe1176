// The main job, end to end: a call event that kcat produced to a real Kafka becomes the customer's timeline in a real
// Chromium, with nothing clicked.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { pictures, startService } from "./service.mjs";

// The widget's package brings Playwright; a package of our own would be a second list of the same.
const { chromium } = createRequire(new URL("../../widget/package.json", import.meta.url))("playwright-core");

const SHOWN_LIMIT_MS = 10_000;
const ours = "+12125550100";
const dayMs = 24 * 60 * 60 * 1000;
const daysAgo = (days) => new Date(Date.now() - days * dayMs).toISOString();

const teresa = {
  contactId: "e2e-1",
  number: "+12015550142",
  campaign: { id: "e2e-autumn", name: "Autumn savings" },
};
const marek = {
  contactId: "e2e-2",
  number: "+12025550143",
  campaign: { id: "e2e-spring", name: "Spring cards" },
};

const contactOf = (customer) => ({
  contactId: customer.contactId,
  addresses: [{ mode: "mobile", address: customer.number }],
  campaign: customer.campaign,
  listedAt: daysAgo(30),
  updatedAt: daysAgo(30),
});

const interactionOf = (customer, outcome) => ({
  interactionId: `${customer.contactId}-01`,
  source: "campaign_manager",
  contactId: customer.contactId,
  address: customer.number,
  campaign: customer.campaign,
  channel: "voice",
  mode: "mobile",
  direction: "outbound",
  startedAt: daysAgo(3),
  endedAt: daysAgo(3),
  outcome,
  agent: { id: "agent-4", name: "Duarte Melo" },
  updatedAt: daysAgo(3),
});

let service;
let browser;
let page;
let frames;

before(async () => {
  service = await startService();
  await service.importFile("contacts.jsonl", [contactOf(teresa), contactOf(marek)]);
  await service.importFile("interactions.jsonl", [
    interactionOf(teresa, { code: "declined", label: "Declined", class: "failure" }),
    interactionOf(marek, { code: "subscribed", label: "Subscribed", class: "success" }),
  ]);
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
});

after(async () => {
  await browser?.close();
  const exit = await service?.stop();
  if (service) assert.equal(exit, 0, `the service did not stop in order:\n${service.output()}`);
});

beforeEach(async () => {
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  frames = [];
  page.on("websocket", (socket) =>
    socket.on("framereceived", ({ payload }) => frames.push(JSON.parse(payload))),
  );
});

afterEach(async (context) => {
  await page.screenshot({ path: join(pictures, `${context.name}.png`) });
  await page.close();
});

/** Opens the agent's desktop and waits until its socket was welcomed; nothing is ever clicked. */
async function agentAt(agent) {
  await page.goto(`${service.url}/?agent=${agent}`);
  await until(() => frames.some((frame) => frame.type === "welcome"), "no welcome frame came");
}

/** Every text a person may read in the element, through all open shadow roots. */
const textOfWidget = () =>
  page.evaluate(() => {
    const isHidden = (node) =>
      node instanceof Element && (node.matches("style, script, template") || !node.checkVisibility());
    const textsOf = (node) => {
      if (node instanceof Text) return [node.data];
      if (isHidden(node)) return [];
      return [...(node.shadowRoot?.childNodes ?? []), ...node.childNodes].flatMap(textsOf);
    };
    const elements = [...document.querySelectorAll("customer-journey")];
    return elements.flatMap(textsOf).join(" ").replace(/\s+/g, " ");
  });

async function widgetShows(...wanted) {
  let text = "";
  await until(
    async () => {
      text = await textOfWidget();
      return wanted.every((part) => part.test(text));
    },
    () => `the widget does not show ${wanted.join(" and ")}, but: ${text}\nframes: ${JSON.stringify(frames)}`,
  );
  return text;
}

/** However its digits are grouped. */
const numberOf = (customer) => new RegExp([...customer.number.slice(2)].join("[^0-9]{0,3}"));

async function until(condition, complaint) {
  const limit = Date.now() + SHOWN_LIMIT_MS;
  while (!(await condition())) {
    if (Date.now() > limit) assert.fail(typeof complaint === "function" ? complaint() : complaint);
    await new Promise((wake) => setTimeout(wake, 20));
  }
}

test("s01_a_call_event_from_kcat_fills_the_widget_by_itself", { timeout: 60_000 }, async (context) => {
  await agentAt("ana");
  assert.doesNotMatch(await textOfWidget(), /Autumn savings/, "nothing is there before the call");
  const produced = Date.now();
  await service.produceCall({
    callId: "e2e-s01",
    state: "offered",
    agentId: "ana",
    direction: "outbound",
    from: ours,
    to: teresa.number,
  });
  const text = await widgetShows(/Autumn savings/, /Declined/, numberOf(teresa));
  context.diagnostic(`kcat started to text in the page: ${Date.now() - produced} ms`);
  assert.doesNotMatch(text, /Spring cards/, "another customer's campaign");
});

for (const direction of ["inbound", "manual_outbound"]) {
  test(`s02_the_customer_of_an_${direction}_call_is_shown`, { timeout: 60_000 }, async () => {
    await agentAt(`bruno-${direction}`);
    const ends =
      direction === "inbound" ? { from: marek.number, to: ours } : { from: ours, to: marek.number };
    await service.produceCall({
      callId: `e2e-s02-${direction}`,
      state: "offered",
      agentId: `bruno-${direction}`,
      direction,
      ...ends,
    });
    const text = await widgetShows(/Spring cards/, /Subscribed/, numberOf(marek));
    assert.doesNotMatch(text, /Autumn savings/, "another customer's campaign");
  });
}

test("s01_an_ended_call_stays_on_screen_and_is_marked", { timeout: 60_000 }, async () => {
  await agentAt("carla");
  const call = {
    callId: "e2e-ended",
    agentId: "carla",
    direction: "outbound",
    from: ours,
    to: teresa.number,
  };
  await service.produceCall({ ...call, state: "offered" });
  await widgetShows(/Autumn savings/);
  assert.doesNotMatch(await textOfWidget(), /\bended\b/i);
  await service.produceCall({ ...call, state: "connected" });
  await service.produceCall({ ...call, state: "ended" });
  await until(
    () => frames.some((frame) => frame.type === "ended" && frame.callId === call.callId),
    "no ended frame came",
  );
  await widgetShows(/\bended\b/i, /Autumn savings/);
});

test("s01_a_page_opened_during_the_call_shows_it_first", { timeout: 60_000 }, async () => {
  await service.produceCall({
    callId: "e2e-late",
    state: "offered",
    agentId: "eva",
    direction: "outbound",
    from: ours,
    to: teresa.number,
  });
  await agentAt("eva");
  await widgetShows(/Autumn savings/, /Declined/);
});

test("a_killed_service_leaves_the_timeline_on_screen_and_one_started_again_is_live_without_a_reload", {
  timeout: 90_000,
}, async (context) => {
  await agentAt("frida");
  const call = {
    callId: "e2e-killed",
    agentId: "frida",
    direction: "outbound",
    from: ours,
    to: teresa.number,
  };
  await service.produceCall({ ...call, state: "offered" });
  await widgetShows(/Autumn savings/, /\bLive\b/);
  await page.evaluate(() => {
    window.pops = 0;
    document.addEventListener("pop", () => {
      window.pops += 1;
    });
  });

  await service.kill();
  await widgetShows(/Offline, trying again/, /Autumn savings/, /Declined/, numberOf(teresa));
  await page.screenshot({ path: join(pictures, `${context.name}-offline.png`) });

  await service.start();
  await widgetShows(/\bLive\b/, /Autumn savings/, /Declined/);
  assert.equal(
    await page.evaluate(() => window.pops),
    0,
    "the same page, and the call is not announced again",
  );
  await service.produceCall({ ...call, state: "connected" });
  await service.produceCall({ ...call, state: "ended" });
  await widgetShows(/\bended\b/i, /Autumn savings/);
});
