// The page of one job: its transcript as far as there is one, the recording below it, and what can be done with both.
import { call } from "../api/http.js";
import { audioAddress } from "../api/jobs.js";
import { apiKey } from "../api/key.js";
import { outlineOf } from "../audio/outline.js";
import { backLink, button, el, icon, iconButton, setLabel } from "../base/dom.js";
import { clock, times } from "../base/format.js";
import { openExport } from "../export/menu.js";
import { languageName } from "../input/languages.js";
import { queueText } from "../jobs/job_list.js";
import { isOver } from "../jobs/job_store.js";
import { keepRecording, recordingOf } from "../jobs/recordings.js";
import { PlayerBar } from "../player/controls.js";
import { Player } from "../player/player.js";
import { colourOf, documentOf, segmentFrom } from "./document.js";
import { SearchBar } from "./search_bar.js";
import { Session } from "./session.js";
import { askForName, speakerStrip } from "./speakers.js";
import { TranscriptView } from "./view.js";

// Larger recordings are not fetched as a whole: they are played as they come, without an outline.
const kMostFetchedBytes = 200e6;

const kHelp =
  "Left and right arrow keys move from word to word, up and down from line to line. Enter plays from there, " +
  "space plays or pauses, E edits the line.";

export class JobView {
  #store;
  #id;
  #session;
  #player = new Player();
  #aborter = new AbortController();
  #endings = [];
  #partial = null;
  #loaded = false;
  #shownSpeakers = null;

