// Records from the microphone and gives the recording as a file.
import { kCaptureRate, startCapture } from "../audio/capture.js";
import { wavFile } from "../audio/wav.js";
import { button, el, icon } from "../base/dom.js";
import { clock } from "../base/format.js";
import { announce, notice } from "../base/notice.js";

// "Recording 2026-11-21 14.05.wav"
export function recordingName(now = new Date()) {
  const two = (value) => String(value).padStart(2, "0");
  const day = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  return `Recording ${day} ${two(now.getHours())}.${two(now.getMinutes())}.${two(now.getSeconds())}.wav`;
}

export class Recorder {
  #stop = null;
  #pieces = [];
  #count = 0;
  #onFile;

  constructor(onFile) {
    this.#onFile = onFile;
    this.label = el("span", {}, "Record");
    this.button =
      button("", () => this.#toggle(), { class: "record", "aria-pressed": "false" }, icon("microphone"), this.label);
    this.level = el("meter", { min: "0", max: "1", value: "0", hidden: true, "aria-label": "Loudness" });
    this.node = el("span", { class: "recorder" }, this.button, this.level);
  }

  get recording() { return this.#stop !== null; }

  async #toggle() {
    this.button.disabled = true;
    try {
      await (this.#stop === null ? this.#start() : this.#finish());
    } catch (error) {
      notice(error.message, { problem: true });
    }
    this.button.disabled = false;
  }

  async #start() {
    this.#pieces = [];
    this.#count = 0;
    this.#stop = await startCapture((samples, level) => {
      this.#pieces.push(samples);
      this.#count += samples.length;
      this.level.value = Math.min(1, 4 * level);
      this.label.textContent = `Stop · ${clock(this.#count / kCaptureRate)}`;
    });
    announce("Recording");
    this.#show(true);
  }

  async #finish() {
    await this.#stop();
    this.#stop = null;
    this.#show(false);
    if (this.#count > 0) this.#onFile(wavFile(this.#pieces, kCaptureRate, recordingName()));
    this.#pieces = [];
  }

  #show(recording) {
    this.button.setAttribute("aria-pressed", String(recording));
    this.button.classList.toggle("recording", recording);
    this.level.hidden = !recording;
    this.label.textContent = recording ? "Stop · 0:00" : "Record";
  }
}
