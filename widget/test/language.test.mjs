// The languages: every message in each of them, the way they are written, and the host's own words.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";
import { JOURNEY, pop, timeline, welcome } from "./fixtures.mjs";
import { open, reads, stopBrowser } from "./harness.mjs";

after(stopBrowser);

const folder = new URL("../src/languages/", import.meta.url);
const { en } = (await runnerImport(fileURLToPath(new URL("en.ts", folder)), { configFile: false })).module;
const languages = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name) => [name.replace(".json", ""), JSON.parse(readFileSync(new URL(name, folder), "utf8"))]);

const forms = (message) => (typeof message === "string" ? [message] : Object.values(message));
const values = (message) =>
  [...new Set(forms(message).flatMap((text) => text.match(/\{\w+\}/g) ?? []))].sort();
const journey = (page) => page.locator(".journey");

for (const [language, messages] of languages) {
  test(`${language}_has_every_message_with_its_values_and_all_plural_forms`, () => {
    const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories.toSorted();
    for (const [key, english] of Object.entries(en)) {
      const message = messages[key];
      assert.ok(message, `${key} is missing`);
      assert.deepEqual(values(message), values(english), key);
      if (typeof english === "string") continue;
      assert.deepEqual(Object.keys(message).toSorted(), categories, `the plural forms of ${key}`);
    }
  });

  test(`${language}_has_no_message_that_nothing_asks_for`, () => {
    const known = (key) => key in en || /^(channel|error|missing|mode|sourceMissing)\.\w+$/.test(key);
    assert.deepEqual(
      Object.keys(messages).filter((key) => !known(key)),
      [],
    );
  });
}

test("the_language_of_the_element_is_fetched_and_its_words_its_dates_and_its_plurals_are_used", async (t) => {
  const { page } = await open(t, { frames: [pop()], attributes: { lang: "de-AT" } });
  await page.getByRole("button", { name: "Suchen" }).waitFor();
  await reads(() => journey(page).evaluate((one) => [one.lang, one.dir]), ["de-AT", "ltr"]);
  await reads(() => page.locator(".result-count").innerText(), "9 Interaktionen");
  await reads(() => page.locator(".day h3").first().innerText(), "Mi., 18. Nov. 2026");
  await reads(() => page.locator("[data-id=i-09] .mode-name").innerText(), "Mobil");
});

test("the_page_says_the_language_where_the_element_does_not_and_a_change_is_followed", async (t) => {
  const { page } = await open(t, { frames: [pop()] });
  await page.getByRole("button", { name: "Search" }).waitFor();
  await page.evaluate(() => document.querySelector("customer-journey").setAttribute("lang", "pt"));
  await page.getByRole("button", { name: "Procurar" }).waitFor();
  await page.evaluate(() => document.querySelector("customer-journey").removeAttribute("lang"));
  await page.getByRole("button", { name: "Search" }).waitFor();
});

test("a_language_that_is_no_language_breaks_nothing", async (t) => {
  const { page } = await open(t, { frames: [pop()], attributes: { lang: "de_DE.UTF-8" } });
  await page.getByRole("button", { name: "Search" }).waitFor();
});

test("the_administrators_label_of_a_mode_stands_and_the_delivered_one_is_translated", async (t) => {
  const modes = welcome.modes.map((mode) => (mode.mode === "home" ? { ...mode, label: "Zuhause" } : mode));
  const script = (frame, send) => {
    if (frame.type !== "hello") return false;
    for (const one of [{ ...welcome, modes }, pop()]) send(one);
    return true;
  };
  const { page } = await open(t, { script, attributes: { lang: "de" } });
  await reads(() => page.locator("[data-id=i-08] .mode-name").innerText(), "Zuhause");
  await reads(() => page.locator("[data-id=i-09] .mode-name").innerText(), "Mobil");
});

test("the_host_replaces_messages_and_adds_a_language", async (t) => {
  const { page } = await open(t, { attributes: { lang: "nl" } });
  await page.getByText("The next call shows up here by itself.").waitFor();
  await page.evaluate(() => {
    document.querySelector("customer-journey").messages = {
      ready: "Het volgende gesprek verschijnt hier vanzelf.",
    };
  });
  await page.getByText("Het volgende gesprek verschijnt hier vanzelf.").waitFor();
});

/** Every text and name in the element, without what is data or a proper name. */
const latinWords = (page, data) =>
  page.evaluate((known) => {
    const { shadowRoot } = document.querySelector("customer-journey");
    const texts = [];
    const walk = document.createTreeWalker(shadowRoot, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      if (node.nodeType === Node.TEXT_NODE) texts.push(node.data);
      else
        for (const name of ["aria-label", "title", "placeholder"]) texts.push(node.getAttribute(name) ?? "");
      if (node.localName === "input") texts.push(node.value);
    }
    const rest = texts.map((text) => known.reduce((left, one) => left.replaceAll(one, ""), text));
    return rest.filter((text) => /[a-z]{2,}/i.test(text)).map((text) => text.trim());
  }, data);

const DATA = [
  ...JOURNEY.flatMap(({ campaign, agent, comments, outcome, interactionId, address }) =>
    [campaign?.name, campaign?.id, agent?.name, comments, outcome?.label, interactionId, address].filter(
      Boolean,
    ),
  ),
  ...[
    "Rita Salgado",
    "Home loan autumn",
    "loan-26",
    "Weird code",
    "Fax line",
    "Campaign Manager",
    "Data Cloud",
  ],
  ...["Europe/Lisbon", "WET"],
].sort((a, b) => b.length - a.length);

test("in_arabic_no_word_of_another_language_is_left_and_everything_runs_from_the_right", async (t) => {
  const { page } = await open(t, { frames: [pop()], attributes: { lang: "ar" } });
  await reads(() => journey(page).evaluate((one) => getComputedStyle(one).direction), "rtl");
  await page.getByRole("button", { name: "بحث" }).waitFor();
  await reads(() => latinWords(page, DATA), [], "the timeline");
  const box = (date) => page.locator(`.day[data-date="${date}"]`).boundingBox();
  const [newest, second] = [await box("2026-11-18"), await box("2026-11-05")];
  assert.ok(newest.x < second.x && newest.x >= 0, "the newest stands at the end of the line, and in view");
  await page.locator(".entry[data-id=i-06]").click();
  await page.getByRole("dialog").waitFor();
  await reads(() => latinWords(page, DATA), [], "the details");
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "جدول" }).click();
  await page.getByRole("table").waitFor();
  await reads(() => latinWords(page, DATA), [], "the grid");
  await reads(() => page.locator(".number").innerText(), "+12015550142", "digits keep their order");
});

test("in_arabic_what_is_missing_is_said_in_arabic_too", async (t) => {
  const missing = { code: "timeout", text: "The history takes longer than usual." };
  const sources = [{ source: "data_cloud", missing: { code: "failed", text: "did not answer" } }];
  const { page, service } = await open(t, {
    frames: [pop({ timeline: null, missing })],
    attributes: { lang: "ar" },
  });
  await page.getByRole("button", { name: "أعد المحاولة" }).waitFor();
  await reads(() => latinWords(page, DATA), []);
  service.send(pop({ version: 2, timeline: timeline([], { sources }) }));
  await page.getByText("لا تواصل سابق").first().waitFor();
  await reads(() => latinWords(page, DATA), []);
});
