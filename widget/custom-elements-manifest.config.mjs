// What the package says of the element to editors and catalogues, read from the comments in the code.

/** The one place that dispatches names its events by a variable, which the analyzer takes for an event. */
const documentedEvents = {
  name: "documented-events",
  moduleLinkPhase({ moduleDoc }) {
    for (const declaration of moduleDoc.declarations ?? []) {
      declaration.events = declaration.events?.filter(({ description }) => description);
    }
  },
};

export default {
  globs: ["src/element.ts", "src/customer-journey.ts"],
  outdir: "dist",
  litelement: true,
  packagejson: false,
  plugins: [documentedEvents],
};
