// All jobs this page knows: those that wait to be sent or are being sent, and the server's. Emits "change" (something
// about some job), "segment" (id), "sent" (a file's id and its job's) and "reach" (null, or why the server cannot be used).
import { cancelJob, followJob, getJob, listJobs, submitJob } from "../api/jobs.js";
import { Emitter } from "../base/emitter.js";
import { kept } from "../base/storage.js";
import { forget, keepRecording } from "./recordings.js";

const kActivePollMs = 2000;
const kIdlePollMs = 15000;
// Browsers open six connections to a server of HTTP/1.1; the others are for everything else.
const kMostFollowed = 3;
const kBusyWaitS = 5;

export const isOver = (job) => ["done", "failed", "cancelled"].includes(job.status);

export class JobStore extends Emitter {
  #jobs = new Map();
  #segments = new Map();
  #followed = new Map();
  #silent = new Set();  // jobs whose events the server does not give
  #sending = false;
  #timer = 0;
  #problem = null;
  #count = 0;
  #next;  // where older jobs begin; null when all are here, undefined before the first list
  #local = this.#loadLocal();

  // Newest first.
  get all() { return [...this.#jobs.values()].sort((a, b) => b.createdAt - a.createdAt); }
  get(id) { return this.#jobs.get(id) ?? null; }
  // What is known of a running job's transcript.
  segments(id) { return this.#segments.get(id) ?? []; }
  get busy() { return this.all.some((job) => !isOver(job)); }

  get hasOlder() { return typeof this.#next === "string"; }
  // Files that have not gone to the server yet: who leaves the page loses them.
  get holdsFiles() { return this.all.some((job) => job.file && !isOver(job)); }

  async start() {
    await this.#local;
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh());
    return this.refresh();
  }

  async #loadLocal() {
    for (const id of await kept.keys("transcripts")) {
      if (String(id).startsWith("live-")) this.addLocal(await kept.get("transcripts", id));
    }
  }

  // A transcript that only this browser has.
  addLocal({ id, title, language, duration, createdAt }) {
    this.#jobs.set(id, {
      id,
      name: title,
      language,
      audioS: duration,
      createdAt: new Date(createdAt),
      status: "done",
      fraction: 1,
      local: true,
    });
    this.emit("change");
  }

  // Status "waiting" until it is sent. Returns the ids that the files have until then.
  add(files, fields) {
    const ids = files.map((file) => {
      this.#count += 1;
      const id = `file-${this.#count}`;
      this.#jobs.set(id, {
        id, name: file.name, status: "waiting", createdAt: new Date(Date.now() + this.#count), file, fields,
        fraction: null, aborter: new AbortController(),
      });
      return id;
    });
    this.emit("change");
    this.#sendNext();
    return ids;
  }

  async refresh() {
    clearTimeout(this.#timer);
    try {
      const before = this.all.filter((job) => !job.file && !job.local);
      const { jobs, next } = await listJobs();
      for (const job of jobs) this.#put(job);
      // What the list passes over was removed elsewhere.
      const oldest = next === null ? 0 : jobs.at(-1).createdAt;
      const listed = new Set(jobs.map((job) => job.id));
      for (const job of before) if (job.createdAt >= oldest && !listed.has(job.id)) this.#jobs.delete(job.id);
      if (this.#next === undefined) this.#next = next;
      this.#reach(null);
    } catch (error) {
      this.#reach(error);
    }
    this.#followSome();
    this.emit("change");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => document.hidden || this.refresh(), this.busy ? kActivePollMs : kIdlePollMs);
  }

  async showOlder() {
    const { jobs, next } = await listJobs(this.#next);
    for (const job of jobs) this.#put(job);
    this.#next = next;
    this.emit("change");
  }

  // A job that the list does not hold any more is asked for by itself. Null when there is none.
  async find(id) {
    await this.#local;
    if (!this.#jobs.has(id)) {
      try {
        this.#put(await getJob(id));
      } catch (error) {
        if (error.status !== 404) throw error;
      }
    }
    return this.get(id);
  }

  // Cancels what is not over; forgets what is.
  async remove(id) {
    const job = this.get(id);
    if (!job) return;
    if (job.file) {
      job.aborter.abort();
      this.#jobs.delete(id);
    } else {
      if (!job.local) await cancelJob(id);
      if (isOver(job)) {
        this.#jobs.delete(id);
        await forget(id);
      } else {
        this.#change(id, { status: "cancelled" });
      }
    }
    this.emit("change");
  }

  tryAgain(id) {
    this.#change(id, { status: "waiting", error: null, aborter: new AbortController() });
    this.#sendNext();
  }

  #put(job) {
    const before = this.#jobs.get(job.id);
    // Events are ahead of the list.
    if (before && isOver(before) && !isOver(job)) return;
    const further = before && before.fraction > job.fraction ? { fraction: before.fraction, doneS: before.doneS } : {};
    this.#jobs.set(job.id, { ...before, ...job, audioS: job.audioS ?? before?.audioS ?? null, ...further });
  }

  #change(id, change) {
    const job = this.get(id);
    if (job) this.#jobs.set(id, { ...job, ...change });
    this.emit("change");
  }

  #reach(problem) {
    if (problem?.message !== this.#problem?.message) this.emit("reach", problem);
    this.#problem = problem;
  }

  async #sendNext() {
    const next = [...this.#jobs.values()].find((job) => job.status === "waiting");
    if (this.#sending || !next) return;
    this.#sending = true;
    this.#change(next.id, { status: "uploading", fraction: 0 });
    try {
      const onProgress = (fraction) => this.#change(next.id, { fraction });
      const job = await submitJob(next.file, next.fields, { onProgress, signal: next.aborter.signal });
      this.#jobs.delete(next.id);
      this.#put(
        { ...job, name: job.name === job.id ? next.name : job.name, createdAt: job.createdAt ?? next.createdAt });
      this.emit("sent", next.id, job.id);
      await keepRecording(job.id, next.file);
    } catch (error) {
      if (error.status === 429) await this.#waitForRoom(next.id, error.retryAfterS ?? kBusyWaitS);
      else if (error.name !== "AbortError") this.#change(next.id, { status: "failed", error: error.message });
    }
    this.#sending = false;
    this.#followSome();
    this.emit("change");
    this.#sendNext();
  }

  async #waitForRoom(id, seconds) {
    this.#change(id, { status: "waiting", fraction: null, note: "The server is busy; this is tried again." });
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }

  #followSome() {
    const active = this.all.filter((job) => !job.file && !isOver(job));
    const first = [
      ...active.filter((job) => job.status === "running"), ...active.filter((job) => job.status === "queued").reverse()
    ];
    for (const job of first) {
      if (this.#followed.size >= kMostFollowed) return;
      if (!this.#followed.has(job.id) && !this.#silent.has(job.id)) this.#follow(job.id);
    }
  }

  async #follow(id) {
    const aborter = new AbortController();
    this.#followed.set(id, aborter);
    this.#segments.set(id, []);
    await followJob(id, {
      signal: aborter.signal,
      onBegin: () => this.#segments.set(id, []),
      onChange: (change) =>
        this.#change(id, Object.fromEntries(Object.entries(change).filter(([, value]) => value !== null))),
      onSegment: (segment) => {
        this.#segments.get(id).push(segment);
        this.emit("segment", id);
      },
    });
    this.#followed.delete(id);
    if (!isOver(this.get(id))) this.#silent.add(id);
    await this.refresh();
  }
}
