// Shows a transcript: words that can be clicked, tinted where the model was unsure, and the one that is heard. One stop
// for the Tab key: inside, arrow keys move a cursor from word to word, Enter plays from there and E edits.
import { button, el, iconButton } from "../base/dom.js";
import { clock, spokenTime } from "../base/format.js";
import { announce } from "../base/notice.js";
import { colourOf, placeAt, speakerOf } from "./document.js";
import { SegmentEditor } from "./segment_editor.js";

// Below the first a word is tinted, below the second strongly.
const kUnsure = 0.6;
const kVeryUnsure = 0.35;
// After people scrolled, the page leaves them alone for a while.
const kLeaveAloneMs = 4000;

export class TranscriptView {
  #acts;
  #document = null;
  #rows = [];  // of document.segments: {segment, colour, turn, node, words}
  #cursor = { segment: 0, word: 0 };
  #heard = null;
  #hits = [];
  #editor = null;
  #scrolledAt = 0;

  // acts: play(time), toggle(), edit(segmentId, {text, speaker}), renameSpeaker(id).
  constructor(acts) {
    this.#acts = acts;
    this.#list = el("ol", { class: "segments" });
    this.node = el(
      "div", {
        class: "transcript",
        role: "group",
        tabindex: "0",
        "aria-label": "Transcript",
        "aria-describedby": "transcript-help",
      },
      this.#list);
    this.node.addEventListener("click", (event) => this.#click(event));
    this.node.addEventListener("dblclick", (event) => this.#doubleClick(event));
    this.node.addEventListener("keydown", (event) => this.#key(event));
    for (const event of ["wheel", "touchmove"]) {
      this.node.addEventListener(event, () => { this.#scrolledAt = performance.now(); }, { passive: true });
    }
  }
  #list;

  #editable = true;

  set editable(editable) {
    this.#editable = editable;
    this.node.classList.toggle("fixed", !editable);
  }

  get editing() { return this.#editor !== null; }

  // Draws what differs from what is shown.
  render(document) {
    this.#document = document;
    if (document.language) this.#list.lang = document.language;
    const old = new Map(this.#rows.map((row) => [row.segment.id, row]));
    let speaker = null;
    this.#rows = document.segments.map((segment) => {
      const said = speakerOf(document, segment);
      const turn = said !== null && said.id !== speaker ? said.name : null;
      speaker = said?.id ?? null;
      const before = old.get(segment.id);
      const colour = colourOf(document, segment.speaker);
      if (before && before.segment === segment && before.turn === turn && before.colour === colour) return before;
      return this.#row(segment, turn, colour);
    });
    this.#arrange(this.#rows.map((row) => row.node));
    this.#heard = null;
    this.#markHits();
    this.#showCursor();
  }

  #arrange(nodes) {
    const wanted = new Set(nodes);
    for (const node of [...this.#list.children]) if (!wanted.has(node)) node.remove();
    nodes.forEach((node, i) => {
      if (this.#list.children[i] !== node) this.#list.insertBefore(node, this.#list.children[i] ?? null);
    });
  }

  #row(segment, turn, colour) {
    const words = segment.words.map((word, i) => {
      const lead = word.text.length - word.text.trimStart().length;
      const unsure = word.p === null || word.p >= kUnsure ? "" : word.p >= kVeryUnsure ? " unsure" : " unsure very";
      const title = unsure === "" ? null : `${Math.round(word.p * 100)} % sure`;
      const span = el("span", { class: `word${unsure}`, data: { word: i }, title }, word.text.slice(lead));
      return { lead: word.text.slice(0, lead), span };
    });
    const text = el(
      "p", { class: "segment-text", dir: "auto" },
      words.flatMap(({ lead, span }) => (lead ? [lead, span] : [span])));
    const name = turn === null ? null : button(turn, () => this.#acts.renameSpeaker(segment.speaker), {
      class: "turn", tabindex: "-1", title: `Rename ${turn}`,
    });
    const stamp = button(clock(segment.start), () => this.#acts.play(segment.start), {
      class: "stamp", tabindex: "-1", "aria-label": `Play from ${spokenTime(segment.start)}`,
    });
    const edit = iconButton("edit", "Edit this line", () => this.#edit(segment.id), { class: "edit", tabindex: "-1" });
    const node = el("li", { class: `segment ${colour ?? ""}`, data: { id: segment.id } }, name, stamp, text, edit);
    return { segment, colour, turn, node, words: words.map(({ span }) => span) };
  }

  // The word that is heard. Scrolls to it when `follow` is true and nobody scrolls.
  setTime(time, follow) {
    const place = this.#document === null ? null : placeAt(this.#document, time);
    const span = place === null ? null : this.#rows[place.segment].words[place.word] ?? null;
    if (span === this.#heard) return;
    this.#heard?.classList.remove("heard");
    this.#heard?.closest(".segment")?.classList.remove("heard-segment");
    span?.classList.add("heard");
    span?.closest(".segment")?.classList.add("heard-segment");
    this.#heard = span;
    if (place !== null && follow) this.#cursor = place;
    if (span && follow && !this.editing && performance.now() - this.#scrolledAt > kLeaveAloneMs)
      this.#bringIntoView(span);
  }

  #bringIntoView(span) {
    const box = span.getBoundingClientRect();
    const room = this.node.getBoundingClientRect();
    const margin = Math.min(120, room.height / 4);
    if (box.top > room.top + margin / 2 && box.bottom < room.bottom - margin) return;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.node.scrollBy({ top: box.top - room.top - room.height / 3, behavior: calm ? "auto" : "smooth" });
  }

  // Places from search(); `current` is one of them or null, and is scrolled to.
  setHits(hits, current) {
    this.#hits = hits.map((hit) => ({ ...hit, current: hit === current }));
    this.#markHits();
    if (current === null) return;
    const span = this.#rows[current.segment]?.words[current.words[0]];
    if (span) this.#bringIntoView(span);
  }

  #markHits() {
    for (const span of this.#list.querySelectorAll(".hit")) span.classList.remove("hit", "hit-now");
    for (const { segment, words: [first, last], current } of this.#hits) {
      for (const span of (this.#rows[segment]?.words ?? []).slice(first, last + 1)) {
        span.classList.add("hit");
        if (current) span.classList.add("hit-now");
      }
    }
  }

  #rowOf(target) {
    const node = target.closest?.(".segment");
    return node ? this.#rows.findIndex((row) => row.node === node) : -1;
  }

  #click(event) {
    const word = event.target.closest?.(".word");
    const row = this.#rowOf(event.target);
    if (!word || row < 0 || !getSelection().isCollapsed) return;
    this.#cursor = { segment: row, word: Number(word.dataset.word) };
    this.#showCursor();
    this.#acts.play(this.#rows[row].segment.words[this.#cursor.word].start);
  }

  #doubleClick(event) {
    const row = this.#rowOf(event.target);
    if (row >= 0 && event.target.closest(".segment-text")) this.#edit(this.#rows[row].segment.id);
  }

  #key(event) {
    if (event.target !== this.node || event.ctrlKey || event.metaKey || event.altKey || this.#rows.length === 0) return;
    const row = this.#rows[Math.min(this.#cursor.segment, this.#rows.length - 1)].segment;
    const moves = {
      ArrowRight: () => this.#step(1),
      ArrowLeft: () => this.#step(-1),
      ArrowDown: () => this.#goTo(this.#cursor.segment + 1, 0),
      ArrowUp: () => this.#goTo(this.#cursor.segment - 1, 0),
      Home: () => this.#goTo(0, 0),
      End: () => this.#goTo(this.#rows.length - 1, 0),
      Enter: () => this.#acts.play(row.words[Math.min(this.#cursor.word, row.words.length - 1)].start),
      " ": () => this.#acts.toggle(),
      e: () => this.#edit(row.id),
      E: () => this.#edit(row.id),
      F2: () => this.#edit(row.id),
    };
    if (!(event.key in moves)) return;
    event.preventDefault();
    moves[event.key]();
  }

  #step(by) {
    const { segment, word } = this.#cursor;
    const count = this.#rows[Math.min(segment, this.#rows.length - 1)].words.length;
    if (word + by >= 0 && word + by < count) this.#goTo(segment, word + by);
    else if (by > 0 && segment + 1 < this.#rows.length) this.#goTo(segment + 1, 0);
    else if (by < 0 && segment > 0) this.#goTo(segment - 1, this.#rows[segment - 1].words.length - 1);
  }

  #goTo(segment, word) {
    const row = Math.max(0, Math.min(segment, this.#rows.length - 1));
    this.#cursor = { segment: row, word };
    this.#scrolledAt = performance.now();
    this.#showCursor();
    const { words, start } = this.#rows[row].segment;
    const span = this.#rows[row].words[word];
    if (span) this.#bringIntoView(span);
    const unsure = words[word]?.p !== null && words[word]?.p < kUnsure ? ", unsure" : "";
    announce(
      word === 0 ? `${spokenTime(start)}: ${words.map((each) => each.text).join("")}` : `${words[word].text}${unsure}`);
  }

  #showCursor() {
    this.#list.querySelector(".cursor")?.classList.remove("cursor");
    this.#rows[this.#cursor.segment]?.words[this.#cursor.word]?.classList.add("cursor");
  }

  #edit(id) {
    if (!this.#editable) return;
    this.#editor?.finish(true);
    const row = this.#rows.find((each) => each.segment.id === id);
    if (!row) return;
    this.#editor = new SegmentEditor(this.#document, row.segment, (change) => {
      this.#editor = null;
      row.node.classList.remove("editing");
      editorNode.remove();
      this.node.focus({ preventScroll: true });
      if (change !== null) this.#acts.edit(id, change);
    });
    const editorNode = this.#editor.node;
    row.node.classList.add("editing");
    row.node.append(editorNode);
    this.#editor.focus();
  }
}
