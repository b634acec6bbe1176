// The modes' icons and marks (S20–S25) and the details pop-up (S26–S29).
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { interaction, NUMBER, pop, timeline, welcome } from "./fixtures.mjs";
import { heard, open, reads, stopBrowser, until } from "./harness.mjs";

after(stopBrowser);

const COLORS = { green: "rgb(27, 122, 61)", blue: "rgb(23, 99, 198)", amber: "rgb(168, 92, 0)" };
const mode = (page, id) => page.locator(`[data-id=${id}] .mode`);
const dialog = (page) => page.getByRole("dialog");
const open1 = (page, id) => page.locator(`.entry[data-id=${id}]`).click();
const look = (page, id) =>
  mode(page, id).evaluate((one) => ({ icon: one.dataset.icon, color: getComputedStyle(one).color }));
const fields = (page) =>
  dialog(page)
    .locator("dl > div")
    .evaluateAll((all) =>
      all.map((one) => [one.children[0].textContent, one.children[1].textContent.trim()]),
    );

for (const [id, promise, icon, color] of [
  ["i-08", "s20_a_home_call_has_a_green_call_icon", "call", "green"],
  ["i-04", "s20_a_work_call_has_a_green_call_icon", "call", "green"],
  ["i-09", "s21_a_mobile_call_has_a_blue_mobile_icon", "mobile", "blue"],
  ["i-06", "s22_an_office_call_has_an_amber_call_icon", "call", "amber"],
]) {
  test(promise, async (t) => {
    const { page } = await open(t, { frames: [pop()] });
    await reads(() => look(page, id), { icon, color: COLORS[color] });
  });
}

test("s23_sms_email_and_chat_have_their_icons_and_an_unknown_mode_its_channels", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  const icons = [];
  for (const id of ["i-07", "i-05", "i-03", "i-02"]) icons.push((await look(page, id)).icon);
  assert.deepEqual(icons, ["sms", "email", "chat", "call"]);
  await reads(() => page.locator("[data-id=i-02] .mode-name").innerText(), "Fax line");
  const drawings = await page
    .locator("[data-id=i-07] .mode, [data-id=i-05] .mode, [data-id=i-03] .mode")
    .evaluateAll((all) => new Set(all.map((one) => one.querySelector("svg").innerHTML)).size);
  assert.equal(drawings, 3, "each icon is a drawing of its own");
});

test("s23b_modes_have_their_icons_whichever_source_they_come_from", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await reads(() => look(page, "i-09"), { icon: "mobile", color: COLORS.blue });
  await reads(() => look(page, "i-06"), { icon: "call", color: COLORS.amber });
});

test("s23b_interactions_of_a_source_whose_modes_are_switched_off_are_shown_by_their_channels", async (t) => {
  const script = (frame, send) => {
    if (frame.type !== "hello") return false;
    send({ ...welcome, withoutModes: ["campaign_manager"] });
    send(pop());
    return true;
  };
  const { page } = await open(t, { script });
  const voice = page.locator("[data-id=i-09] .mode-name");
  await reads(() => voice.innerText(), "Voice");
  await reads(async () => (await look(page, "i-09")).icon, "call");
  await reads(async () => (await look(page, "i-07")).icon, "sms");
  await reads(() => look(page, "i-06"), { icon: "call", color: COLORS.amber });
  await open1(page, "i-09");
  await reads(async () => (await dialog(page).getByRole("heading").innerText()).split(",")[0], "Voice");
});

test("s23_the_services_catalogue_of_modes_is_what_holds", async (t) => {
  const faxes = { mode: "fax_line", label: "Fax", channel: "voice", icon: "email", color: "amber" };
  const script = (frame, send) => {
    if (frame.type !== "hello") return false;
    send({ type: "welcome", session: "s", agent: "ana", node: "n", heartbeatSeconds: 25, modes: [faxes] });
    send(pop());
    return true;
  };
  const { page } = await open(t, { script });
  await reads(() => look(page, "i-02"), { icon: "email", color: COLORS.amber });
  await reads(() => page.locator("[data-id=i-02] .mode-name").innerText(), "Fax");
});

