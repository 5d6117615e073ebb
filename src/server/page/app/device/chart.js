// A line over time: how fast the server was. Drawn with SVG; what it says is also its label.
import { svg } from "../base/dom.js";
import { times } from "../base/format.js";

const kHeight = 160;
const kLeft = 52;
const kBottom = 24;
const kTop = 10;

// The next round number: 1, 2 or 5 times a power of ten.
export function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1e-9)));
  return [1, 2, 5, 10].map((step) => step * power).find((each) => each >= value * 0.999999);
}

// samples: [{at (ms), factor}], oldest first; width in CSS pixels.
export function speedChart(samples, { width, now = Date.now() }) {
  const most = roundUp(Math.max(1, ...samples.map((sample) => sample.factor)));
  const spanMs = Math.max(60000, now - (samples[0]?.at ?? now));
  const x = (at) => kLeft + ((at - (now - spanMs)) / spanMs) * (width - kLeft - 8);
  const y = (factor) => kTop + (1 - factor / most) * (kHeight - kTop - kBottom);
  const lines = [0, 0.5, 1].map(
    (part) =>
      [svg("line", { class: "grid", x1: kLeft, x2: width - 8, y1: y(part * most), y2: y(part * most) }),
       svg(
         "text", { class: "tick", x: kLeft - 8, y: y(part * most) + 4, "text-anchor": "end" },
         part === 0 ? "0" : `${Number((part * most).toPrecision(3))}×`),
  ]);
  const points = samples.map((sample) => `${x(sample.at).toFixed(1)},${y(sample.factor).toFixed(1)}`).join(" ");
  const last = samples.at(-1);
  const minutes = Math.round(spanMs / 60000);
  const label = last === undefined ?
    "No audio was transcribed yet." :
    `Realtime factor over the last ${minutes === 1 ? "minute" : `${minutes} minutes`}: now ${times(last.factor)}, ` +
      `between ${times(Math.min(...samples.map((each) => each.factor)))} and ${
        times(Math.max(...samples.map((each) => each.factor)))}.`;
  return svg("svg", { class: "chart", viewBox: `0 0 ${width} ${kHeight}`, role: "img", "aria-label": label },
    lines, svg("polyline", { class: "line", points }),
    last ? svg("circle", { class: "now", cx: x(last.at), cy: y(last.factor), r: 3.5 }) : null,
    svg("text", { class: "tick", x: kLeft, y: kHeight - 6 }, minutes === 1 ? "a minute ago" : `${minutes} minutes ago`),
    svg("text", { class: "tick", x: width - 8, y: kHeight - 6, "text-anchor": "end" }, "now"));
}
