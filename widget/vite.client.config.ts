// The connection alone, for whoever draws something else: one module beside the element's, in which it is built in.
import { defineConfig } from "vite";

export default defineConfig({
  build: {
    target: "es2022",
    emptyOutDir: false,
    lib: { entry: "src/client.ts", formats: ["es"], fileName: "client" },
  },
});
