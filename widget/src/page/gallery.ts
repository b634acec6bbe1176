// The gallery at `/widget/gallery`: every state of the element from static frames, each in a frame of its own, as on a
// host's page. `?state=…` shows one of them alone; the tests and the screenshots use that.
import { ZONE } from "./gallery/journeys.ts";
import { playScript } from "./gallery/scripted-socket.ts";
import { GALLERY, type GalleryState, type Group } from "./gallery/states.ts";
import { World } from "./gallery/world.ts";

const RIGHT_TO_LEFT = new Set(["ar"]);

function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function overview(): HTMLElement[] {
  return GALLERY.map(({ title, states }: Group) =>
    make("section", {}, make("h2", {}, title), make("div", { class: "states" }, ...states.map(card))),
  );
}

function card({ id, title, about, size }: GalleryState): HTMLElement {
  const href = `?state=${id}`;
  // Frames far down load when one gets there.
  const frame = make("iframe", { src: href, title, loading: "lazy" });
  const caption = make("figcaption", {}, make("h3", {}, make("a", { href }, title)), make("p", {}, about));
  return make("figure", { class: `state ${size}`, "data-state": id }, caption, frame);
}

/** One state, filling the page. */
function alone({
  id,
  title,
  script,
  attributes = {},
  lang,
  hostTheme,
  presses = [],
}: GalleryState): HTMLElement {
  document.title = `${title} · Backstory`;
  if (lang) document.documentElement.lang = lang;
  if (lang && RIGHT_TO_LEFT.has(lang)) document.documentElement.dir = "rtl";
  if (hostTheme) document.documentElement.dataset.hostTheme = hostTheme;
  playScript(script(new World(Date.now())));
  // Each state is an agent of its own, so that no state hears another one's calls.
  const settings = { agent: id, "time-zone": ZONE, ...attributes };
  const element = make("customer-journey", settings);
  element.addEventListener("pop", () => void press(presses), { once: true });
  async function press(selectors: readonly string[]): Promise<void> {
    for (const selector of selectors) {
      await element.updateComplete;
      element.renderRoot.querySelector<HTMLElement>(selector)?.click();
    }
  }
  return make("main", { class: "alone" }, make("h1", { class: "visually-hidden" }, title), element);
}

const wanted = new URLSearchParams(location.search).get("state");
const state = GALLERY.flatMap(({ states }) => states).find(({ id }) => id === wanted);
if (state) document.body.replaceChildren(alone(state));
else document.querySelector("main")?.replaceChildren(...overview());
