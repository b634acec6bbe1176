// The page for iframes: who may say to it who the agent is, and what it tells the page around it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { pop } from "./fixtures.mjs";
import { open, startService, stopBrowser, until } from "./harness.mjs";

after(stopBrowser);

const of = (service, type) => service.received.filter((frame) => frame.type === type);

/**
 * A desktop on an origin of its own with the page in an iframe. It answers the question who the agent is with
 * `identity`, counting the answers, and keeps what it is told.
 */
async function embed(t, { identity, isAllowed = true, ...options }) {
  const { page, service: desktop } = await open(t, { path: "/outside" });
  const service = await startService({ ...options, embeddedBy: isAllowed ? [desktop.url] : [] });
  t.after(service.stop);
  await page.evaluate(
    ([url, who]) => {
      window.told = [];
      window.answers = 0;
      addEventListener("message", ({ data, source }) => {
        window.told.push(data);
        if (data.type !== "backstory-identity-wanted") return;
        window.answers += 1;
        const fresh = Object.entries(who).map(([name, value]) => [
          name,
          name === "agent" ? value : `${value}-${window.answers}`,
        ]);
        source.postMessage({ type: "backstory-identity", ...Object.fromEntries(fresh) }, "*");
      });
      const frame = document.createElement("iframe");
      frame.src = url;
      document.querySelector("main").append(frame);
    },
    [`${service.url}/widget`, identity],
  );
  return { page, service, frame: page.frameLocator("iframe").first() };
}

test("the_page_around_it_says_who_the_agent_is_and_hears_what_happens", async (t) => {
  const { page, service, frame } = await embed(t, { identity: { agent: "ana" }, frames: [pop()] });
  await frame.locator(".glance").waitFor();
  assert.deepEqual(
    of(service, "hello").map(({ agent }) => agent),
    ["ana"],
  );
  const heard = () =>
    page.evaluate(() =>
      window.told.filter(({ name }) => name === "pop").map(({ detail }) => detail.call.callId),
    );
  await until(async () => (await heard()).length === 1, "the host hears of the call");
  assert.deepEqual(await heard(), ["c-1"]);
});

test("a_fresh_token_is_asked_of_the_page_around_it_at_every_connect", async (t) => {
  const { service, frame } = await embed(t, { identity: { token: "token" } });
  await frame.locator(".connection[data-state=live]").waitFor();
  [...service.sockets][0].close(3000, "drain");
  await until(() => of(service, "hello").length === 2, "a second hello");
  const [first, second] = of(service, "hello").map(({ token }) => token);
  assert.match(first, /^token-\d+$/);
  assert.notEqual(first, second);
});

test("a_ticket_of_the_page_around_it_opens_one_session_and_the_next_is_asked_for", async (t) => {
  const { service, frame } = await embed(t, { identity: { ticket: "ticket" } });
  await frame.locator(".connection[data-state=live]").waitFor();
  [...service.sockets][0].close(3000, "drain");
  await until(() => of(service, "hello").length === 2, "a second hello");
  const [first, second] = of(service, "hello").map(({ ticket }) => ticket);
  assert.match(first, /^ticket-\d+$/);
  assert.match(second, /^ticket-\d+$/);
  assert.notEqual(first, second);
});

/** Has the embedded page mark itself when a message came, after it did with it whatever it does. */
function marksMessages(page) {
  return page.frames()[1].evaluate(() => {
    addEventListener("message", () => document.body.classList.add("told"));
  });
}

test("a_page_of_another_origin_is_not_listened_to", async (t) => {
  const { page, service, frame } = await embed(t, { identity: { agent: "mallory" }, isAllowed: false });
  await until(() => page.evaluate(() => window.answers > 0), "the page was told who the agent is");
  await marksMessages(page);
  await page.evaluate(() => {
    window.frames[0].postMessage({ type: "backstory-identity", agent: "mallory" }, "*");
  });
  await frame.locator("body.told").waitFor();
  await frame.getByText("Nobody is signed in").waitFor();
  assert.equal(service.connects, 0);
});

test("a_window_that_is_not_around_it_is_not_listened_to", async (t) => {
  const { page, service, frame } = await embed(t, { identity: {} });
  await until(() => page.evaluate(() => window.answers > 0), "the page is ready");
  await page.evaluate(() => {
    const sibling = document.createElement("iframe");
    document.querySelector("main").append(sibling);
    sibling.contentWindow.target = window.frames[0];
  });
  await marksMessages(page);
  // The sibling is of the allowed origin, but not the page around.
  await page
    .frames()[2]
    .evaluate(() => window.target.postMessage({ type: "backstory-identity", agent: "mallory" }, "*"));
  await frame.locator("body.told").waitFor();
  await frame.getByText("Nobody is signed in").waitFor();
  assert.equal(service.connects, 0);
});

test("the_address_of_the_page_may_say_agent_theme_and_language", async (t) => {
  const { page, service } = await open(t, { path: "/widget?agent=ana&theme=dark&lang=pt&token=secret" });
  await page.locator(".connection[data-state=live]").waitFor();
  const given = await page.evaluate(() => {
    const { theme, lang, token } = document.querySelector("customer-journey");
    return { theme, lang, token };
  });
  assert.deepEqual(given, { theme: "dark", lang: "pt", token: "" });
  assert.equal(of(service, "hello")[0].agent, "ana");
});
