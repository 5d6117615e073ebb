// The search field of a transcript: counts what it finds and goes from one to the next.
import { el, icon, iconButton } from "../base/dom.js";
import { search } from "./search.js";

// Long transcripts are searched when people pause, not at every letter.
const kWaitMs = 120;

export class SearchBar {
  #view;
  #document = null;
  #hits = [];
  #at = -1;
  #waiting = 0;

  constructor(view) {
    this.#view = view;
    this.input = el("input", { type: "search", placeholder: "Search", "aria-label": "Search in the transcript" });
    this.count = el("span", { class: "count", role: "status" });
    this.node = el("div", { class: "search-bar", role: "search" }, icon("search"), this.input, this.count,
      iconButton("up", "Previous match", () => this.#go(-1)), iconButton("down", "Next match", () => this.#go(1)));
    this.input.addEventListener("input", () => {
      clearTimeout(this.#waiting);
      this.#waiting = setTimeout(() => this.#find(true), kWaitMs);
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") {
        event.preventDefault();
        this.#go(event.shiftKey ? -1 : 1);
      } else if (event.key === "Escape" && this.input.value !== "") {
        this.input.value = "";
        this.#find(true);
      }
    });
  }

  set document(document) {
    this.#document = document;
    if (this.input.value !== "") this.#find(false);
  }

  #find(fromTop) {
    clearTimeout(this.#waiting);
    this.#waiting = 0;
    this.#hits = this.#document === null ? [] : search(this.#document, this.input.value);
    this.#at = this.#hits.length === 0 ? -1 : fromTop ? 0 : Math.min(Math.max(0, this.#at), this.#hits.length - 1);
    this.#show(fromTop);
  }

  #go(by) {
    if (this.#waiting !== 0) return this.#find(true);
    if (this.#hits.length === 0) return undefined;
    this.#at = (this.#at + by + this.#hits.length) % this.#hits.length;
    return this.#show(true);
  }

  #show(scroll) {
    this.node.classList.toggle("active", this.input.value !== "");
    this.count.textContent = this.input.value === "" ? "" :
      this.#hits.length === 0 ? "None" : `${this.#at + 1} of ${this.#hits.length}`;
    const marked = scroll ? this.#hits[this.#at] ?? null : null;
    this.#view.setHits(this.#hits, marked);
  }
}
