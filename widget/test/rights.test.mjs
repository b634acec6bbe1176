// Who the agent is to the service, and what the agent may see: tokens that end, tickets, masked numbers, hidden fields.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { interaction, NOW, pop, timeline, welcome } from "./fixtures.mjs";
import { heard, open, openAnother, reads, stopBrowser, until } from "./harness.mjs";

after(stopBrowser);

const MASKED = "•••0142";
const WHOLE = "+12015550142";
const of = (service, type) => service.received.filter((frame) => frame.type === type);
const live = (page) => page.locator(".connection[data-state=live]").waitFor();
const inSeconds = (seconds) => new Date(Date.parse(NOW) + seconds * 1000).toISOString();
const only = (service) => [...service.sockets][0];

/** So long that minutes can pass at once: a line is not dead because its answer takes real time. */
const NO_HEARTBEAT = { heartbeatSeconds: 100_000 };

/** A service that says more with its welcome, sends these frames, and answers what `answers` knows. */
const saying =
  (rights, frames = [], answers = () => false) =>
  (frame, send, socket) => {
    if (frame.type !== "hello") return answers(frame, send, socket);
    for (const one of [{ ...welcome, ...NO_HEARTBEAT, ...rights }, ...frames]) send(one);
    return true;
  };

/** The host gives `token-1`, `token-2` and so on, or tickets, or the same token always. */
const giveTokens = (page, kind = "token") =>
  page.evaluate((given) => {
    window.asked = 0;
    document.querySelector("customer-journey").getToken = async () => {
      window.asked += 1;
      if (given === "the same token") return given;
      const one = `${given}-${window.asked}`;
      return given === "ticket" ? { ticket: one } : one;
    };
  }, kind);

const renews = (frame, send) => {
  if (frame.type !== "authenticate") return false;
  send({ type: "authenticated", expiresAt: inSeconds(1000), scopes: [] });
  return true;
};

test("a_fresh_token_is_asked_for_shortly_before_the_old_one_ends_and_given_to_the_open_session", async (t) => {
  const script = saying({ expiresAt: inSeconds(600), scopes: [] }, [], renews);
  const { page, service } = await open(t, { script, attributes: { agent: "" } });
  await page.clock.pauseAt(new Date(inSeconds(5)));
  await giveTokens(page);
  await page.clock.runFor(1000);
  await live(page);
  await page.clock.runFor((600 - 60 - 7) * 1000);
  assert.deepEqual(of(service, "authenticate"), [], "not before the last minute");
  await page.clock.runFor(38_000);
  await until(() => of(service, "authenticate").length === 1, "a fresh token half a minute before the end");
  assert.equal(of(service, "authenticate")[0].token, "token-2");
  await page.clock.runFor(60_000);
  assert.equal(service.connects, 1, "the session goes on");
  assert.equal(of(service, "authenticate").length, 1, "until the fresh one is about to end");
});

test("a_short_token_is_renewed_in_its_last_fifth_by_the_services_clock", async (t) => {
  // The computer's clock is an hour behind.
  const rights = { serverTime: inSeconds(3600), expiresAt: inSeconds(3600 + 40), scopes: [] };
  const { page, service } = await open(t, { script: saying(rights, [], renews), attributes: { agent: "" } });
  await page.clock.pauseAt(new Date(inSeconds(5)));
  await giveTokens(page);
  await page.clock.runFor(1000);
  await live(page);
  await page.clock.runFor(30_000);
  assert.deepEqual(of(service, "authenticate"), []);
  await page.clock.runFor(7000);
  await until(() => of(service, "authenticate").length === 1, "a fresh token");
});

test("the_same_token_again_prolongs_nothing_and_is_not_sent", async (t) => {
  const script = saying({ expiresAt: inSeconds(100), scopes: [] }, [], renews);
  const { page, service } = await open(t, { script, attributes: { agent: "" } });
  await giveTokens(page, "the same token");
  await live(page);
  await page.clock.runFor(99_000);
  await until(() => page.evaluate(() => window.asked > 2), "being asked again");
  service.send(pop());
  await until(() => of(service, "ack").length > 0, "what was sent before has arrived");
  assert.deepEqual(of(service, "authenticate"), []);
});

