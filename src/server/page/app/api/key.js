// The API key, when the server wants one: asked for once, kept for this visit or, if people like, in this browser.
import { openDialog } from "../base/dialog.js";
import { el } from "../base/dom.js";
import { readSetting, writeSetting } from "../base/storage.js";

let key = null;
let asking = null;
let declined = false;

function readSession() {
  try {
    return sessionStorage.getItem("amanuensis.key") ?? "";
  } catch {
    return "";
  }
}

export function apiKey() {
  key ??= readSetting("key", "") || readSession();
  return key;
}

function remember(value, forLong) {
  key = value;
  writeSetting("key", forLong ? value : undefined);
  try {
    sessionStorage.setItem("amanuensis.key", value);
  } catch {
    // Kept until the page is left.
  }
}

// Resolves to whether a key was given. Those who ask meanwhile get the same answer; who has said no is asked again only
// when they wish (`again`).
export function askForKey({ again = false } = {}) {
  if (declined && !again) return Promise.resolve(false);
  asking ??= new Promise((resolve) => {
    const input =
      el("input", { id: "api-key", type: "password", required: true, autocomplete: "off", spellcheck: "false" });
    const long = el("input", { id: "keep-key", type: "checkbox" });
    const wrong = apiKey() !== "";
    const form = el("form", { method: "dialog", class: "stack" },
      el("p", {}, wrong ? "The server does not accept this key. Please check it." :
                          "This server wants an API key. Whoever runs it can give you one."),
      el("label", { for: "api-key" }, "API key"), input,
      el("label", { class: "check", for: "keep-key" }, long, "Remember it in this browser"),
      el("div", { class: "actions" }, el("button", { class: "primary", type: "submit", value: "given" }, "Continue")));
    openDialog("API key", form, {
      onClose: (result) => {
        const given = result === "given" && input.value.trim() !== "";
        if (given) remember(input.value.trim(), long.checked);
        asking = null;
        declined = !given;
        resolve(given);
      },
    });
    input.focus();
  });
  return asking;
}