  constructor(store, id) {
    this.#store = store;
    this.#id = id;
    this.#session = new Session(id);
    this.title = store.get(id)?.name ?? "Transcript";
    this.#build();
    this.#endings.push(
      store.on("change", () => this.#follow()), store.on("segment", (which) => which === id && this.#grow()),
      this.#session.on("change", () => this.#show()),
      this.#player.on("time", () => this.#view.setTime(this.#player.time, this.#player.playing)),
      this.#player.on("failed", () => { this.#bar.reason = "This browser cannot play the recording."; }));
    this.#wireKeys();
    this.#open();
  }
  #view;
  #bar;
  #search;

  #build() {
    this.#view = new TranscriptView({
      play: (time) => {
        this.#player.seek(time);
        this.#player.play();
      },
      toggle: () => this.#player.toggle(),
      edit: (id, change) => this.#session.edit(id, change),
      renameSpeaker: (id) => this.#rename(id),
    });
    this.#search = new SearchBar(this.#view);
    this.#bar = new PlayerBar(this.#player, { onChoose: (file) => this.#give(file) });
    this.heading = el("h1", { tabindex: "-1", dir: "auto" }, this.title);
    this.facts = el("p", { class: "muted facts" });
    this.undo = iconButton("undo", "Undo", () => this.#session.undo(), { disabled: true, id: "undo" });
    this.redo = iconButton("redo", "Redo", () => this.#session.redo(), { disabled: true, id: "redo" });
    this.export = button(
      "", () => openExport(this.#session.document), { disabled: true, id: "export" }, icon("download"), "Export");
    this.progress = el("progress", { max: "1", "aria-label": "Progress", hidden: true });
    this.state = el("p", { class: "state" });
    this.warning = el("p", { class: "state" });
    this.corrected = el(
      "p", { class: "state", hidden: true }, "With your corrections. ",
      button("Undo all", () => this.#revert(), { class: "link", id: "revert" }));
    this.speakers = el("div", { class: "speaker-place" });
    this.node = el(
      "div", { class: "job-view" },
      el(
        "header", { class: "job-head" }, backLink(), el("div", { class: "job-title" }, this.heading, this.facts),
        el(
          "div", { class: "toolbar", role: "group", "aria-label": "Editing" }, this.#search.node, this.undo,
          this.redo, this.export)),
      this.progress, this.state, this.warning, this.corrected, this.speakers,
      el("p", { id: "transcript-help", class: "help" }, kHelp), this.#view.node, this.#bar.node);
  }

  close() {
    this.#aborter.abort();
    this.#player.unload();
    this.#bar.close();
    this.#endings.forEach((end) => end());
  }

  async #open() {
    try {
      if (await this.#store.find(this.#id) === null) this.#say("There is no such transcript.", true);
    } catch (error) {
      this.#say(error.message, true);
    }
    this.#follow();
    await this.#findRecording();
  }

  // This browser has it, or the server, or whoever reads.
  async #findRecording() {
    const kept = await recordingOf(this.#id);
    const job = this.#store.get(this.#id);
    if (kept) return this.#hear(kept);
    if (!job?.hasAudio) {
      this.#bar.reason = "The recording was not kept.";
      return undefined;
    }
    if (job.sizeBytes > kMostFetchedBytes && apiKey() === "") return this.#play(audioAddress(this.#id));
    try {
      const response = await call(audioAddress(this.#id), { signal: this.#aborter.signal });
      return this.#hear(await response.blob());
    } catch (error) {
      if (error.name !== "AbortError") this.#bar.reason = "The recording could not be fetched.";
      return undefined;
    }
  }

  async #give(file) {
    this.#hear(file);
    await keepRecording(this.#id, file);
  }

  #play(source) {
    this.#bar.reason = null;
    this.#player.load(source, this.#store.get(this.#id)?.audioS ?? 0);
    this.#bar.restoreRate();
  }

  async #hear(blob) {
    this.#play(blob);
    const outline = await outlineOf(blob, this.#aborter.signal);
    if (outline === null) return;
    this.#bar.waveform.peaks = outline.peaks;
    this.#player.knownDuration = outline.duration;
  }

  #say(text, problem = false) {
    this.state.textContent = text;
    this.state.classList.toggle("problem", problem);
  }

  // The job has changed.
  #follow() {
    const job = this.#store.get(this.#id);
    if (job === null) return;
    this.#describe(job);
    if (this.#loaded) return;
    this.#titled(job.name);
    this.progress.hidden = isOver(job);
    if (Number.isFinite(job.fraction) && job.status === "running") this.progress.value = job.fraction;
    else this.progress.removeAttribute("value");
    if (job.status === "done") this.#load(job);
    else if (job.status === "failed")
      this.#say(`This could not be transcribed: ${job.error ?? "the server does not say why"}`, true);
    else if (job.status === "cancelled") this.#say("This was cancelled.");
    else if (job.status === "queued") this.#say(`${queueText(job)}. The transcript appears here as it is made.`);
    else this.#say(this.#store.segments(this.#id).length > 0 ? "" : "Transcribing. The first lines appear in a moment.");
    if (job.status === "running") this.#grow();
  }

  async #load(job) {
    this.#loaded = true;
    this.#view.editable = true;
    try {
      await this.#session.load(job.name);
    } catch (error) {
      this.#say(error.message, true);
    }
  }

  // What is known of a transcript that is being made.
  #grow() {
    if (this.#loaded) return;
    const segments = this.#store.segments(this.#id);
    if (segments.length > 0) this.#say("");
    this.#partial ??=
      documentOf({ id: this.#id, title: this.title, result: { language: null, duration: null, segments: [] } });
    const known = this.#partial.segments.length > segments.length ? [] : this.#partial.segments;
    const fresh = segments.slice(known.length).map((segment, i) => segmentFrom(segment, known.length + i));
    this.#partial = { ...this.#partial, segments: [...known, ...fresh] };
    this.#view.editable = false;
    this.#view.render(this.#partial);
  }

  #show() {
    const document = this.#session.document;
    this.#titled(document.title);
    this.#say(document.segments.length === 0 ? "Nothing was said in this recording." : "");
    this.#view.render(document);
    this.#search.document = document;
    this.export.disabled = false;
    this.corrected.hidden = !this.#session.corrected;
    for (const [node, word, label] of [
           [this.undo, "Undo", this.#session.undoLabel], [this.redo, "Redo", this.#session.redoLabel]]) {
      node.disabled = label === null;
      setLabel(node, label === null ? word : `${word}: ${label}`);
    }
    this.#bar.waveform.bands =
      document.segments.map(({ start, end, speaker }) => ({ start, end, colour: colourOf(document, speaker) }))
        .filter((band) => band.colour);
    if (document.speakers !== this.#shownSpeakers) {
      this.speakers.replaceChildren(...[speakerStrip(document, (id) => this.#rename(id))].filter(Boolean));
      this.#shownSpeakers = document.speakers;
    }
    this.#view.setTime(this.#player.time, false);
  }

  async #revert() {
    try {
      await this.#session.revert();
      this.#view.node.focus({ preventScroll: true });
    } catch (error) {
      this.#say(error.message, true);
    }
  }

  #rename(id) {
    const speaker = this.#session.document.speakers.find((each) => each.id === id);
    if (!speaker || !this.#loaded) return;
    askForName(speaker, (name) => {
      this.#session.rename(id, name);
      this.speakers.querySelector(`[data-speaker="${CSS.escape(id)}"]`)?.focus();
    });
  }

  #titled(name) {
    if (this.heading.textContent !== name) this.heading.textContent = name;
    if (this.title !== name) document.title = `${name} · Amanuensis`;
    this.title = name;
  }

  #describe(job) {
    const facts = [
      job.audioS > 0 ? clock(job.audioS) : null,
      job.language ? languageName(job.language) : null,
      job.model,
      job.realtimeFactor > 0 ? `${times(job.realtimeFactor)} realtime` : null,
      job.createdAt?.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) ?? null,
    ];
    const text = facts.filter(Boolean).join(" · ");
    if (this.facts.textContent !== text) this.facts.textContent = text;
    this.warning.textContent = job.warning ?? "";
  }

  // Undo and redo as everywhere; fields keep their own.
  #wireKeys() {
    const act = (event) => {
      const key = event.key.toLowerCase();
      if (!(event.ctrlKey || event.metaKey) || event.altKey || !this.#loaded) return;
      if (event.target.closest?.("input, textarea, select, dialog")) return;
      if (key === "z" && !event.shiftKey) this.#session.undo();
      else if (key === "y" || (key === "z" && event.shiftKey)) this.#session.redo();
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", act);
    this.#endings.push(() => removeEventListener("keydown", act));
  }
}
