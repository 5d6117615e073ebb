// What the server runs on: which kernels run where, how fast it is, what waits.
import { backLink, el } from "../base/dom.js";
import { bytes, clock, times } from "../base/format.js";
import { speedChart } from "./chart.js";

const kNames = {
  type: "Kind", name: "Processor", device: "Device", priority: "Order of devices", memory: "Memory in use",
  current_model: "Model", models_found: "Models here",
};

// "self_attention" -> "Self attention".
const titled = (key) => kNames[key] ?? `${key.charAt(0).toUpperCase()}${key.slice(1)}`.replaceAll("_", " ");

function textOf(value) {
  if (value === null || value === undefined || value === "") return "–";
  if (value === true) return "Yes";
  if (value === false) return "No";
  if (Array.isArray(value)) return value.map(textOf).join(", ") || "–";
  if (typeof value === "object")
    return Object.entries(value).map(([key, each]) => `${titled(key)}: ${textOf(each)}`).join(", ");
  return String(value);
}

function facts(pairs) {
  return el(
    "dl", { class: "facts-list" },
    pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, textOf(value)))));
}

function card(title, ...content) {
  return el("section", { class: "card" }, el("h2", {}, title), ...content);
}

const kStages = {
  decode_audio: "Reading the file",
  voice_activity: "Finding speech",
  log_mel: "Spectrum",
  encoder: "Encoder",
  decoder: "Decoder",
  choosing: "Choosing words",
  word_times: "Word times",
};

function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  return seconds < 60 ? `${seconds.toFixed(1)} s` : clock(seconds);
}

// In the order in which they follow one another.
function inOrder(stages) {
  const place = ({ name }) => (name in kStages ? Object.keys(kStages).indexOf(name) : Object.keys(kStages).length);
  return [...stages].sort((a, b) => place(a) - place(b));
}

// What other libraries or plain code do has no kernels.
const kWithoutKernels = new Set(["decode_audio", "choosing"]);

function table(label, caption, head, rows) {
  const row = ([first, ...others]) => el(
    "tr", {}, el("th", { scope: "row" }, first), others.map((text) => el("td", {}, textOf(text))));
  return el(
    "div", { class: "table-room", tabindex: "0", role: "group", "aria-label": label },
    el(
      "table", {}, el("caption", {}, caption),
      el("thead", {}, el("tr", {}, head.map((title) => el("th", { scope: "col" }, title)))),
      el("tbody", {}, rows.map(row))));
}

// Each stage of a model's work: with which kernels, on which device, for how long so far.
function stageTable({ id, kernels, computeType, stages }) {
  const all = stages.reduce((sum, stage) => sum + stage.seconds, 0) || 1;
  return table(
    `Stages of ${id}`, `${id}, computed in ${computeType}`, ["Stage", "Kernels", "Runs on", "Time", "Share"],
    inOrder(stages).map(({ name, device, seconds }) => [
      kStages[name] ?? titled(name), kWithoutKernels.has(name) ? null : device === "cpu" ? kernels : "NPU", device,
      duration(seconds), `${Math.round((100 * seconds) / all)} %`
    ]));
}

// What an NPU does, what the CPU does for it, and why.
function npuCard({ available, device, simulated, reason, operations = [], kernels = [] }) {
  if (device === undefined) return el("p", { class: "muted" }, "No NPU is in use here.");
  return [
    facts([["Name", device], ["In use", available], ["Simulated", simulated], ...(reason ? [["Why not", reason]] : [])]),
    table(
      "Operations of the NPU", "Who did how many calls", ["Operation", "NPU", "CPU", "Why the CPU"],
      operations.map(({ name, npu, cpu, reason: why }) => [titled(name), npu, cpu, why])),
    table(
      "Kernels of the NPU", "Its kernels", ["Kernel", "State", "Launches", "Failures", "Why"],
      kernels.map(({ name, state, launches, failures, reason: why }) => [name, state, launches, failures, why])),
  ];
}

function stages(engine) {
  if (engine === null) return el("p", { class: "muted" }, "The server does not say.");
  if (engine.models.length === 0)
    return el("p", { class: "muted" }, "No model is in memory; the first recording loads one.");
  return engine.models.map(stageTable);
}

function speakersOf({ available, model, note }) {
  if (!available) return el("p", { class: "muted" }, note || "Speakers cannot be told apart here.");
  return el("p", {}, model ? `Speakers are told apart by ${model}.` : "Speakers are told apart.");
}

export class DeviceView {
  #feed;
  #end;

  constructor(feed) {
    this.#feed = feed;
    this.title = "Device";
    this.place = el("div", { class: "cards" });
    this.node = el("div", { class: "device" },
      el("header", { class: "page-head" },
        backLink(),
        el("h1", { tabindex: "-1" }, "Device")),
      this.place);
    this.#end = feed.on("status", () => this.#draw());
    feed.watched = true;
    feed.refresh();
    if (feed.status) this.#draw();
  }

  close() {
    this.#feed.watched = false;
    this.#end();
  }

  #draw() {
    const { hardware = {}, npu_runtime: npu = {}, diarization = {}, queue = {}, performance = {}, ...rest } =
      this.#feed.status;
    const engine = this.#feed.engine;
    const speed = card(
      "Speed",
      el(
        "p", { class: "big" }, times(performance.realtime_factor_recent ?? performance.realtime_factor),
        el("span", { class: "muted" }, " realtime")),
      speedChart(this.#feed.samples, { width: Math.max(260, this.place.clientWidth - 42) }), facts([
        ["Over all", times(performance.realtime_factor)],
        ["Audio transcribed", clock(performance.audio_seconds_total)],
        ["Time it took", duration(performance.processing_seconds_total)]
      ]));
    const nodes = [
      speed,
      card("Where the work is done", stages(engine)),
      card(
        "Queue", facts([["Running", queue.running], ["Waiting", queue.waiting], ["Room for", queue.capacity]])),
      card(
        "Machine", facts([
          ...Object.entries(hardware), ["current_model", rest.current_model], ["models_found", rest.models_found],
          ["version", rest.version], ...(engine?.memoryBytes ? [["memory", bytes(engine.memoryBytes)]] : [])
        ].map(([key, value]) => [titled(key), value]))),
      card("NPU", npuCard(npu)),
      card("Speakers", speakersOf(diarization)),
    ];
    // What has not changed stays, with the place of whoever reads it.
    nodes.forEach((node, i) => {
      const old = this.place.children[i];
      if (old === undefined) this.place.append(node);
      else if (!old.isEqualNode(node)) this.#exchange(old, node);
    });
  }

  #exchange(old, node) {
    const room = [...old.querySelectorAll(".table-room")].indexOf(document.activeElement);
    old.replaceWith(node);
    node.querySelectorAll(".table-room")[room]?.focus({ preventScroll: true });
  }
}
