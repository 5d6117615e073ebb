// Asks the server now and then how it is. Emits "status" (the JSON of /status); keeps what it said of its speed.
import { call, getJson } from "../api/http.js";
import { Emitter } from "../base/emitter.js";
import { engineOf, samplesOf } from "./prometheus.js";

const kBusyMs = 2000;
const kIdleMs = 20000;
const kMostSamples = 1800;

export class StatusFeed extends Emitter {
  #timer = 0;
  status = null;
  engine = null;  // as engineOf() gives it, while somebody looks; null when the server does not tell
  samples = [];   // {at (ms), factor}: how fast the server was lately
  watched = false;  // somebody looks at it

  constructor(isBusy) {
    super();
    this.isBusy = isBusy;
  }

  async refresh() {
    clearTimeout(this.#timer);
    try {
      this.status = await getJson("/status");
      const factor = this.status.performance?.realtime_factor_recent;
      if (Number.isFinite(factor)) this.samples.push({ at: Date.now(), factor });
      if (this.watched) await this.#readEngine();
      if (this.samples.length > kMostSamples) this.samples.shift();
      this.emit("status", this.status);
    } catch {
      // The list of jobs says that the server cannot be reached.
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#again(), this.watched || this.isBusy() ? kBusyMs : kIdleMs);
  }

  async #readEngine() {
    try {
      this.engine = engineOf(samplesOf(await (await call("/metrics")).text()));
    } catch {
      this.engine = null;
    }
  }

  #again() {
    if (document.hidden) this.#timer = setTimeout(() => this.#again(), kIdleMs);
    else this.refresh();
  }
}
