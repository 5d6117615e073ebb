// Light, dark, or as the system has it.
import { setLabel } from "./dom.js";
import { readSetting, writeSetting } from "./storage.js";
import { Emitter } from "./emitter.js";

const kOrder = ["system", "light", "dark"];
export const themes = new Emitter();

const dark = matchMedia("(prefers-color-scheme: dark)");

function apply(theme) {
  document.documentElement.dataset.theme = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
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
  dark.addEventListener("change", () => apply(theme));
  apply(theme);
  show();
}

// A colour of the style sheet, for canvases.
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
