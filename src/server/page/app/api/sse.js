// Server-sent events (WHATWG HTML, section 9.2) over fetch: unlike EventSource, it can carry an API key.
import { call } from "./http.js";

// Takes the stream's text piece by piece and returns the events that are complete: {name, data, id}.
export class EventParser {
  #rest = "";
  #event = { name: "message", data: [], id: null };
  #skipLineFeed = false;

  push(text) {
    if (this.#skipLineFeed && text.startsWith("\n")) text = text.slice(1);
    if (text !== "") this.#skipLineFeed = false;
    const lines = (this.#rest + text).split(/\r\n|\n|\r/);
    // A "\r" at the end is a whole line end; a "\n" that follows belongs to it.
    this.#skipLineFeed = text.endsWith("\r") || (text === "" && this.#skipLineFeed);
    this.#rest = lines.pop();
    const events = [];
    for (const line of lines) {
      const event = this.#line(line);
      if (event) events.push(event);
    }
    return events;
  }

  #line(line) {
    if (line === "") {
      const { name, data, id } = this.#event;
      this.#event = { name: "message", data: [], id: null };
      return data.length > 0 ? { name, data: data.join("\n"), id } : null;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return null;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event.name = value;
    if (field === "data") this.#event.data.push(value);
    if (field === "id") this.#event.id = value;
    return null;
  }
}

const kLongestWaitMs = 15000;
const pause = (ms, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});

// Follows a stream until onEvent({name, data}) returns true, the server says that there is nothing (404), or the signal
// ends it. Comes back with Last-Event-ID when the connection breaks. `data` is parsed JSON.
export async function followEvents(path, { onEvent, signal }) {
  let lastId = null;
  let waitMs = 500;
  while (!signal.aborted) {
    try {
      const headers = { Accept: "text/event-stream", ...(lastId === null ? {} : { "Last-Event-ID": lastId }) };
      const response = await call(path, { headers, signal, cache: "no-store" });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      const parser = new EventParser();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        for (const event of parser.push(value)) {
          waitMs = 500;
          if (event.id !== null) lastId = event.id;
          if (onEvent({ name: event.name, data: JSON.parse(event.data) })) return reader.cancel();
        }
      }
    } catch (error) {
      if (signal.aborted || error.status === 404 || error.status === 401) return;
    }
    await pause(waitMs, signal);
    waitMs = Math.min(2 * waitMs, kLongestWaitMs);
  }
}
