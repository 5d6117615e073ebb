// Tells people what happened: a line at the bottom of the page that screen readers read out, too.
import { el, iconButton } from "./dom.js";

const kShownMs = 6000;

// For screen readers alone.
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

export function notice(text, { problem = false } = {}) {
  const place = document.getElementById(problem ? "problems" : "notices");
  const line = el("div", { class: problem ? "notice problem" : "notice" }, el("span", {}, text));
  line.append(iconButton("close", "Dismiss this message", () => line.remove()));
  place.append(line);
  while (place.childElementCount > 3) place.firstElementChild.remove();
  // What went wrong stays until it is dismissed.
  if (!problem) setTimeout(() => line.remove(), kShownMs);
}
