// The package as a developer gets it: packed, installed into an empty project without a registry, type-checked and used.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { pop } from "./fixtures.mjs";
import { startService, until } from "./harness.mjs";

const run = promisify(execFile);
const WIDGET = fileURLToPath(new URL("..", import.meta.url));
const TSC = join(WIDGET, "node_modules/.bin/tsc");
/** Node has a WebSocket of its own from 22 on, and behind a flag before. */
const NODE_FLAGS = globalThis.WebSocket ? [] : ["--experimental-websocket"];

let project;
let installed;
let packed;

before(async () => {
  project = await mkdtemp(join(tmpdir(), "customer-journey-"));
  installed = join(project, "node_modules/@backstory/customer-journey");
  const { stdout } = await run("npm", ["pack", "--json", "--pack-destination", project], { cwd: WIDGET });
  // Before the list of files npm hands through what the build printed.
  [packed] = JSON.parse(stdout.slice(stdout.indexOf("[\n")));
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }));
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", join(project, packed.filename)], {
    cwd: project,
  });
});

after(() => rm(project, { recursive: true, force: true }));

const text = (path) => readFile(join(installed, path), "utf8");

test("the_package_holds_the_modules_their_types_the_manifest_and_the_readme_and_needs_nothing_else", async () => {
  const paths = packed.files.map(({ path }) => path);
  for (const path of [
    "LICENSE",
    "README.md",
    "dist/client.js",
    "dist/custom-elements.json",
    "dist/customer-journey.js",
    "dist/customer-journey.js.integrity",
    "dist/languages/ar.json",
    "dist/types/client.d.ts",
    "dist/types/customer-journey.d.ts",
    "examples/README.md",
    "package.json",
  ]) {
    assert.ok(paths.includes(path), `${path} is missing`);
  }
  assert.deepEqual(
    paths.filter(
      (path) =>
        /^(src|test|node_modules)\/|desktop|embedded|\.html$/.test(path) && !path.startsWith("examples/"),
    ),
    [],
    "the pages of the service and the sources stay at home",
  );
  assert.deepEqual(await readdir(join(project, "node_modules")), [".package-lock.json", "@backstory"]);
  const license = await readFile(new URL("../../LICENSE", import.meta.url), "utf8");
  assert.equal(await text("LICENSE"), license);
});

const CONSUMER = `
import { CustomerJourney, type CustomerJourneyEventMap } from "@backstory/customer-journey";
import { JourneyClient, JourneyError, type CallFrame, type Timeline } from "@backstory/customer-journey/client";

const journey = document.createElement("customer-journey");
const same: CustomerJourney = journey;
same.getToken = async () => "token";
journey.addEventListener("pop", ({ detail }) => detail.call.callId.toUpperCase());
document.addEventListener("item-selected", ({ detail }) => detail.interaction.startedAt.length);
// @ts-expect-error there is no such state
journey.addEventListener("connection-change", ({ detail }) => detail.state === "asleep");
// @ts-expect-error an agent is named by its id
journey.agent = 7;
class OwnTag extends CustomerJourney {}
customElements.define("own-journey", OwnTag);

const seen: CallFrame[] = [];
const client = new JourneyClient({
  endpoint: "wss://journeys.example/v1/agent",
  timeZone: "Europe/Lisbon",
  token: () => "token",
  onCallFrame: (frame) => seen.push(frame),
});
client.start();
const found: Promise<Timeline> = client.search({ callId: "c-1", months: 12 });
found.catch((error: JourneyError) => error.code);
export type Heard = CustomerJourneyEventMap["call-ended"]["detail"]["reason"];
`;

test("a_strict_project_type_checks_against_the_package_without_lit", async () => {
  await writeFile(join(project, "consumer.ts"), CONSUMER);
  const options = [
    "--strict",
    "--noEmit",
    "--target",
    "es2022",
    "--module",
    "nodenext",
    "--lib",
    "es2022,dom,dom.iterable",
  ];
  const { stdout } = await run(TSC, [...options, "consumer.ts"], { cwd: project }).catch((error) => error);
  assert.equal(stdout, "");
});

