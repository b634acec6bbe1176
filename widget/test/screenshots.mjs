// Takes a picture of every state of the gallery, light and dark as its host would be: npm run screenshots [-- FOLDER].
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { galleryStates, openState } from "./gallery.mjs";
import { startBrowser, startService, stopBrowser } from "./harness.mjs";

const folder = process.argv[2] ?? "screenshots";
await mkdir(folder, { recursive: true });
const service = await startService();
const browser = await startBrowser();
for (const state of await galleryStates(browser, service)) {
  for (const colorScheme of ["light", "dark"]) {
    const page = await openState(browser, service, state, { colorScheme, deviceScaleFactor: 2 });
    await page.screenshot({ path: join(folder, `${state.id}.${colorScheme}.png`), animations: "disabled" });
    await page.context().close();
  }
}
await stopBrowser();
service.stop();
