// What files are transcribed with. Remembered in this browser.
import { modelsOf } from "../api/shape.js";
import { getJson } from "../api/http.js";
import { el } from "../base/dom.js";
import { readSetting, writeSetting } from "../base/storage.js";
import { languages } from "./languages.js";

export class Options {
  #values = readSetting("options", {});

  constructor() {
    this.language = this.#select("language", "Language",
      [["", "Detect"], ...languages().map(({ code, name }) => [code, name])]);
    this.model = this.#select("model", "Model", [["", "Server’s choice"]]);
    this.task = this.#select("task", "Write it down", [["transcribe", "As it is spoken"], ["translate", "In English"]]);
    this.prompt = this.#field("prompt", "Names and words to expect", el("input", {
                                type: "text",
                                maxlength: "800",
                                autocomplete: "off",
                                placeholder: "Such as: Ljubljana, OAuth, Dr Okafor"
                              }));
    this.vad = this.#check("vad_filter", "Leave out silence", true);
    this.diarize = this.#check("diarization", "Tell speakers apart", false);
    this.diarizeNote = el("p", { class: "muted small", id: "diarize-note" });
    this.most = this.#field("max_speakers", "At most so many speakers",
      el("input", { type: "number", min: "1", max: "20", placeholder: "Any" }));
    this.node = el("div", { class: "options" },
      this.language.row, this.model.row, this.task.row, this.prompt.row,
      el("fieldset", {}, el("legend", {}, "More"), this.vad.row, this.diarize.row, this.diarizeNote, this.most.row));
    this.showDiarization(null);
  }

  // Pairs of the form's fields, as POST /v1/jobs names them.
  fields() {
    const fields = [["word_timestamps", "true"], ["vad_filter", String(this.vad.input.checked)]];
    for (const name of ["language", "model", "prompt"]) {
      if (this[name].input.value !== "") fields.push([name, this[name].input.value]);
    }
    if (this.task.input.value === "translate") fields.push(["task", "translate"]);
    if (this.diarize.input.checked && !this.diarize.input.disabled) {
      fields.push(["diarization", "true"]);
      if (this.most.input.value !== "") fields.push(["max_speakers", this.most.input.value]);
    }
    return fields;
  }

  async loadModels() {
    const models = modelsOf(await getJson("/v1/models"));
    const standard = models.find((model) => model.isDefault);
    const first = el("option", { value: "" }, standard ? `${standard.id} (standard)` : "Server’s choice");
    const others =
      models.filter((model) => !model.isDefault).map((model) => el("option", { value: model.id }, model.id));
    this.model.input.replaceChildren(first, ...others);
    this.#restore("model", this.model.input);
  }

  // `diarization` is what /status says of it: {available, note}.
  showDiarization(diarization) {
    const available = diarization?.available === true;
    this.diarize.input.disabled = !available;
    this.most.row.hidden = !available;
    this.diarizeNote.hidden = available || diarization === null;
    this.diarizeNote.textContent =
      diarization?.note || "This server cannot tell speakers apart; you can name them by hand.";
  }

  #keep(name, value) {
    this.#values = { ...this.#values, [name]: value };
    writeSetting("options", this.#values);
  }

  #restore(name, input) {
    const value = this.#values[name];
    if (value === undefined) return;
    if (input.type === "checkbox") input.checked = value;
    else input.value = value;
    // A choice that is there no more.
    if (input.tagName === "SELECT" && input.selectedIndex < 0) input.selectedIndex = 0;
  }

  #field(name, label, input) {
    input.id = `option-${name}`;
    const row = el("div", { class: "field" }, el("label", { for: input.id }, label), input);
    input.addEventListener("change", () => this.#keep(name, input.value));
    this.#restore(name, input);
    return { row, input };
  }

  #select(name, label, choices) {
    return this.#field(name, label, el("select", {}, choices.map(([value, text]) => el("option", { value }, text))));
  }

  #check(name, label, otherwise) {
    const input = el("input", { type: "checkbox", id: `option-${name}` });
    input.checked = otherwise;
    input.addEventListener("change", () => this.#keep(name, input.checked));
    this.#restore(name, input);
    return { row: el("label", { class: "check", for: input.id }, input, label), input };
  }
}
