// The examples for hosts, each on an origin of its own: as it is where the host can be had, else in a stand-in that does
// what the host's documentation says.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { pop } from "./fixtures.mjs";
import { open, reads, stopBrowser, until } from "./harness.mjs";

after(stopBrowser);

const file = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
};

const agents = (service) => service.received.filter(({ type }) => type === "hello").map(({ agent }) => agent);

/**
 * A page and the service, and a server for a desktop on another origin. `read` gives the text of a path; the names
 * that examples use for the two are replaced by where they are.
 */
async function openDesktop(t, read) {
  const opened = await open(t, { path: "/outside", frames: [pop()] });
  const socket = opened.service.url.replace("http", "ws");
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://desktop");
    if (pathname === "/favicon.ico") return response.writeHead(204).end();
    const path = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
    const text = pathname === "/session" ? JSON.stringify({ agent: "ana" }) : await read(path.slice(1));
    response.writeHead(200, { "content-type": TYPES[extname(path)] ?? TYPES[".json"] });
    response.end(
      text
        .replaceAll("https://journeys.example", opened.service.url)
        .replaceAll("wss://journeys.example", socket)
        .replaceAll("https://desktop.example", `http://${request.headers.host}`),
    );
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return { ...opened, desktop: `http://127.0.0.1:${server.address().port}` };
}

const example = (path) => readFile(file(`examples/${path}`), "utf8");

/** What Vite makes of an example that has to be bundled; `alias` leads its packages to where they are. */
async function bundled(folder, alias) {
  const { output } = await build({
    root: file(`examples/${folder}`),
    base: `/${folder}/`,
    logLevel: "error",
    configFile: false,
    resolve: { alias },
    build: { write: false, target: "es2022", modulePreload: false },
  });
  return (path) => {
    const made = output.find(({ fileName }) => `${folder}/${fileName}` === path);
    return made.code ?? made.source.toString();
  };
}

test("the_plain_page_shows_the_call_under_a_strict_policy_of_its_own", async (t) => {
  const { page, service, desktop } = await openDesktop(t, example);
  await page.goto(`${desktop}/plain/`);
  await page.locator(".glance").waitFor();
  await page.getByText("Call c-1").waitFor();
  assert.deepEqual(agents(service), ["ana"]);
  const accent = await page.evaluate(() =>
    getComputedStyle(document.querySelector("customer-journey")).getPropertyValue("--journey-accent"),
  );
  assert.equal(accent, "#7a2e8c");
  service.send({ type: "ended", callId: "c-1", version: 2, reason: "ended" });
  await page.getByText("No call").waitFor();
});

test("the_react_desktop_sets_properties_and_hears_events", async (t) => {
  const read = await bundled("react", { "@backstory/customer-journey": file("dist/customer-journey.js") });
  const { page, service, desktop } = await openDesktop(t, read);
  await page.goto(`${desktop}/react/`);
  await page.getByRole("heading", { name: "Call c-1" }).waitFor();
  assert.deepEqual(agents(service), ["ana"]);
  service.send({ type: "ended", callId: "c-1", version: 2, reason: "ended" });
  await page.getByRole("heading", { name: "No call" }).waitFor();
});

/** What a node of a desktop layout may carry, by its documentation. */
const LAYOUT_KEYS = ["attributes", "children", "comp", "properties", "script", "textContent", "wrapper"];

function layoutNodes(nodes) {
  return nodes.flatMap((node) => [node, ...layoutNodes(node.children ?? [])]);
}

test("the_webex_layout_has_the_documented_shape", async () => {
  for (const node of layoutNodes(JSON.parse(await example("webex/panel.json")))) {
    assert.deepEqual(
      Object.keys(node).filter((key) => !LAYOUT_KEYS.includes(key)),
      [],
    );
    assert.match(node.comp, /^[a-z][a-z-]*$/);
    for (const value of Object.values(node.attributes ?? {})) assert.equal(typeof value, "string");
    for (const value of Object.values(node.properties ?? {})) assert.match(value, /^\$STORE\.[a-z]+\.\w+$/i);
  }
});

