// A module of the element as it is written, for tests of what is pure.
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

export async function source(name) {
  const path = fileURLToPath(new URL(`../src/${name}`, import.meta.url));
  return (await runnerImport(path, { configFile: false, logLevel: "error" })).module;
}
