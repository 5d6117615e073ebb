// The strip of speakers above a transcript, and the dialog that renames one.
import { openDialog } from "../base/dialog.js";
import { button, el, icon } from "../base/dom.js";
import { colourOf } from "./document.js";

export function speakerStrip(document, rename) {
  if (document.speakers.length === 0) return null;
  const chips = document.speakers.map((speaker) =>
    el("li", {}, button("", () => rename(speaker.id), {
      class: `chip ${colourOf(document, speaker.id)}`, "aria-label": `Rename speaker ${speaker.name}`, title: "Rename",
      data: { speaker: speaker.id },
    }, el("span", { class: "dot", "aria-hidden": "true" }), speaker.name, icon("edit"))));
  return el("ul", { class: "speakers", "aria-label": "Speakers" }, chips);
}

// renamed(name) is called when another name was given.
export function askForName(speaker, renamed) {
  const input = el("input", { id: "speaker-name", type: "text", required: true, maxlength: "80", autocomplete: "off" });
  input.value = speaker.name;
  const form = el("form", { method: "dialog", class: "stack" },
    el("label", { for: "speaker-name" }, "Name"), input,
    el("div", { class: "actions" }, el("button", { class: "primary", type: "submit", value: "rename" }, "Rename")));
  openDialog("Rename speaker", form, {
    onClose: (result) => {
      const name = input.value.replace(/\s+/g, " ").trim();
      if (result === "rename" && name !== "" && name !== speaker.name) renamed(name);
    },
  });
  input.select();
}
