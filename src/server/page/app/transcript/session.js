// One transcript that is being worked on: its document, the way back, and what this browser keeps of it. Emits "change".
import { getResult } from "../api/jobs.js";
import { Emitter } from "../base/emitter.js";
import { announce } from "../base/notice.js";
import { kept } from "../base/storage.js";
import { addSpeaker, documentOf, renameSpeaker, setSpeaker, setText } from "./document.js";
import { History } from "./history.js";
import { kNewSpeaker } from "./segment_editor.js";

export class Session extends Emitter {
  #id;
  #history = null;
  // Whether the document is another than the server's; captions of this browser have no other.
  corrected = false;

  constructor(id) {
    super();
    this.#id = id;
  }

  // The edited document when this browser has one, else the job's result.
  async load(title) {
    const edited = await kept.get("transcripts", this.#id);
    const document = edited ?? documentOf({ id: this.#id, title, result: await getResult(this.#id) });
    this.#history = new History(document);
    this.corrected = edited !== undefined && !this.#isLocal;
    this.emit("change");
  }

  get #isLocal() { return String(this.#id).startsWith("live-"); }

  // Back to what the server heard, as one more edit, which can be undone.
  async revert() {
    const document = documentOf({ id: this.#id, title: this.document.title, result: await getResult(this.#id) });
    this.#history.push(document, "undo all corrections");
    this.corrected = false;
    this.emit("change");
    kept.remove("transcripts", this.#id);
    announce("All corrections are undone");
  }

  get document() { return this.#history.value; }
  get undoLabel() { return this.#history?.undoLabel ?? null; }
  get redoLabel() { return this.#history?.redoLabel ?? null; }

  edit(segmentId, { text, speaker }) {
    const before = this.document.segments.find((segment) => segment.id === segmentId);
    let document = this.document;
    let label = "correct text";
    if (speaker !== before.speaker) {
      let id = speaker;
      if (speaker === kNewSpeaker) [document, id] = addSpeaker(document);
      document = setSpeaker(document, segmentId, id);
      label = "change speaker";
    }
    this.#push(setText(document, segmentId, text), label);
  }

  rename(speakerId, name) {
    this.#push(renameSpeaker(this.document, speakerId, name), "rename speaker");
  }

  undo() { this.#back(this.#history.undo(), "Undone"); }
  redo() { this.#back(this.#history.redo(), "Done again"); }

  #back(label, word) {
    if (label === null) return;
    announce(`${word}: ${label}`);
    this.#changed();
  }

  #push(document, label) {
    this.#history.push(document, label);
    this.#changed();
  }

  #changed() {
    this.corrected = !this.#isLocal;
    this.emit("change");
    // At once: whoever leaves the page next must find it again.
    kept.put("transcripts", this.#id, this.document);
  }
}
