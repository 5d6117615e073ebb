// The dialog that saves the transcript as a file.
import { openDialog } from "../base/dialog.js";
import { button, el } from "../base/dom.js";
import { notice } from "../base/notice.js";
import { readSetting, writeSetting } from "../base/storage.js";
import { kFormats } from "./formats.js";

export function saveFile(text, { name, type }) {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = el("a", { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

const bareName = (title) =>
  title.replace(/\.[a-z0-9]{1,5}$/i, "").replace(/[\\/:*?"<>|\u0000-\u001f]+/g, " ").trim() || "transcript";

export function openExport(document) {
  const times = el("input", { type: "checkbox", id: "export-times" });
  times.checked = readSetting("export_times", false);
  times.addEventListener("change", () => writeSetting("export_times", times.checked));
  const save = (format) => {
    const name = `${bareName(document.title)}.${format.name}`;
    saveFile(format.write(document, { times: times.checked }), { name, type: format.type });
    dialog.close();
    notice(`Saved ${name}.`);
  };
  const rows = kFormats.map((format) =>
    el("li", {}, button("", () => save(format), { class: "row-button", data: { format: format.name } },
      el("span", { class: "format-name" }, `.${format.name}`), el("span", {}, format.label))));
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(kFormats[0].write(document, { times: times.checked }));
      notice("Copied the text.");
    } catch {
      notice("The browser did not allow copying.", { problem: true });
    }
    dialog.close();
  };
  const dialog = openDialog("Export", el("div", { class: "stack" },
    el("p", { class: "muted" }, "With your corrections and speaker names."),
    el("ul", { class: "plain-list" }, rows),
    el("label", { class: "check", for: "export-times" }, times, "Times in text and document"),
    el("div", { class: "actions" }, button("Copy text", copy))));
}
