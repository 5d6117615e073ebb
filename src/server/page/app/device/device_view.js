// What the server runs on: which kernels run where, how fast it is, what waits.
import { el, icon } from "../base/dom.js";
import { bytes, clock, times } from "../base/format.js";
import { speedChart } from "./chart.js";

const kNames = {
  type: "Kind", name: "Processor", device: "Device", priority: "Order of devices", matmul: "Matrix products",
  current_model: "Model", models_found: "Models here", version: "Version",
};

// "self_attention" -> "Self attention".
const titled = (key) => kNames[key] ?? `${key.charAt(0).toUpperCase()}${key.slice(1)}`.replaceAll("_", " ");

function textOf(value) {
  if (value === null || value === undefined || value === "") return "–";
  if (value === true) return "Yes";
  if (value === false) return "No";
  if (Array.isArray(value)) return value.map(textOf).join(", ") || "–";
  if (typeof value === "object") return Object.entries(value).map(([key, each]) => `${titled(key)}: ${textOf(each)}`).join(", ");
  return String(value);
}

function facts(pairs) {
  return el("dl", { class: "facts-list" }, pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, textOf(value)))));
}

function card(title, ...content) {
  return el("section", { class: "card" }, el("h2", {}, title), ...content);
}

// {gemm: "avx512"}, [{name, device}] or ["avx512"]: a table when it has names.
function kernelTable(kernels, device) {
  const rows = Array.isArray(kernels)
    ? kernels.map((each) => (typeof each === "object" ? [each.name ?? each.operation, each.variant ?? each.kernel ?? "", each.device ?? device] : [each, "", device]))
    : Object.entries(kernels ?? {}).map(([name, each]) =>
        (typeof each === "object" && each !== null ? [name, each.variant ?? each.kernel ?? "", each.device ?? device] : [name, each, device]));
  if (rows.length === 0) return el("p", { class: "muted" }, "The server does not say.");
  const head = ["Operation", "Kernel", "Runs on"];
  return el("div", { class: "table-room", tabindex: "0", role: "group", "aria-label": "Kernels" }, el("table", {},
    el("thead", {}, el("tr", {}, head.map((title) => el("th", { scope: "col" }, title)))),
    el("tbody", {}, rows.map(([name, variant, where]) =>
      el("tr", {}, el("th", { scope: "row" }, titled(textOf(name))), el("td", {}, textOf(variant)), el("td", {}, textOf(where)))))));
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
        el("a", { class: "icon-button back", href: "#/", "aria-label": "All transcripts", title: "All transcripts" }, icon("back")),
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
    const { hardware = {}, npu_runtime: npu = {}, diarization = {}, queue = {}, performance = {}, ...rest } = this.#feed.status;
    const { kernels, ...machine } = hardware;
    const speed = card("Speed",
      el("p", { class: "big" }, times(performance.realtime_factor_recent ?? performance.realtime_factor), el("span", { class: "muted" }, " realtime")),
      speedChart(this.#feed.samples, { width: Math.max(260, this.place.clientWidth - 42) }),
      facts([["Over all", times(performance.realtime_factor)], ["Audio transcribed", clock(performance.audio_seconds_total)],
             ["Time it took", clock(performance.processing_seconds_total)]]));
    const flags = Object.entries(npu).filter(([key]) => key !== "available");
    const nodes = [
      speed,
      card("Queue", facts([["Running", queue.running], ["Waiting", queue.waiting], ["Room for", queue.capacity]])),
      card("Machine", facts([...Object.entries(machine), ["current_model", rest.current_model], ["models_found", rest.models_found],
                             ["version", rest.version], ...(rest.memory_bytes ? [["Memory in use", bytes(rest.memory_bytes)]] : [])]
        .map(([key, value]) => [titled(key), value]))),
      card("Kernels", kernelTable(kernels, machine.device ?? machine.type)),
      card("NPU", npu.available ? facts(flags.map(([key, value]) => [titled(key), value])) :
                                  el("p", { class: "muted" }, "No NPU is in use here.")),
      card("Speakers", el("p", { class: diarization.available ? "" : "muted" },
        diarization.available ? `Speakers are told apart${diarization.model ? ` by ${diarization.model}` : ""}.` :
                                diarization.note || "Speakers cannot be told apart here.")),
    ];
    // A reader in the middle of the table stays there.
    const scrolled = this.place.querySelector(".table-room")?.scrollTop ?? 0;
    const focused = this.place.querySelector(".table-room") === document.activeElement;
    this.place.replaceChildren(...nodes);
    const room = this.place.querySelector(".table-room");
    if (room) room.scrollTop = scrolled;
    if (room && focused) room.focus();
  }
}