test("the_webex_widget_is_loaded_by_a_classic_script_and_gets_its_properties_from_the_store", async (t) => {
  const blank = "<!doctype html><title>Webex desktop</title><body></body>";
  const read = (path) => (path === "index.html" ? blank : example(path));
  const { page, service, desktop } = await openDesktop(t, read);
  await page.goto(`${desktop}/`);
  await page.evaluate(
    async (store) => {
      const layout = await (await fetch("/webex/panel.json")).json();
      const fromStore = (value) =>
        value
          .split(".")
          .slice(1)
          .reduce((part, name) => part[name], store);
      const make = (node) => {
        const element = document.createElement(node.comp);
        for (const [name, value] of Object.entries(node.attributes ?? {})) element.setAttribute(name, value);
        for (const [name, value] of Object.entries(node.properties ?? {})) element[name] = fromStore(value);
        if (node.textContent) element.textContent = node.textContent;
        if (node.script)
          document.head.append(Object.assign(document.createElement("script"), { src: node.script }));
        element.append(...(node.children ?? []).map(make));
        return element;
      };
      document.body.append(...layout.map(make));
    },
    { agent: { agentId: "ana" } },
  );
  await page.locator(".glance").waitFor();
  assert.deepEqual(agents(service), ["ana"], "a property set before the module was there counts");
});

const GENESYS_SDK = `
  const calls = [];
  const client = {
    setEnvironment: (region) => calls.push(["setEnvironment", region]),
    setPersistSettings: (isOn, prefix) => calls.push(["setPersistSettings", isOn, prefix]),
    loginPKCEGrant: async (clientId, redirectUri) => calls.push(["loginPKCEGrant", typeof clientId, redirectUri]),
  };
  class UsersApi {
    async getUsersMe() {
      return { id: "ana", name: "Ana" };
    }
  }
  window.calls = calls;
  window.require = (name) => name === "platformClient" && { ApiClient: { instance: client }, UsersApi };
`;

test("the_genesys_interaction_widget_signs_in_and_shows_the_agents_calls_in_the_agents_language", async (t) => {
  const { page, service, desktop } = await openDesktop(t, example);
  await page.route("https://sdk-cdn.mypurecloud.com/**", (route) =>
    route.fulfill({ contentType: "text/javascript", body: GENESYS_SDK }),
  );
  const { properties } = JSON.parse(await example("genesys/configuration.json"));
  const url = properties.url.replace("https://desktop.example", desktop).replace("{{pcLangTag}}", "de-de");
  assert.doesNotMatch(url, /\{\{/, "every placeholder is one that is filled in");
  await page.goto(url);
  await page.locator(".glance").waitFor();
  assert.deepEqual(agents(service), ["ana"]);
  assert.equal(await page.evaluate(() => document.querySelector("customer-journey").lang), "de-DE");
  assert.deepEqual(await page.evaluate(() => window.calls), [
    ["setEnvironment", "mypurecloud.com"],
    ["setPersistSettings", true, "customer-journey"],
    ["loginPKCEGrant", "string", `${desktop}/genesys/`],
  ]);
  await page.reload();
  await reads(() => agents(service).length, 2);
});

test("the_amazon_connect_application_is_the_agents_as_the_workspace_names_them", async (t) => {
  const sdk = file("test/stand-ins/amazon-connect.mjs");
  const read = await bundled("amazon-connect", {
    "@amazon-connect/app": sdk,
    "@amazon-connect/contact": sdk,
  });
  const { page, service, desktop } = await openDesktop(t, read);
  await page.goto(`${desktop}/amazon-connect/`);
  await page.evaluate(() => window.workspace.create());
  await page.locator(".glance").waitFor();
  assert.deepEqual(agents(service), ["ana"]);
  await page.evaluate(() => window.workspace.destroy());
  await until(() => service.sockets.size === 0, "hung up");
  const { ApplicationSourceConfig, Permissions } = JSON.parse(
    await example("amazon-connect/application.json"),
  );
  assert.match(ApplicationSourceConfig.ExternalUrlConfig.AccessUrl, /^\w+:\/\/.*$/);
  assert.deepEqual(Permissions, ["User.Details.View"], "what getARN asks for");
});

for (const [what, isRight] of Object.entries({ the_hash_that_the_build_wrote: true, another_hash: false })) {
  test(`a_module_pinned_by_${what}_is_${isRight ? "loaded" : "refused"}`, async (t) => {
    const written = (await readFile(file("dist/customer-journey.js.integrity"), "utf8")).trim();
    const integrity = isRight ? written : written.replace(/.{4}$/, "AAAA");
    const { page } = await open(t, { path: "/outside", logs: /valid digest/ });
    const outcome = await page.evaluate(
      (hash) =>
        new Promise((resolve) => {
          const script = document.createElement("script");
          Object.assign(script, {
            type: "module",
            src: "/widget/customer-journey.js?pinned",
            integrity: hash,
          });
          script.onload = () => resolve("loaded");
          script.onerror = () => resolve("refused");
          document.head.append(script);
        }),
      integrity,
    );
    assert.equal(outcome, isRight ? "loaded" : "refused");
  });
}
