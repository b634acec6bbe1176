// How the browser's pictures come while somebody scrolls, by its own account: a trace of each frame's way to the screen.

/**
 * What a wheel, turned over the middle of `box` by `delta` px at `speed` px a second, shows: for each frame whether it
 * was `lost` (not shown in time, or with a part of the page missing), and whether it had to wait for the page's `mainThread`.
 */
export async function wheelFrames(devtools, box, delta, speed) {
  const events = [];
  const keep = ({ value }) => events.push(...value);
  devtools.on("Tracing.dataCollected", keep);
  await devtools.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: ["cc", "benchmark"] },
  });
  await devtools.send("Input.synthesizeScrollGesture", {
    x: Math.round(box.x + box.width / 2),
    y: Math.round(box.y + box.height / 2),
    xDistance: -delta.x,
    yDistance: -delta.y,
    speed,
    gestureSourceType: "mouse",
  });
  const complete = new Promise((resolve) => devtools.once("Tracing.tracingComplete", resolve));
  await devtools.send("Tracing.end");
  await complete;
  devtools.off("Tracing.dataCollected", keep);
  return framesOf(
    events.flatMap(({ name, args }) => (name === "PipelineReporter" ? (args.frame_reporter ?? []) : [])),
  );
}

/** A frame has a report for each try to draw it, and none where the browser had no time to begin. */
function framesOf(reports) {
  const tries = new Map();
  for (const report of reports) {
    if (report.scroll_state === "SCROLL_NONE") continue;
    tries.set(report.frame_sequence, [...(tries.get(report.frame_sequence) ?? []), report]);
  }
  const first = Math.min(...tries.keys());
  return Array.from({ length: Math.max(...tries.keys()) - first + 1 }, (_, index) => {
    const ofFrame = tries.get(first + index) ?? [];
    return { lost: ofFrame.length === 0 || ofFrame.some(isLost), mainThread: ofFrame.some(waitsForPage) };
  });
}

function waitsForPage({ scroll_state }) {
  return scroll_state === "SCROLL_MAIN_THREAD";
}

/** A picture without the page's part is whole where the browser scrolls by itself, and is none where the page must. */
function isLost(report) {
  const isLate = waitsForPage(report) && report.affects_smoothness;
  return report.state === "STATE_DROPPED" || report.has_missing_content || isLate;
}