test("a_session_whose_token_ended_comes_back_with_a_fresh_one_and_keeps_the_timeline", async (t) => {
  const script = saying({ scopes: [] }, [pop()]);
  const { page, service } = await open(t, { script, attributes: { agent: "" } });
  await giveTokens(page);
  await page.locator(".entry").first().waitFor();
  only(service).close(3004, "the token has expired");
  await until(() => of(service, "hello").length === 2, "coming back");
  assert.deepEqual(
    of(service, "hello").map(({ token }) => token),
    ["token-1", "token-2"],
  );
  await live(page);
  await reads(() => page.locator(".entry").count(), 9);
});

test("a_ticket_goes_in_place_of_the_token_and_every_connect_has_its_own", async (t) => {
  const { page, service } = await open(t, { attributes: { agent: "" } });
  await giveTokens(page, "ticket");
  await live(page);
  only(service).close(3000, "drain");
  await until(() => of(service, "hello").length === 2, "coming back");
  assert.deepEqual(
    of(service, "hello").map(({ token, ticket, agent }) => ({ token, ticket, agent })),
    ["ticket-1", "ticket-2"].map((ticket) => ({ token: undefined, ticket, agent: undefined })),
  );
});

const STAYS_AWAY = {
  3506: { en: /Sign in, then/, de: /Melden Sie sich an/, pt: /Inicie sessão e/, ar: /سجّل الدخول ثم/ },
  3507: { en: /does not hold/, de: /gilt nicht/, pt: /não é válida/, ar: /غير صالح/ },
  3508: { en: /another agent/, de: /eines anderen Agenten/, pt: /outro agente/, ar: /لوكيل آخر/ },
};

for (const [code, languages] of Object.entries(STAYS_AWAY)) {
  test(`it_stays_away_after_${code}_and_says_why_in_every_language`, async (t) => {
    const script = (frame, _send, socket) => {
      if (frame.type === "hello") socket.close(Number(code), "a reason for programs");
      return true;
    };
    const { page, service } = await open(t, { script });
    for (const [lang, text] of Object.entries(languages)) {
      await page.evaluate(
        (value) => document.querySelector("customer-journey").setAttribute("lang", value),
        lang,
      );
      await page.locator(".blank p").getByText(text).waitFor();
    }
    await page.clock.runFor(120_000);
    assert.equal(service.connects, 1);
  });
}

const masked = pop({
  call: { number: MASKED },
  timeline: timeline([interaction("m-1", "2026-11-18T10:30:23Z", { address: MASKED })], { number: MASKED }),
});
const reveals = (frame, send) => {
  if (frame.type !== "reveal") return false;
  send({ type: "revealed", request: frame.request, callId: frame.callId, number: WHOLE });
  return true;
};
const MAY_REVEAL = { hidden: ["numbers"], scopes: ["numbers:reveal"] };
const number = (page) => page.locator(".number").textContent();

test("a_masked_number_is_shown_as_it_comes_and_nobody_without_the_scope_is_offered_more", async (t) => {
  const { page } = await open(t, { script: saying({ hidden: ["numbers"], scopes: [] }, [masked]) });
  await page.locator(".entry").click();
  await page.getByRole("dialog").getByText(MASKED).waitFor();
  await page.keyboard.press("Escape");
  await reads(() => number(page), MASKED);
  await reads(() => page.getByRole("button", { name: "Show number" }).count(), 0);
});

test("whoever_may_sees_the_number_by_keyboard_hears_it_and_can_hide_it_again", async (t) => {
  const { page, service } = await open(t, { script: saying(MAY_REVEAL, [masked], reveals) });
  const button = page.locator(".reveal button");
  await button.focus();
  await page.keyboard.press("Enter");
  await reads(() => number(page), WHOLE);
  const [{ type, callId }] = of(service, "reveal");
  assert.deepEqual({ type, callId }, { type: "reveal", callId: "c-1" });
  await reads(() => page.locator(".reveal [role=status]").textContent(), `The number is ${WHOLE}.`);
  await reads(() => button.textContent(), "Hide number");
  await reads(
    () =>
      page.evaluate(() => document.querySelector("customer-journey").shadowRoot.activeElement.textContent),
    "Hide number",
  );
  service.send({ type: "update", version: 2, callId: "c-1", call: { state: "connected" } });
  await page.locator(".glance[data-state=connected]").waitFor();
  await reads(() => number(page), WHOLE, "it stays while the call is there");
  await page.keyboard.press("Enter");
  await reads(() => number(page), MASKED);
  assert.equal(of(service, "reveal").length, 1);
});

