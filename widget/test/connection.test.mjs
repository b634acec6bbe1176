// The connection: hello, acknowledgements, heartbeat, coming back and staying away.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { pop, timeline, welcome, ZONE } from "./fixtures.mjs";
import { heard, open, reads, stopBrowser, until } from "./harness.mjs";

after(stopBrowser);

const of = (service, type) => service.received.filter((frame) => frame.type === type);
const state = (page) => page.locator(".connection").getAttribute("data-state");
const live = (page) => page.locator(".connection[data-state=live]").waitFor();
const closing = (socket, code, reason) => socket.close(code, reason);
const only = (service) => [...service.sockets][0];

test("hello_names_the_agent_and_the_time_zone", async (t) => {
  const { page, service } = await open(t);
  await live(page);
  assert.equal(only(service).protocol, "backstory.v1");
  assert.deepEqual(of(service, "hello"), [{ type: "hello", agent: "ana", timeZone: ZONE, showing: [] }]);
});

test("a_token_is_asked_for_at_every_connect_and_goes_instead_of_the_agent", async (t) => {
  const { page, service } = await open(t, { attributes: { agent: "" } });
  await page.evaluate(() => {
    let asked = 0;
    document.querySelector("customer-journey").getToken = async () => `token-${++asked}`;
  });
  await live(page);
  closing(only(service), 3000, "drain");
  await until(() => of(service, "hello").length === 2, "a second hello");
  assert.deepEqual(
    of(service, "hello").map(({ token }) => token),
    ["token-1", "token-2"],
  );
  assert.equal(of(service, "hello")[0].agent, undefined);
});

test("a_fresh_token_is_given_to_the_open_session", async (t) => {
  const { page, service } = await open(t, { attributes: { agent: "" } });
  const give = (token) =>
    page.evaluate((value) => {
      document.querySelector("customer-journey").token = value;
    }, token);
  await give("first");
  await live(page);
  await give("second");
  await until(() => of(service, "authenticate").length === 1, "authenticate");
  assert.equal(of(service, "authenticate")[0].token, "second");
  assert.equal(service.connects, 1);
});

test("a_pop_is_acknowledged_when_received_and_again_when_painted", async (t) => {
  const { service } = await open(t, { frames: [pop()] });
  await until(() => of(service, "ack").length === 2, "two acknowledgements");
  const [received, rendered] = of(service, "ack");
  assert.deepEqual([received.callId, received.version, received.stage], ["c-1", 1, "received"]);
  assert.equal(rendered.stage, "rendered");
  assert.ok(Number.isInteger(rendered.ms) && rendered.ms >= received.ms);
});

test("a_pop_that_is_sent_again_is_shown_once_and_acknowledged_again", async (t) => {
  const { page, service } = await open(t, { frames: [pop({ announce: true })] });
  await until(() => of(service, "ack").length === 2, "two acknowledgements");
  service.send(pop({ announce: true }));
  await until(() => of(service, "ack").length === 4, "two more acknowledgements");
  assert.deepEqual(
    of(service, "ack").map(({ version, stage }) => `${version} ${stage}`),
    ["1 received", "1 rendered", "1 received", "1 rendered"],
  );
  assert.equal((await heard(page, "pop")).length, 1, "the agent is told once");
  await reads(() => page.locator(".tab").count(), 0, "the same call is not there twice");
});

test("a_ping_without_an_answer_is_a_dead_line_and_another_one_is_made", async (t) => {
  const script = (frame) => frame.type === "ping";
  const { page, service } = await open(t, { script });
  await live(page);
  await page.clock.runFor(26_000);
  await until(() => of(service, "ping").length === 1, "a ping at the heartbeat");
  await reads(() => state(page), "live");
  await page.clock.runFor(11_000);
  await until(() => service.connects === 2, "a new connection");
});

test("a_dead_line_is_noticed_however_short_the_heartbeat", async (t) => {
  const script = (frame, send) => {
    if (frame.type === "hello") send({ ...welcome, heartbeatSeconds: 4 });
    return true;
  };
  const { page, service } = await open(t, { script });
  await live(page);
  await page.clock.runFor(13_000);
  await until(() => of(service, "ping").length === 3, "a ping at each heartbeat");
  await reads(() => state(page), "live");
  await page.clock.runFor(2000);
  await until(() => service.connects === 2, "a new connection");
});

