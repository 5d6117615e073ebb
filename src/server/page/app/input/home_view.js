// The first page: bring in recordings, and choose what is done with them.
import { button, el, icon } from "../base/dom.js";
import { plural } from "../base/format.js";
import { announce, notice } from "../base/notice.js";
import { isMedia, wireDrop } from "./drop.js";
import { Options } from "./options.js";
import { Recorder } from "./recorder.js";

export class HomeView {
  #store;
  #recorder;
  single = null;  // the store's id of a file that was given alone

  constructor(store) {
    this.#store = store;
    this.title = "New transcript";
    this.options = new Options();
    const files = el("input", {
      type: "file",
      multiple: true,
      id: "file-input",
      class: "hidden-file",
      tabindex: "-1",
      "aria-hidden": "true"
    });
    const folder = el(
      "input",
      { type: "file", webkitdirectory: true, class: "hidden-file", tabindex: "-1", "aria-hidden": "true" });
    files.addEventListener("change", () => this.#take(files));
    folder.addEventListener("change", () => this.#take(folder, isMedia));
    const recorder = this.#recorder = new Recorder((file) => this.#add([file]));
    const zone = el("div", { class: "drop-zone" },
      el("p", { class: "drop-title" }, "Drop recordings here"),
      el("p", { class: "muted" }, "Sound or video, single files or a whole folder."),
      el("div", { class: "drop-actions" },
        button("", () => files.click(), { class: "primary", id: "choose-files" }, icon("file"), "Choose files"),
        button("", () => folder.click(), { id: "choose-folder" }, icon("folder"), "Choose a folder"),
        recorder.node),
      files, folder);
    wireDrop(zone, (dropped) => this.#add(dropped));
    const heading = el("h2", { id: "options-title" }, "Options");
    // On phones the list of transcripts comes below: the options are folded away there.
    const wide = matchMedia("(min-width: 56.01rem)").matches;
    const options = el(
      "details", { open: wide, "aria-labelledby": "options-title" }, el("summary", {}, heading), this.options.node);
    this.node = el("div", { class: "home" }, el("h1", { tabindex: "-1" }, "What was said?"), zone, options);
  }

  get recording() { return this.#recorder.recording; }

  #take(input, wanted = () => true) {
    this.#add([...input.files].filter(wanted));
    input.value = "";
  }

  #add(files) {
    const some = files.filter((file) => file.size > 0);
    if (files.length === 0) return notice("No sound or video was found there.", { problem: true });
    if (some.length < files.length)
      notice(`${plural(files.length - some.length, "empty file")} left out.`, { problem: true });
    if (some.length === 0) return undefined;
    announce(`${plural(some.length, "file")} added`);
    const ids = this.#store.add(some, this.options.fields());
    this.single = ids.length === 1 ? ids[0] : null;
    return undefined;
  }
}
