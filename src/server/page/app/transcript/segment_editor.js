// Edits one segment in place: its text and, when people like, who says it.
import { button, el } from "../base/dom.js";
import { clock } from "../base/format.js";
import { textOf } from "./document.js";

export const kNewSpeaker = "+";

export class SegmentEditor {
  #done;
  #over = false;
  #before;

  // done(change): null when nothing was changed or editing was given up; else {text, speaker}, where speaker is an id,
  // null for nobody, or kNewSpeaker.
  constructor(document, segment, done) {
    this.#done = done;
    this.#before = { text: textOf(segment), speaker: segment.speaker };
    this.text = el(
      "textarea", { rows: "2", dir: "auto", "aria-label": `Text at ${clock(segment.start)}`, spellcheck: "true" });
    this.text.value = this.#before.text;
    if (document.language) this.text.lang = document.language;
    this.speaker = el(
      "select", { "aria-label": "Speaker" }, el("option", { value: "" }, "No speaker"),
      document.speakers.map(
        (each) => el("option", { value: each.id, selected: each.id === segment.speaker }, each.name)),
      el("option", { value: kNewSpeaker }, "New speaker"));
    this.node = el("div", { class: "segment-editor" }, this.text,
      el("div", { class: "editor-foot" }, this.speaker,
        button("Cancel", () => this.finish(false)),
        button("Save", () => this.finish(true), { class: "primary" })));
    this.node.addEventListener("keydown", (event) => this.#key(event));
    this.text.addEventListener("input", () => this.#grow());
  }

  focus() {
    this.#grow();
    this.text.focus();
    this.text.setSelectionRange(this.text.value.length, this.text.value.length);
  }

  finish(keep) {
    if (this.#over) return;
    this.#over = true;
    const change = { text: this.text.value.replace(/\s+/g, " ").trim(), speaker: this.speaker.value || null };
    const same = change.text === this.#before.text.replace(/\s+/g, " ") && change.speaker === this.#before.speaker;
    this.#done(keep && !same ? change : null);
  }

  #grow() {
    this.text.rows = 1;
    const line = Number.parseFloat(getComputedStyle(this.text).lineHeight) || 24;
    this.text.rows = Math.max(1, Math.min(16, Math.round(this.text.scrollHeight / line)));
  }

  #key(event) {
    event.stopPropagation();
    if (event.key === "Escape") this.finish(false);
    else if (event.key === "Enter" && event.target === this.text && !event.shiftKey && !event.isComposing)
      this.finish(true);
    else return;
    event.preventDefault();
  }
}
