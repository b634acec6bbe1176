// A running service on a real Kafka with topics of its own, and the people around it: who imports, who produces calls.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
const binary = resolve(root, process.env.TEST_BINARY ?? "target/debug/backstory");
const READY_LIMIT_MS = 30_000;
const STOP_LIMIT_MS = 12_000; // the drain limit is 10 s

export const pictures = join(root, "build/browser");

export async function startService() {
  const brokers = process.env.KAFKA_BROKERS;
  if (!brokers) throw new Error("KAFKA_BROKERS is not set: run this by `make test-browser`");
  const folder = await mkdtemp(join(tmpdir(), "backstory-browser-"));
  await mkdir(pictures, { recursive: true });
  const [port, adminPort] = await freePorts(2);
  const run = `${process.pid}-${port}`;
  const topics = { calls: `calls-${run}`, interactions: `interactions-${run}`, contacts: `contacts-${run}` };
  const config = join(folder, "backstory.toml");
  await writeFile(
    config,
    `[http]
listen = "127.0.0.1:${port}"
admin_listen = "127.0.0.1:${adminPort}"
[kafka]
brokers = "${brokers}"
[kafka.topics]
calls = "${topics.calls}"
interactions = "${topics.interactions}"
contacts = "${topics.contacts}"
[journey]
store = "sqlite:${join(folder, "journey.db")}"
`,
  );
  await runToEnd(binary, ["check", "--create", "--config", config]);

  let child;
  let ended;
  let output = "";
  const url = `http://127.0.0.1:${port}`;
  const start = () => {
    child = spawn(binary, ["serve", "--config", config], {
      cwd: folder,
      stdio: ["ignore", "pipe", "pipe"],
    });
    ended = once(child, "exit");
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (part) => {
        output += part;
      });
    }
    return ready(`${url}/readyz`, child);
  };

  const service = {
    url,
    topics,
    async importFile(name, records) {
      const file = join(folder, name);
      await writeFile(file, records.map((record) => `${JSON.stringify(record)}\n`).join(""));
      return runToEnd(binary, ["import", "--config", config, file]);
    },
    /** A call event as somebody else's program produces it: kcat, the agent as key. */
    async produceCall(event) {
      const call = { at: new Date().toISOString(), ...event };
      await runToEnd(
        "kcat",
        ["-P", "-b", brokers, "-t", topics.calls, "-k", call.agentId],
        JSON.stringify(call),
      );
    },
    output: () => output,
    /** Ends it as a crash does. */
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    /** Starts it again where it was; resolves once it is ready. */
    start,
    /** Ends the service by its process id; answers with its exit code. */
    async stop() {
      const limit = setTimeout(() => child.kill("SIGKILL"), STOP_LIMIT_MS);
      child.kill("SIGTERM");
      const [code, signal] = await ended;
      clearTimeout(limit);
      await rm(folder, { recursive: true, force: true });
      return code ?? signal;
    },
  };
  process.once("exit", () => child.kill("SIGKILL"));

  try {
    await start();
  } catch (error) {
    await service.stop();
    throw new Error(`${error.message}\n${output}`);
  }
  return service;
}

async function ready(url, child) {
  const limit = Date.now() + READY_LIMIT_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the service ended with exit code ${child.exitCode}`);
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.status === 200) return;
    if (Date.now() > limit)
      throw new Error(`${url} answered ${answer?.status ?? "nothing"} for ${READY_LIMIT_MS} ms`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

async function runToEnd(command, args, input = "") {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (part) => {
    output += part;
  });
  child.stderr.on("data", (part) => {
    output += part;
  });
  child.stdin.on("error", () => {}); // who ended before reading says why by its exit code
  child.stdin.end(input);
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${output}`);
  return output;
}

async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = [];
  for (const server of servers) {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ports.push(server.address().port);
  }
  for (const server of servers) server.close();
  return ports;
}