test("s23_a_channel_that_the_administrator_declared_lends_its_modes_its_looks_and_has_its_label", async (t) => {
  const post = { channel: "post", label: "By post", icon: "email", color: "amber" };
  const letter = interaction("i-1", "2026-11-18T10:30:23Z", {
    channel: "post",
    mode: "letter",
    source: "data_cloud",
  });
  const script = (frame, send) => {
    if (frame.type !== "hello") return false;
    send({ ...welcome, channels: [post] });
    send(pop({ timeline: timeline([letter]) }));
    return true;
  };
  const { page } = await open(t, { script });
  await reads(() => look(page, "i-1"), { icon: "email", color: COLORS.amber });
  await reads(() => page.locator("[data-id=i-1]").getAttribute("title"), "Letter (By post), No outcome");
  await page.getByRole("combobox", { name: "Channel" }).click();
  await page.getByRole("option", { name: "By post" }).waitFor();
  await page.keyboard.press("Escape");
  await open1(page, "i-1");
  await dialog(page).getByText("By post", { exact: true }).waitFor();
});

test("s24_from_data_cloud_an_arrow_shows_the_direction", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await reads(() => mode(page, "i-06").locator(".arrow").getAttribute("data-direction"), "inbound");
  await reads(() => mode(page, "i-05").locator(".arrow").getAttribute("aria-label"), "Outbound");
  await reads(() => mode(page, "i-09").locator(".arrow").count(), 0, "the Campaign Manager's have none");
});

test("s25_a_failure_carries_a_red_dot_with_a_shape_and_a_word", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  const mark = mode(page, "i-09").locator(".failure-mark");
  assert.equal(await mark.evaluate((one) => getComputedStyle(one).fill), "rgb(211, 47, 47)");
  await reads(() => mark.locator("path").count(), 1, "a cross, for eyes that see no red");
  await reads(() => mark.getAttribute("aria-label"), "Failure");
  const marked = () =>
    page.locator(".entry:has(.failure-mark)").evaluateAll((all) => all.map((entry) => entry.dataset.id));
  await reads(marked, ["i-09", "i-08", "i-01"], "unknown, neutral and absent outcomes carry none");
});

test("hovering_over_a_time_says_what_the_customers_clocks_said_and_the_details_do_so_without_hovering", async (t) => {
  const of = interaction("i-1", "2026-11-18T10:30:23Z");
  const at = (timeZone) => {
    const one = timeline([of]);
    return { ...one, contacts: [{ ...one.contacts[0], timeZone }] };
  };
  const { page, service } = await open(t, { frames: [pop({ timeline: at("America/New_York") })] });
  const local = "Wed, 18 Nov 2026, 05:30:23 GMT-5";
  const hints = async () => (await page.locator("[data-id=i-1]").getAttribute("title")).split("\n").slice(1);
  await reads(hints, [`Customer's local time: ${local}`]);
  const now = await page.locator(".contact-name").getAttribute("title");
  assert.match(now, /^Customer's local time: .* GMT-[45]$/);
  await open1(page, "i-1");
  await reads(async () => (await fields(page)).at(-1), ["Customer's local time", local]);
  await page.keyboard.press("Escape");
  for (const [nth, zone] of ["Europe/Lisbon", "Mars/Olympus", null].entries()) {
    service.send(pop({ call: { callId: `c-${nth + 2}` }, version: 1, timeline: at(zone) }));
    await reads(hints, [], zone);
  }
});

test("s26_a_click_opens_the_details_and_escape_gives_the_focus_back", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await open1(page, "i-09");
  await dialog(page).getByText("Not interested now.").waitFor();
  const [event] = await heard(page, "item-selected");
  assert.equal(event.interaction.interactionId, "i-09");
  await page.keyboard.press("Escape");
  await until(async () => (await dialog(page).count()) === 0, "the pop-up closes");
  const focused = await page.evaluate(
    () => document.querySelector("customer-journey").shadowRoot.activeElement.dataset.id,
  );
  assert.equal(focused, "i-09");
});

test("s26_the_keyboard_opens_details_from_the_grid_too", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await page.getByRole("button", { name: "Grid" }).click();
  await page.locator("tr[data-id=i-06] button").focus();
  await page.keyboard.press("Enter");
  await dialog(page).getByText("Data Cloud").waitFor();
  await dialog(page).getByRole("button", { name: "Close details" }).click();
  await until(async () => (await dialog(page).count()) === 0, "the pop-up closes");
});

