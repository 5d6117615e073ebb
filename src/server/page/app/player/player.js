// Plays one recording. Emits "time" (some sixty times a second while playing), "state" (playing or not, loaded or not)
// and "failed" (the browser cannot play this file).
import { Emitter } from "../base/emitter.js";

export class Player extends Emitter {
  #audio = new Audio();
  #url = null;
  #duration = 0;
  #ticking = false;

  constructor() {
    super();
    this.#audio.preload = "auto";
    const tell = () => this.emit("state");
    for (const event of ["play", "pause", "ended", "loadedmetadata", "ratechange"])
      this.#audio.addEventListener(event, tell);
    this.#audio.addEventListener("play", () => this.#tick());
    for (const event of ["seeked", "timeupdate"]) this.#audio.addEventListener(event, () => this.emit("time"));
    this.#audio.addEventListener("error", () => {
      if (this.#url !== null) this.emit("failed");
    });
  }

  // Takes a Blob or an address. `duration` (seconds) is used until the file says its own.
  load(source, duration = 0) {
    this.unload();
    this.#duration = duration;
    this.#url = typeof source === "string" ? source : URL.createObjectURL(source);
    this.#audio.src = this.#url;
    this.emit("state");
  }

  unload() {
    this.#audio.pause();
    if (this.#url !== null) URL.revokeObjectURL(this.#url);
    this.#url = null;
    this.#audio.removeAttribute("src");
    this.emit("state");
  }

  get loaded() { return this.#url !== null; }
  get playing() { return !this.#audio.paused; }
  get time() { return this.#audio.currentTime; }
  get rate() { return this.#audio.playbackRate; }
  set rate(value) { this.#audio.playbackRate = value; }

  // Some files (streams that were saved) do not know how long they are.
  get duration() {
    return Number.isFinite(this.#audio.duration) ? this.#audio.duration : this.#duration;
  }
  set knownDuration(seconds) {
    this.#duration = seconds;
    this.emit("state");
  }

  async play() {
    if (!this.loaded) return;
    try {
      await this.#audio.play();
    } catch (error) {
      if (error.name !== "AbortError") this.emit("failed");
    }
  }
  pause() { this.#audio.pause(); }
  toggle() { return this.playing ? this.pause() : this.play(); }

  seek(seconds) {
    if (!this.loaded) return;
    this.#audio.currentTime = Math.max(0, Math.min(seconds, this.duration || seconds));
    this.emit("time");
  }

  #tick() {
    if (this.#ticking) return;
    this.#ticking = true;
    const step = () => {
      this.emit("time");
      if (this.playing) requestAnimationFrame(step);
      else this.#ticking = false;
    };
    requestAnimationFrame(step);
  }
}
