// Light, dark, or as the system has it.
import { setLabel } from "./dom.js";
import { readSetting, writeSetting } from "./storage.js";
import { Emitter } from "./emitter.js";

const kOrder = ["system", "light", "dark"];
export const themes = new Emitter();

function apply(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  themes.emit("change");
}

export function wireThemeButton(node) {
  let theme = readSetting("theme", "system");
  if (!kOrder.includes(theme)) theme = "system";
  const show = () => setLabel(node, `Theme: ${theme}. Change`);
  node.addEventListener("click", () => {
    theme = kOrder[(kOrder.indexOf(theme) + 1) % kOrder.length];
    writeSetting("theme", theme);
    apply(theme);
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => themes.emit("change"));
  apply(theme);
  show();
}

// A colour of the style sheet, for canvases.
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