test("s26_a_click_anywhere_in_a_row_gives_the_focus_to_the_rows_button_afterwards", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await page.getByRole("button", { name: "Grid" }).click();
  await page.locator("tr[data-id=i-06] .cell-outcome").click();
  await dialog(page).getByText("Data Cloud").waitFor();
  await page.keyboard.press("Escape");
  await until(async () => (await dialog(page).count()) === 0, "the pop-up closes");
  const row = await page.evaluate(
    () => document.querySelector("customer-journey").shadowRoot.activeElement?.closest("tr")?.dataset.id,
  );
  assert.equal(row, "i-06");
});

test("s27_the_fields_of_the_campaign_manager", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await open1(page, "i-09");
  await reads(
    () => fields(page),
    [
      ["Date and time", "Wed, 18 Nov 2026, 10:30:23"],
      ["Campaign", "Term deposit 2026 td-2026"],
      ["Mode", "Mobile (Voice)"],
      ["Outcome", "Declined Failure"],
      ["Phone number", NUMBER],
      ["Previous score", "50"],
      ["Current score", "45"],
      ["Agent name", "Duarte Melo"],
      ["Agent comments", "Not interested now. Asked us to call again after the holidays."],
    ],
  );
});

test("s27_a_score_of_0_is_not_an_absent_one", async (t) => {
  const zero = interaction("z", "2026-11-18T10:00:00Z", { previousScore: 0 });
  const { page } = await open(t, { frames: [pop({ timeline: timeline([zero]) })] });
  await open1(page, "z");
  const shown = new Map(await fields(page));
  assert.deepEqual([shown.get("Previous score"), shown.get("Current score")], ["0", "Not recorded"]);
});

test("s28_the_fields_of_data_cloud", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await open1(page, "i-06");
  await reads(
    () => fields(page),
    [
      ["Phone number", NUMBER],
      ["Call start time", "Thu, 5 Nov 2026, 16:42:10"],
      ["Call end time", "Thu, 5 Nov 2026, 16:49:55"],
      ["Outcome", "Call back"],
      ["Agent name", "Inês Prado"],
      ["Agent comments", "Wants the conditions in writing before deciding."],
      ["Channel type", "Voice"],
      ["Channel direction", "Inbound"],
    ],
  );
});

test("s29_icons_at_the_top_right_go_to_the_neighbours_of_the_same_date", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await open1(page, "i-08");
  const time = dialog(page).getByRole("heading");
  const step = (name) => dialog(page).getByRole("button", { name: `${name} interaction of this date` });
  await reads(() => time.innerText(), "Home, 09:05");
  await step("Next").click();
  await reads(() => time.innerText(), "Mobile, 10:30");
  await reads(() => step("Next").getAttribute("aria-disabled"), "true", "the last of its date");
  await step("Previous").click();
  await step("Previous").click();
  await reads(() => time.innerText(), "SMS, 08:15");
  await reads(() => step("Previous").getAttribute("aria-disabled"), "true", "the first of its date");
  const box = await dialog(page).boundingBox();
  const icon = await step("Next").boundingBox();
  assert.ok(icon.x > box.x + box.width * 0.7 && icon.y < box.y + 60, "at the top right");
});

test("details_of_an_interaction_that_is_removed_close", async (t) => {
  const { page, service } = await open(t, { frames: [pop()] });
  await open1(page, "i-08");
  await dialog(page).waitFor();
  service.send({ type: "update", version: 2, callId: "c-1", removed: ["i-08"] });
  await until(async () => (await dialog(page).count()) === 0, "the pop-up closes");
});

test("a_call_that_arrives_while_details_are_read_does_not_come_in_front", async (t) => {
  const { page, service } = await open(t, { frames: [pop()] });
  await open1(page, "i-08");
  service.send(pop({ call: { callId: "c-2", number: "+351210000001" } }));
  await page.locator('[role=tab][data-call="c-2"]').waitFor();
  await reads(() => dialog(page).getByRole("heading").innerText(), "Home, 09:05");
});
