// What axe-core finds in a page, as sentences; nothing is the only good answer.
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The rest of a long list is more of the same, and would take most of the time. */
const MORE_OF_THE_SAME = [".day:nth-child(n+12)", "tbody:nth-of-type(n+2)"];
const CONTEXT = { exclude: MORE_OF_THE_SAME.map((rest) => ({ fromShadowDom: ["customer-journey", rest] })) };

export async function violations(page, options = {}) {
  // evaluate() is not subject to the page's Content-Security-Policy; a script tag would be.
  if (await page.evaluate(() => !("axe" in window))) await page.evaluate(`${source}; undefined`);
  // The size of targets is the one rule of WCAG 2.2 AA that is off by default.
  const rules = { "target-size": { enabled: true }, ...options.rules };
  const found = await page.evaluate(
    ([context, given]) => axe.run(context, given),
    [CONTEXT, { ...options, rules }],
  );
  return found.violations.flatMap(({ id, nodes }) =>
    nodes.map(
      ({ html, any }) => `${id}: ${html.slice(0, 160)} (${any.map(({ message }) => message).join("; ")})`,
    ),
  );
}
