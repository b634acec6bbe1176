// What browser tests stand on: a scripted service that serves the built element under the product's
// Content-Security-Policy and speaks its WebSocket, and one real Chromium a test file.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { chromium } from "playwright-core";
import { WebSocketServer } from "ws";
import { NOW, welcome, ZONE } from "./fixtures.mjs";

/** How long to wait for what must come: of a slow machine longer than of a fast one, and of neither a promise. */
export const PATIENCE_MS = 15_000;
const LOOK_EVERY_MS = 20;

const DIST = fileURLToPath(new URL("../dist/", import.meta.url));
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS =
  "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
};
const PAGES = { "/": "index.html", "/widget": "embedded.html", "/widget/gallery": "gallery.html" };
const POLICY =
  "default-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; frame-src http:";
const EMPTY_PAGE = `<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>Host</title>
  <link rel="stylesheet" href="/host.css"><script type="module" src="/widget/customer-journey.js"></script></head>
  <body><main></main></body></html>`;
const HOST_STYLE = "html, body, main { margin: 0; block-size: 100%; }";

/**
 * A service that answers each client frame as `script` says; by default it welcomes and sends `frames`.
 * `received` keeps every client frame; `sockets` the open ones; `send` goes to all of them.
 */
export async function startService({ frames = [], script, agents = [], embeddedBy = [] } = {}) {
  const service = { received: [], sockets: new Set(), connects: 0, agents, frames, embeddedBy };
  const server = createServer((request, response) => serve(service, request, response));
  const sockets = new WebSocketServer({
    server,
    path: "/v1/agent",
    handleProtocols: (offered) => offered.values().next().value,
  });
  sockets.on("connection", (socket) => {
    service.connects += 1;
    service.sockets.add(socket);
    const send = (frame) => socket.send(JSON.stringify(frame));
    socket.on("close", () => service.sockets.delete(socket));
    socket.on("message", (data) => {
      const frame = JSON.parse(data);
      service.received.push(frame);
      if (script?.(frame, send, socket)) return;
      if (frame.type === "hello") for (const one of [welcome, ...service.frames]) send(one);
      if (frame.type === "ping") send({ type: "pong" });
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  service.url = `http://127.0.0.1:${server.address().port}`;
  service.send = (frame) => {
    for (const socket of service.sockets) socket.send(JSON.stringify(frame));
  };
  service.stop = () => {
    for (const socket of service.sockets) socket.terminate();
    server.close();
  };
  return service;
}

async function serve(service, request, response) {
  const { pathname } = new URL(request.url, "http://service");
  const answer = (body, type) => {
    response.writeHead(200, {
      "content-type": type,
      "content-security-policy": POLICY,
      "access-control-allow-origin": "*",
    });
    response.end(body);
  };
  if (pathname === "/v1/agents")
    return answer(JSON.stringify({ agents: service.agents }), "application/json");
  if (pathname === "/v1/info") {
    return answer(
      JSON.stringify({
        version: "0.1.0",
        node: "n-1",
        brokers: "127.0.0.1:9092",
        embeddedBy: service.embeddedBy,
      }),
      "application/json",
    );
  }
  if (pathname === "/host" || pathname === "/outside") return answer(EMPTY_PAGE, TYPES[".html"]);
  if (pathname === "/host.css") return answer(HOST_STYLE, TYPES[".css"]);
  if (pathname === "/favicon.ico") return response.writeHead(204).end();
  const file = PAGES[pathname] ?? pathname.replace(/^\/widget\//, "");
  const path = join(DIST, file);
  if (!existsSync(path)) return response.writeHead(404).end();
  return answer(await readFile(path), TYPES[extname(path)] ?? "application/octet-stream");
}

let browser;

export async function startBrowser() {
  if (!existsSync(CHROMIUM)) {
    throw new Error(
      `no Chromium at ${CHROMIUM}: apt-get install chromium, or set CHROMIUM to its executable`,
    );
  }
  if (!existsSync(join(DIST, "customer-journey.js")))
    throw new Error("nothing built in dist/: npm run build");
  browser ??= await chromium.launch({ executablePath: CHROMIUM, args: FLAGS.split(" ") });
  return browser;
}

export async function stopBrowser() {
  await browser?.close();
  browser = undefined;
}

/**
 * A page with the element in it, against a service of its own. Ends with the test, which fails when the page
 * threw, logged an error that `logs` does not expect, or broke its Content-Security-Policy.
 */
export async function open(t, options = {}) {
  const {
    frames,
    script,
    agents,
    width = 1280,
    height = 760,
    attributes = {},
    path = "/host",
    scheme = "light",
  } = options;
  const service = await startService({ frames, script, agents });
  const context = await (await startBrowser()).newContext({
    viewport: { width, height },
    locale: "en-GB",
    timezoneId: ZONE,
    colorScheme: scheme,
    ...options.context,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const problems = [];
  context.on("weberror", (error) => problems.push(String(error.error())));
  context.on("console", (message) => {
    // A refused or lost socket is logged by the browser itself; those tests want it lost.
    const isMeant = /WebSocket connection/.test(message.text()) || options.logs?.test(message.text());
    if (message.type() === "error" && !isMeant) problems.push(message.text());
  });
  await context.clock.install({ time: NOW });
  const page = await context.newPage();
  await page.goto(service.url + path);
  if (path === "/host") await mount(page, { agent: "ana", ...attributes });
  t.after(async () => {
    await context.close();
    service.stop();
    if (problems.length > 0) throw new Error(`the page reported: ${problems.join("; ")}`);
  });
  const element = page.locator("customer-journey");
  return { page, service, element };
}

/** Another tab of the same browser, with the element in it, against the same service. */
export async function openAnother({ page, service }, attributes = {}) {
  const another = await page.context().newPage();
  await another.goto(`${service.url}/host`);
  await mount(another, { agent: "ana", ...attributes });
  return another;
}

/** Puts the element into the page, listening to what it tells its host. */
async function mount(page, attributes) {
  await page.evaluate((given) => {
    window.heard = [];
    const element = document.createElement("customer-journey");
    for (const type of ["connection-change", "pop", "call-ended", "item-selected", "active-call-change"]) {
      document.addEventListener(type, ({ detail }) => window.heard.push({ type, detail }));
    }
    for (const [name, value] of Object.entries(given)) element.setAttribute(name, value);
    document.querySelector("main").append(element);
  }, attributes);
}

export function heard(page, type) {
  return page.evaluate(
    (of) => window.heard.filter((event) => event.type === of).map(({ detail }) => detail),
    type,
  );
}

/**
 * Waits until `read` gives what is expected, and shows the difference when it does not: the page is drawn a
 * frame after its data, and what is out of sight has no text until the browser gets to it.
 */
export async function reads(read, expected, what) {
  let last;
  for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_EVERY_MS) {
    last = await read();
    if (isDeepStrictEqual(last, expected)) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  assert.deepEqual(last, expected, what);
}

/** Waits until a condition of this process holds, and says what did not. */
export async function until(condition, what) {
  for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_EVERY_MS) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  throw new Error(`waited ${PATIENCE_MS / 1000} s in vain: ${what}`);
}
