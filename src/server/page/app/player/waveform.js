// The recording's outline as a slider: click, drag or use the arrow keys to go anywhere. Below the outline runs a band
// in the speakers' colours.
import { columns } from "../audio/peaks.js";
import { el } from "../base/dom.js";
import { clock, spokenTime } from "../base/format.js";
import { colour, themes } from "../base/theme.js";

const kBarPx = 3;
const kBandPx = 4;
const kSteps = { ArrowLeft: -5, ArrowRight: 5, ArrowDown: -5, ArrowUp: 5, PageDown: -30, PageUp: 30 };

export class Waveform {
  #player;
  #canvas = el("canvas", { "aria-hidden": "true" });
  #peaks = null;
  #bands = [];
  #endings;

  constructor(player) {
    this.#player = player;
    this.node = el("div", {
      class: "waveform", role: "slider", tabindex: "0", "aria-label": "Position in the recording", "aria-valuemin": "0",
      "aria-valuemax": "0", "aria-valuenow": "0",
    }, this.#canvas);
    const observer = new ResizeObserver(() => this.#draw());
    observer.observe(this.node);
    this.#endings = [
      player.on("time", () => this.#draw()), player.on("state", () => this.#draw()),
      themes.on("change", () => requestAnimationFrame(() => this.#draw())), () => observer.disconnect(),
    ];
    this.#wirePointer();
    this.node.addEventListener("keydown", (event) => this.#key(event));
  }

  close() { this.#endings.forEach((end) => end()); }

  // Null: none, and a plain line is drawn.
  set peaks(peaks) {
    this.#peaks = peaks;
    this.#draw();
  }

  // [{start, end, colour}]: colour is the name of a colour of the style sheet.
  set bands(bands) {
    this.#bands = bands;
    this.#draw();
  }

  #wirePointer() {
    const go = (event) => {
      const box = this.node.getBoundingClientRect();
      this.#player.seek(((event.clientX - box.left) / box.width) * this.#player.duration);
    };
    this.node.addEventListener("pointerdown", (event) => {
      if (!this.#player.loaded) return;
      this.node.setPointerCapture(event.pointerId);
      go(event);
    });
    this.node.addEventListener("pointermove", (event) => {
      if (this.node.hasPointerCapture(event.pointerId)) go(event);
    });
  }

  #key(event) {
    const player = this.#player;
    if (event.altKey || event.ctrlKey || event.metaKey || !player.loaded) return;
    if (event.key in kSteps) player.seek(player.time + kSteps[event.key]);
    else if (event.key === "Home") player.seek(0);
    else if (event.key === "End") player.seek(player.duration);
    else if (event.key === " " || event.key === "Enter") player.toggle();
    else return;
    event.preventDefault();
  }

  #describe(time, duration) {
    const second = String(Math.floor(time));
    if (this.node.getAttribute("aria-valuenow") !== second) this.node.setAttribute("aria-valuenow", second);
    this.node.setAttribute("aria-valuemax", String(Math.floor(duration)));
    this.node.setAttribute("aria-valuetext", `${spokenTime(time)} of ${spokenTime(duration)}`);
    this.node.setAttribute("aria-disabled", String(!this.#player.loaded));
    this.node.title = this.#player.loaded ? `${clock(time)} of ${clock(duration)}` : "";
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.node;
    const { time, duration } = this.#player;
    this.#describe(time, duration);
    if (width === 0 || height === 0) return;
    const ratio = devicePixelRatio || 1;
    if (this.#canvas.width !== Math.round(width * ratio) || this.#canvas.height !== Math.round(height * ratio)) {
      this.#canvas.width = Math.round(width * ratio);
      this.#canvas.height = Math.round(height * ratio);
    }
    const pen = this.#canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const played = duration > 0 ? (time / duration) * width : 0;
    const room = height - (this.#bands.length > 0 ? kBandPx + 4 : 0);
    if (this.#peaks) this.#drawPeaks(pen, { width, room, played });
    else this.#drawLine(pen, { width, room, played });
    this.#drawBands(pen, { width, height, duration });
    if (this.#player.loaded) {
      pen.fillStyle = colour("accent");
      pen.fillRect(Math.min(width - 2, Math.max(0, played - 1)), 0, 2, height);
    }
  }

  #drawPeaks(pen, { width, room, played }) {
    const bars = columns(this.#peaks, Math.max(1, Math.floor(width / kBarPx)));
    const before = colour("accent");
    const after = colour("wave");
    bars.forEach((peak, i) => {
      const x = i * kBarPx;
      const tall = Math.max(2, peak * (room - 4));
      pen.fillStyle = x < played ? before : after;
      pen.fillRect(x, (room - tall) / 2, kBarPx - 1, tall);
    });
  }

  #drawLine(pen, { width, room, played }) {
    pen.fillStyle = colour("wave");
    pen.fillRect(0, room / 2 - 2, width, 4);
    pen.fillStyle = colour("accent");
    pen.fillRect(0, room / 2 - 2, played, 4);
  }

  #drawBands(pen, { width, height, duration }) {
    if (!(duration > 0)) return;
    for (const band of this.#bands) {
      pen.fillStyle = colour(band.colour);
      const x = (band.start / duration) * width;
      pen.fillRect(x, height - kBandPx, Math.max(1, ((band.end - band.start) / duration) * width), kBandPx);
    }
  }
}
