// How the element and the pages are built: fixed names, no shared chunk, nothing inlined.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** Takes the indentation and the comments out of the templates and style sheets in the code: a fifth of the bundle. */
function dropTemplateWhitespace(): Plugin {
  return {
    name: "drop-template-whitespace",
    apply: "build",
    transform(code, id) {
      if (!id.includes("/widget/src/") || id.includes("/page/")) return null;
      const isStyle = id.includes("/styles/");
      const shorter = code.replace(/(?<=\b(?:css|html|svg)`)[^`]*(?=`)/g, (text) =>
        (isStyle ? withoutStyleWhitespace(text) : text).replace(/\s*\n\s*/g, " "),
      );
      return { code: shorter, map: null };
    },
  };
}

function withoutStyleWhitespace(text: string): string {
  return text
    .replace(/\/\*.*?\*\//gs, "")
    .replace(/\s*([{};,>])\s*/g, "$1")
    .replace(/:\s+/g, ":")
    .replaceAll(";}", "}");
}

/** Languages beside English lie as files beside the module, which knows the hash of each. */
function languageFiles(): Plugin {
  const folder = new URL("src/languages/", import.meta.url);
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const contents = files.map((name) => ({ name, source: readFileSync(new URL(name, folder)) }));
  const hashes = contents.map(({ name, source }) => [
    name.replace(".json", ""),
    `sha384-${createHash("sha384").update(source).digest("base64")}`,
  ]);
  return {
    name: "language-files",
    config: () => ({ define: { LANGUAGES: JSON.stringify(Object.fromEntries(hashes)) } }),
    generateBundle() {
      for (const { name, source } of contents) {
        this.emitFile({ type: "asset", fileName: `languages/${name}`, source });
      }
    },
  };
}

/** Writes the element's hash beside it, for the `integrity` attribute of hosts that pin it. */
function writeIntegrity(fileName: string): Plugin {
  return {
    name: "write-integrity",
    apply: "build",
    generateBundle(_options, bundle) {
      const file = bundle[fileName];
      if (file?.type !== "chunk") return;
      const hash = createHash("sha384").update(file.code).digest("base64");
      this.emitFile({ type: "asset", fileName: `${fileName}.integrity`, source: `sha384-${hash}\n` });
    },
  };
}

export default defineConfig({
  base: "/widget/",
  plugins: [dropTemplateWhitespace(), languageFiles(), writeIntegrity("customer-journey.js")],
  // `npm run dev` shows the page with a service that runs beside it.
  server: {
    proxy: {
      "/v1": { target: "http://127.0.0.1:8080", changeOrigin: true, ws: true, rewriteWsOrigin: true },
    },
  },
  build: {
    target: "es2022",
    // Hosts embed the element by its one file: nothing may be split off, renamed with a hash or inlined.
    modulePreload: false,
    assetsInlineLimit: 0,
    rolldownOptions: {
      input: {
        "customer-journey": "src/customer-journey.ts",
        desktop: "index.html",
        embedded: "embedded.html",
        gallery: "gallery.html",
      },
      preserveEntrySignatures: "allow-extension",
      output: {
        entryFileNames: "[name].js",
        chunkFileNames: "[name].js",
        assetFileNames: "[name][extname]",
      },
    },
  },
});
