// Writes the package's types. Lit is built into the element and no dependency of it: for a host the class is an HTMLElement
// with the documented properties, and what Lit calls on it is nobody else's.
import { dirname, join, resolve } from "node:path";
import ts from "typescript";

const ENTRIES = ["customer-journey.ts", "client.ts"];
const LIT_S_OWN = /^ {4}(?:private|protected|static styles)\b.*\n/gm;
const root = import.meta.dirname;

const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
const outDir = join(root, "dist/types");
const program = ts.createProgram({
  rootNames: ENTRIES.map((entry) => join(root, "src", entry)),
  options: {
    ...options,
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    outDir,
    rootDir: join(root, "src"),
  },
});

const emitted = new Map();
program.emit(undefined, (path, text) =>
  emitted.set(
    resolve(path),
    text
      .replace(LIT_S_OWN, "")
      .replace(/^import .* from "lit";\n/gm, "")
      .replace("extends LitElement", "extends HTMLElement"),
  ),
);

/** Only what the entries lead to: the rest are types of the inside. */
function write(path) {
  const text = emitted.get(path);
  if (text === undefined) return;
  emitted.delete(path);
  ts.sys.writeFile(path, text);
  for (const [, name] of text.matchAll(/from "(\.[^"]*)\.ts"|import\("(\.[^"]*)\.ts"\)/g)) {
    if (name) write(resolve(dirname(path), `${name}.d.ts`));
  }
}
for (const entry of ENTRIES) write(join(outDir, entry.replace(/\.ts$/, ".d.ts")));