test("a_lost_connection_keeps_the_timeline_says_so_and_comes_back_with_what_it_shows", async (t) => {
  const { page, service } = await open(t, { frames: [pop()] });
  await page.locator(".entry").first().waitFor();
  await page.clock.pauseAt(new Date("2026-11-20T21:01:00Z"));
  only(service).terminate();
  await page.getByText(/Offline, trying again in \d+ s/).waitFor();
  await reads(() => page.locator(".entry").count(), 9);
  await page.clock.runFor(1000);
  await until(() => service.connects === 2, "a new connection");
  await until(() => of(service, "hello").length === 2, "a second hello");
  assert.deepEqual(of(service, "hello")[1].showing, [{ callId: "c-1", digest: "5f3a" }]);
  await live(page);
  await reads(() => page.locator(".tab").count(), 0, "the same call is not there twice");
});

test("a_goodbye_is_followed_at_the_time_it_says", async (t) => {
  const { page, service } = await open(t);
  await live(page);
  await page.clock.pauseAt(new Date("2026-11-20T21:01:00Z"));
  service.send({ type: "goodbye", reason: "drain", comeBackMs: 8000 });
  closing(only(service), 3001, "drain");
  await page.getByText(/Offline, trying again in 8 s/).waitFor();
  await page.clock.runFor(7000);
  assert.equal(service.connects, 1);
  await page.clock.runFor(1500);
  await until(() => service.connects === 2, "back after 8 s");
});

test("close_codes_from_3500_stay_away_and_say_why_until_one_tries_again", async (t) => {
  const text = "The token has expired. Sign in again.";
  const script = (frame, send, socket) => {
    if (frame.type !== "hello") return false;
    send({ type: "error", code: "unauthorized", text });
    closing(socket, 3500, "unauthorized");
    return true;
  };
  const { page, service } = await open(t, { script });
  await page.locator(".connection-text").getByText(text).waitFor();
  await page.clock.runFor(60_000);
  assert.equal(service.connects, 1);
  assert.equal((await heard(page, "connection-change")).at(-1).state, "refused");
  await page.getByRole("button", { name: "Try now" }).click();
  await until(() => service.connects === 2, "trying again");
});

test("unknown_frames_and_fields_are_ignored", async (t) => {
  const { page, service } = await open(t);
  await live(page);
  only(service).send("no JSON");
  service.send({ type: "weather", is: "fine" });
  service.send({ ...pop(), news: { of: "tomorrow" } });
  await page.locator(".entry").first().waitFor();
});

test("a_new_agent_sees_nothing_of_the_last_ones_customers", async (t) => {
  const script = (frame, send) => {
    if (frame.type !== "hello") return false;
    send({ ...welcome, agent: frame.agent });
    if (frame.agent === "ana") send(pop());
    return true;
  };
  const { page, service } = await open(t, { script });
  await page.locator(".entry").first().waitFor();
  await page.evaluate(() => document.querySelector("customer-journey").setAttribute("agent", "bruno"));
  await page.getByText("The next call shows up here by itself.").waitFor();
  assert.deepEqual(of(service, "hello")[1].showing, []);
  await reads(() => page.locator(".entry").count(), 0);
});

test("another_time_zone_begins_a_session_in_it", async (t) => {
  const script = (frame, send) => {
    if (frame.type !== "hello") return false;
    send(welcome);
    send(pop({ timeline: timeline(undefined, { timeZone: frame.timeZone }) }));
    return true;
  };
  const { page } = await open(t, { script, attributes: { "time-zone": "America/New_York" } });
  await page.getByText("Times in America/New_York").waitFor();
  await reads(() => page.locator("[data-id=i-09] time").innerText(), "05:30");
});

test("an_element_that_leaves_the_page_hangs_up_and_one_that_returns_connects", async (t) => {
  const { page, service } = await open(t);
  await live(page);
  await page.evaluate(() => {
    window.kept = document.querySelector("customer-journey");
    window.kept.remove();
  });
  await until(() => service.sockets.size === 0, "hanging up");
  await page.evaluate(() => document.querySelector("main").append(window.kept));
  await until(() => service.connects === 2, "connecting again");
});
