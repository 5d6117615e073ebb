// The bar below a transcript: play, where we are, the outline, how fast.
import { button, el, icon, iconButton, setLabel } from "../base/dom.js";
import { clock } from "../base/format.js";
import { readSetting, writeSetting } from "../base/storage.js";
import { Waveform } from "./waveform.js";

const kRates = [0.5, 0.75, 1, 1.25, 1.5, 2];

// onChoose(file): people gave the recording that belongs to the transcript.
export class PlayerBar {
  #player;
  #endings;

  constructor(player, { onChoose }) {
    this.#player = player;
    this.waveform = new Waveform(player);
    this.play = iconButton("play", "Play", () => player.toggle(), { class: "play" });
    this.now = el("span", { class: "time" }, "0:00");
    this.whole = el("span", { class: "time muted" }, "0:00");
    this.rate = el("select", { "aria-label": "Speed" },
      kRates.map((rate) => el("option", { value: rate, selected: rate === 1 }, `${rate}×`)));
    this.rate.addEventListener("change", () => {
      player.rate = Number(this.rate.value);
      writeSetting("rate", player.rate);
    });
    const file = el(
      "input",
      { type: "file", accept: "audio/*,video/*", class: "hidden-file", tabindex: "-1", "aria-hidden": "true" });
    file.addEventListener("change", () => file.files[0] && onChoose(file.files[0]));
    this.missing = el(
      "p", { class: "missing", hidden: true }, el("span", { class: "missing-text" }), " ",
      button("Choose the recording", () => file.click(), { class: "link" }));
    this.node = el("section", { class: "player", "aria-label": "Player" },
      this.play, this.now, this.waveform.node, this.missing, this.whole, this.rate, file);
    this.#endings = [player.on("time", () => this.#show()), player.on("state", () => this.#show())];
    this.#show();
  }

  close() {
    this.#endings.forEach((end) => end());
    this.waveform.close();
  }

  // Why there is nothing to hear; null when there is.
  set reason(text) {
    this.missing.hidden = text === null;
    this.waveform.node.hidden = text !== null;
    if (text !== null) this.missing.querySelector(".missing-text").textContent = text;
  }

  // A file that was loaded starts at the usual speed; so people's own is set again.
  restoreRate() {
    const rate = readSetting("rate", 1);
    if (!kRates.includes(rate)) return;
    this.rate.value = String(rate);
    this.#player.rate = rate;
  }

  #show() {
    const { playing, loaded, time, duration } = this.#player;
    const name = playing ? "pause" : "play";
    if (this.play.dataset.shows !== name) {
      this.play.dataset.shows = name;
      this.play.replaceChildren(icon(name));
      setLabel(this.play, playing ? "Pause" : "Play");
    }
    this.play.disabled = !loaded;
    this.now.textContent = clock(time);
    this.whole.textContent = clock(duration);
  }
}