test("a_number_in_whole_leaves_the_screen_with_its_call", async (t) => {
  const { page, service } = await open(t, { script: saying(MAY_REVEAL, [masked], reveals) });
  await page.getByRole("button", { name: "Show number" }).click();
  await reads(() => number(page), WHOLE);
  service.send({ type: "ended", version: 2, callId: "c-1", reason: "ended" });
  service.send(pop({ call: { callId: "c-2", number: "•••0199" } }));
  await page.getByRole("tab", { name: /0142/ }).click();
  await page.getByRole("button", { name: "Close this call" }).click();
  await reads(() => number(page), "•••0199");
  service.send({ ...masked, version: 3 });
  await page.locator('.call[data-call="c-1"]').waitFor();
  await reads(() => number(page), MASKED);
});

for (const [lang, show, forbidden] of [
  ["en", "Show number", "You may not see this number in whole."],
  ["de", "Nummer zeigen", "Diese Nummer dürfen Sie nicht vollständig sehen."],
  ["pt", "Mostrar o número", "Não pode ver este número completo."],
  ["ar", "إظهار الرقم", "لا يجوز لك رؤية هذا الرقم كاملًا."],
]) {
  test(`a_number_that_may_not_be_seen_says_so_in_${lang}`, async (t) => {
    const answers = (frame, send) => {
      if (frame.type !== "reveal") return false;
      send({ type: "error", request: frame.request, code: "forbidden", text: "no" });
      return true;
    };
    const { page } = await open(t, { script: saying(MAY_REVEAL, [masked], answers), attributes: { lang } });
    await page.getByRole("button", { name: show, exact: true }).click();
    await page.getByRole("alert").getByText(forbidden).waitFor();
    await reads(() => number(page), MASKED);
  });
}

test("a_fresh_token_with_less_scope_takes_the_offer_away", async (t) => {
  const { page, service } = await open(t, { script: saying(MAY_REVEAL, [masked], reveals) });
  const button = page.getByRole("button", { name: "Show number" });
  await button.waitFor();
  service.send({ type: "authenticated", expiresAt: inSeconds(1000), scopes: [] });
  await reads(() => button.count(), 0);
});

test("a_tab_without_the_socket_asks_for_a_number_and_learns_of_a_fresh_token_through_the_one_that_has_it", async (t) => {
  const first = await open(t, { script: saying(MAY_REVEAL, [masked], reveals) });
  await first.page.locator(".entry").waitFor();
  const second = await openAnother(first);
  await second.getByRole("button", { name: "Show number" }).click();
  await reads(() => number(second), WHOLE);
  await reads(() => number(first.page), MASKED, "where nobody asked it stays masked");
  first.service.send({ type: "authenticated", expiresAt: inSeconds(1000), scopes: [] });
  await reads(() => first.page.locator(".reveal").count(), 0);
  await reads(() => second.locator(".reveal").count(), 0);
  assert.equal(first.service.connects, 1);
});

test("hidden_fields_are_named_once_and_their_places_are_not_there", async (t) => {
  const bare = timeline([
    interaction("h-1", "2026-11-18T10:30:23Z"),
    interaction("h-2", "2026-11-10T10:30:23Z"),
  ]);
  const rights = { hidden: ["comments", "scores", "names"], scopes: [] };
  const { page } = await open(t, { script: saying(rights, [pop({ timeline: bare })]) });
  await page.getByText("Hidden by your company's policy: comments, scores, names", { exact: true }).waitFor();
  await page.locator("[data-id=h-1]").click();
  const labels = () => page.locator("dialog dt").allTextContents();
  await reads(labels, ["Date and time", "Campaign", "Mode", "Outcome", "Phone number", "Agent name"]);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Grid" }).click();
  await reads(
    () => page.getByRole("columnheader").getByRole("button").allInnerTexts(),
    ["Date and time", "Mode", "Channel", "Direction", "Campaign", "Outcome", "Agent"],
  );
});

test("without_a_policy_nothing_is_said_to_be_hidden", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await page.locator(".entry").first().waitFor();
  await reads(() => page.locator(".policy").count(), 0);
  assert.equal((await heard(page, "connection-change")).at(-1).state, "live");
});
