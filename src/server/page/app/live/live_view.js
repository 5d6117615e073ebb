// Captions of what the microphone hears, while it is said; afterwards a transcript like any other.
import { kCaptureRate, startCapture } from "../audio/capture.js";
import { wavFile } from "../audio/wav.js";
import { getJson } from "../api/http.js";
import { backLink, button, el, icon } from "../base/dom.js";
import { notice } from "../base/notice.js";
import { kept } from "../base/storage.js";
import { languages } from "../input/languages.js";
import { recordingName } from "../input/recorder.js";
import { keepRecording } from "../jobs/recordings.js";
import { documentOf } from "../transcript/document.js";
import { openCaptions } from "./socket.js";

export class LiveView {
  #store;
  #options;
  #connection = null;
  #stopCapture = null;
  #pieces = [];
  #segments = [];
  #heardLanguage = null;
  #closed = false;

  constructor(store, options) {
    this.#store = store;
    this.#options = options;
    this.title = "Live captions";
    this.label = el("span", {}, "Start");
    this.button = button(
      "", () => this.#toggle(), { class: "primary record", id: "live-toggle" }, icon("microphone"), this.label);
    this.level = el("meter", { min: "0", max: "1", value: "0", "aria-label": "Loudness" });
    this.language = el("select", { id: "live-language" }, el("option", { value: "" }, "Detect"),
                       languages().map(({ code, name }) => el("option", { value: code }, name)));
    this.language.value = options.language.input.value;
    this.state = el("p", { class: "muted", role: "status" });
    this.finals = el("div", { class: "finals", "aria-live": "polite", "aria-relevant": "additions" });
    this.partial = el("p", { class: "partial", dir: "auto", "aria-hidden": "true" });
    this.captions = el(
      "div", { class: "captions", tabindex: "0", role: "group", "aria-label": "Captions" }, this.finals,
      this.partial);
    this.after = el("p", { class: "after" });
    this.node = el("div", { class: "live" },
      el("header", { class: "page-head" },
        backLink(),
        el("h1", { tabindex: "-1" }, "Live captions")),
      el("div", { class: "live-bar" }, this.button, this.level,
        el("div", { class: "field inline" }, el("label", { for: "live-language" }, "Language"), this.language)),
      this.state, this.captions, this.after);
    this.#show(false);
  }

  get recording() { return this.#connection !== null; }

  close() {
    this.#closed = true;
    if (this.#connection !== null) this.#finish();
  }

  async #toggle() {
    this.button.disabled = true;
    try {
      await (this.#connection === null ? this.#start() : this.#finish());
    } catch (error) {
      notice(error.message, { problem: true });
      this.#connection?.close();
      this.#connection = null;
      await this.#stopCapture?.();
      this.#stopCapture = null;
      this.#show(false);
    }
    this.button.disabled = false;
  }

  async #start() {
    this.#pieces = [];
    this.#segments = [];
    this.finals.replaceChildren();
    this.after.replaceChildren();
    this.state.textContent = "Connecting";
    // A WebSocket cannot say that it wants a key; another call can.
    await getJson("/v1/models");
    const query = { sample_rate: kCaptureRate, word_timestamps: "true" };
    if (this.language.value !== "") query.language = this.language.value;
    if (this.#options.model.input.value !== "") query.model = this.#options.model.input.value;
    this.#connection = await openCaptions(query, {
      onCaption: (caption) => this.#take(caption),
      onEnd: (reason) => this.#ended(reason),
    });
    this.#stopCapture = await startCapture((samples, level) => {
      this.#pieces.push(samples);
      this.#connection?.send(samples);
      this.level.value = Math.min(1, 4 * level);
    });
    this.#show(true);
  }

  async #finish() {
    this.state.textContent = "Finishing";
    await this.#stopCapture?.();
    this.#stopCapture = null;
    const connection = this.#connection;
    await connection.finish();
    await this.#end();
  }

  // The server has hung up.
  async #ended(reason) {
    if (reason !== null) notice(reason, { problem: true });
    if (this.#stopCapture === null) return;
    await this.#stopCapture();
    this.#stopCapture = null;
    await this.#end();
  }

  async #end() {
    if (this.#connection === null) return;
    this.#connection = null;
    this.#show(false);
    this.partial.textContent = "";
    if (this.#segments.length === 0) {
      this.state.textContent = "Nothing was heard.";
      return;
    }
    const id = await this.#keep();
    this.after.replaceChildren(el("a", { href: `#/job/${id}`, class: "button" }, "Open as a transcript"));
  }

  #take(caption) {
    this.#heardLanguage = caption.language ?? this.#heardLanguage;
    if (caption.kind === "partial") this.partial.textContent = caption.text.trim();
    if (caption.kind !== "final" || caption.text.trim() === "") return this.#scroll();
    this.partial.textContent = "";
    this.finals.append(el("p", { dir: "auto" }, caption.text.trim()));
    const whole = {
      start: caption.start ?? 0,
      end: caption.end ?? caption.start ?? 0,
      text: caption.text,
      speaker: null,
      words: []
    };
    this.#segments.push(...(caption.segments.length > 0 ? caption.segments : [whole]));
    return this.#scroll();
  }

  #scroll() {
    this.captions.scrollTop = this.captions.scrollHeight;
  }

  // As a transcript of this browser's own.
  async #keep() {
    const file = wavFile(this.#pieces, kCaptureRate, recordingName());
    const id = `live-${Date.now()}`;
    const duration = this.#pieces.reduce((sum, piece) => sum + piece.length, 0) / kCaptureRate;
    const result = { language: this.language.value || this.#heardLanguage, duration, segments: this.#segments };
    const document = {
      ...documentOf({ id, title: file.name.replace("Recording", "Captions").replace(/\.wav$/, ""), result }),
      createdAt: Date.now()
    };
    await kept.put("transcripts", id, document);
    await keepRecording(id, file);
    this.#store.addLocal(document);
    return id;
  }

  #show(listening) {
    this.label.textContent = listening ? "Stop" : "Start";
    this.button.classList.toggle("recording", listening);
    this.button.setAttribute("aria-pressed", String(listening));
    this.level.hidden = !listening;
    this.language.disabled = listening;
    this.node.classList.toggle("listening", listening);
    if (!this.#closed)
      this.state.textContent =
        listening ? "Listening" : "Press start and speak. The sound goes to this server and nowhere else.";
  }
}
