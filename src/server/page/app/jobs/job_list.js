// The list of jobs: what waits, what runs and how far it is, what is done.
import { button, el, iconButton } from "../base/dom.js";
import { ago, clock, plural } from "../base/format.js";
import { announce, notice } from "../base/notice.js";
import { isOver } from "./job_store.js";

const kWords = {
  waiting: "Waiting", uploading: "Sending", running: "Transcribing", done: "Done", failed: "Failed",
  cancelled: "Cancelled",
};

export function queueText(job) {
  return job.position > 1 ? `In the queue, ${plural(job.position - 1, "file")} before it` : "Next in the queue";
}

function statusText(job) {
  const percent = job.fraction === null || job.fraction === undefined ? "" : ` ${Math.floor(job.fraction * 100)} %`;
  if (job.status === "uploading" || job.status === "running") {
    const where = job.status === "running" && job.audioS > 0 && job.doneS !== null && job.doneS !== undefined
      ? ` · ${clock(job.doneS)} of ${clock(job.audioS)}` : "";
    return `${kWords[job.status]}${percent}${where}`;
  }
  if (job.status === "done")
    return [job.audioS > 0 ? clock(job.audioS) : null, ago(job.createdAt)].filter(Boolean).join(" · ");
  if (job.status === "failed") return `${kWords.failed}: ${job.error ?? "unknown reason"}`;
  if (job.status === "queued") return queueText(job);
  return job.note && job.status === "waiting" ? job.note : kWords[job.status] ?? job.status;
}

export class JobList {
  #store;
  #rows = new Map();
  #current = null;
  #said = new Map();
  #filter = "";

  constructor(store) {
    this.#store = store;
    this.#list = el("ul", { class: "jobs" });
    this.#empty = el("p", { class: "muted empty" }, "Transcripts will be listed here.");
    this.#summary = el("p", { class: "muted summary" });
    const field =
      el("input", { type: "search", placeholder: "Find by name", "aria-label": "Find a transcript by name" });
    field.addEventListener("input", () => {
      this.#filter = field.value.trim().toLowerCase();
      this.#draw();
    });
    this.#field = field;
    this.#older = button("Show older ones", () => this.#showOlder(), { hidden: true });
    this.#heading = el("h2", { id: "jobs-title", tabindex: "-1" }, "Transcripts");
    this.node = el("section", { class: "job-list", "aria-labelledby": "jobs-title" },
      el("div", { class: "job-list-head" }, this.#heading, this.#summary), field, this.#empty, this.#list,
      this.#older);
    store.on("change", () => this.#draw());
    this.#draw();
  }
  #list;
  #empty;
  #summary;
  #field;
  #older;
  #heading;

  set current(id) {
    this.#current = id;
    this.#draw();
  }

  #draw() {
    const jobs = this.#store.all;
    const shown = jobs.filter((job) => job.name.toLowerCase().includes(this.#filter));
    const open = jobs.filter((job) => !isOver(job)).length;
    this.#summary.textContent = open === 0 ? "" : `${plural(open, "file")} under way`;
    this.#empty.hidden = shown.length > 0;
    this.#empty.textContent = jobs.length === 0 ? "Transcripts will be listed here." : "No transcript has such a name.";
    this.#field.hidden = jobs.length < 6;
    this.#older.hidden = !this.#store.hasOlder;
    const nodes = shown.map((job) => this.#row(job));
    const wanted = new Set(nodes);
    for (const node of [...this.#list.children]) if (!wanted.has(node)) node.remove();
    nodes.forEach((node, i) => {
      if (this.#list.children[i] !== node) this.#list.insertBefore(node, this.#list.children[i] ?? null);
    });
    for (const job of jobs) this.#say(job);
  }

  #row(job) {
    let row = this.#rows.get(job.id);
    if (!row) {
      row = this.#make(job);
      this.#rows.set(job.id, row);
    }
    const { node, link, name, status, bar, again, remove } = row;
    node.dataset.status = job.status;
    if (name.textContent !== job.name) {
      name.textContent = job.name;
      link.title = job.name;
    }
    const text = statusText(job);
    if (status.textContent !== text) status.textContent = text;
    if (job.id === this.#current) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    bar.hidden = job.status !== "uploading" && job.status !== "running";
    if (Number.isFinite(job.fraction)) bar.value = job.fraction;
    else bar.removeAttribute("value");
    again.hidden = !(job.file && job.status === "failed");
    const verb = isOver(job) ? "Remove" : "Cancel";
    remove.setAttribute("aria-label", `${verb} ${job.name}`);
    remove.title = verb;
    return node;
  }

  #make(job) {
    const name = el("span", { class: "job-name", dir: "auto" });
    const status = el("span", { class: "job-status" });
    const bar = el("progress", { max: "1", "aria-label": `Progress of ${job.name}` });
    const link = el(
      job.file ? "div" : "a", { class: "job-link", href: job.file ? null : `#/job/${encodeURIComponent(job.id)}` },
      name, status);
    const again = el(
      "button", { type: "button", class: "link", on: { click: () => this.#store.tryAgain(job.id) } }, "Try again");
    const remove = iconButton("close", "Remove", () => this.#remove(job.id), { class: "remove" });
    const node = el("li", { class: "job", data: { job: job.id } }, link, remove, bar, again);
    return { node, link, name, status, bar, again, remove };
  }

  async #showOlder() {
    try {
      await this.#store.showOlder();
    } catch (error) {
      notice(error.message, { problem: true });
    }
  }

  async #remove(id) {
    const job = this.#store.get(id);
    const done = job.status === "done";
    if (done && !confirm(`Remove the transcript of ${job.name}, with all corrections?`)) return;
    try {
      const hadFocus = this.#rows.get(id).node.contains(document.activeElement);
      await this.#store.remove(id);
      if (hadFocus && !this.#store.get(id)) this.#heading.focus();
      if (this.#current === id && isOver(job)) location.hash = "#/";
    } catch (error) {
      notice(error.message, { problem: true });
    }
  }

  // Screen readers hear when a job ends, not each step on the way.
  #say(job) {
    const before = this.#said.get(job.id);
    if (before !== undefined && before !== job.status && isOver(job)) announce(`${job.name}: ${kWords[job.status]}`);
    this.#said.set(job.id, job.status);
  }
}