const SUBSCRIBER = `
import { JourneyClient } from "@backstory/customer-journey/client";

const client = new JourneyClient({
  endpoint: process.argv[2],
  timeZone: "Europe/Lisbon",
  agent: "ana",
  async onCallFrame({ call }) {
    const found = await client.search({ callId: call.callId, months: 6 });
    console.log(JSON.stringify({ callId: call.callId, total: found.total }));
  },
});
client.start();
process.stdin.on("end", () => client.stop()).resume();
`;

test("the_client_alone_subscribes_acknowledges_and_searches_in_node", async (t) => {
  const script = (frame, send) => {
    if (frame.type !== "search") return false;
    send({ type: "timeline", request: frame.request, timeline: { ...pop().timeline, total: 41 } });
    return true;
  };
  const service = await startService({ frames: [pop()], script });
  t.after(service.stop);
  const of = (type) => service.received.filter((frame) => frame.type === type);
  await writeFile(join(project, "subscriber.mjs"), SUBSCRIBER);
  const endpoint = `${service.url.replace("http", "ws")}/v1/agent`;
  const subscriber = run(process.execPath, [...NODE_FLAGS, "subscriber.mjs", endpoint], { cwd: project });
  await until(() => of("ack").length === 2, "two acknowledgements");
  subscriber.child.stdin.end();
  const { stdout } = await subscriber;
  assert.deepEqual(JSON.parse(stdout), { callId: "c-1", total: 41 });
  assert.deepEqual(
    of("ack").map(({ stage }) => stage),
    ["received", "rendered"],
  );
  assert.equal(/lit/i.test(await text("dist/client.js")), false, "the client brings no Lit");
});

test("everything_the_element_loads_is_at_most_40_kB", async () => {
  const { length } = gzipSync(await text("dist/customer-journey.js"), { level: 9 });
  assert.ok(Math.round(length / 1000) <= 40, `${length} bytes with gzip`);
});

test("the_integrity_file_is_the_hash_of_the_module_as_packed", async () => {
  const hash = createHash("sha384").update(await readFile(join(installed, "dist/customer-journey.js")));
  assert.equal(await text("dist/customer-journey.js.integrity"), `sha384-${hash.digest("base64")}\n`);
});

/** All code of the element, as one text. */
async function sources() {
  const paths = await readdir(join(WIDGET, "src"), { recursive: true });
  const files = paths.filter((path) => path.endsWith(".ts") && !path.startsWith("page/"));
  return (await Promise.all(files.map((path) => readFile(join(WIDGET, "src", path), "utf8")))).join("\n");
}

test("nothing_public_of_the_element_is_undocumented_and_nothing_documented_is_missing", async () => {
  const { modules } = JSON.parse(await text("dist/custom-elements.json"));
  const declaration = modules
    .flatMap(({ declarations }) => declarations)
    .find(({ tagName }) => tagName === "customer-journey");
  const code = await sources();
  const inCode = (pattern) => [...new Set([...code.matchAll(pattern)].map(([, name]) => name))].sort();
  const names = (list) => list.map(({ name }) => name).sort();
  assert.deepEqual(names(declaration.cssParts), inCode(/\bpart="([\w-]+)"/g));
  assert.deepEqual(names(declaration.cssProperties), inCode(/var\((--journey-[\w-]+)/g));
  assert.deepEqual(names(declaration.events), inCode(/#emit\(\s*"([\w-]+)"/g));
  const fields = declaration.members.filter(
    ({ kind, privacy }) => kind === "field" && (privacy ?? "public") === "public",
  );
  const properties = fields.filter(({ static: isStatic, inheritedFrom }) => !isStatic && !inheritedFrom);
  const all = [...declaration.cssParts, ...declaration.cssProperties, ...declaration.events, ...properties];
  assert.deepEqual(
    all.filter(({ description }) => !description).map(({ name }) => name),
    [],
    "without a description",
  );
  const readme = await readFile(join(WIDGET, "README.md"), "utf8");
  for (const name of [...names(properties), ...names(declaration.events), ...names(declaration.attributes)]) {
    assert.ok(readme.includes(`\`${name}\``), `the README does not name ${name}`);
  }
});
