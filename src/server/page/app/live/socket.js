// Live captions over a WebSocket: PCM16 goes out, captions come back.
import { apiKey } from "../api/key.js";
import { captionOf } from "../api/shape.js";

// After the last sound the server may take so long to finish.
const kLastWordsMs = 20000;

// Protocol names are the one place where a browser lets a page put a key: as OpenAI's own clients do.
function protocols() {
  return apiKey() === "" ? [] : ["transcription", `openai-insecure-api-key.${apiKey()}`];
}

// `query` are pairs. onCaption(caption) as captionOf() gives it; onEnd(reason): null when all was well. Resolves, once
// the server listens, to {send(Int16Array), close(), finish()}; finish() resolves when the last caption has come.
export async function openCaptions(query, { onCaption, onEnd }) {
  const address = new URL(`/ws/transcribe?${new URLSearchParams(query)}`, location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(address, protocols());
  let problem = null;
  let over;
  const ended = new Promise((resolve) => { over = resolve; });
  socket.addEventListener("message", ({ data }) => {
    const caption = captionOf(JSON.parse(data));
    if (caption.kind === "error") problem = caption.text;
    if (caption.kind === "done") over();
    onCaption(caption);
  });
  socket.addEventListener("close", ({ code, reason }) => {
    const broken = code !== 1000 && code !== 1005 ? reason || "The connection to the server broke." : null;
    onEnd(problem ?? broken);
    over();
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve, { once: true });
    socket.addEventListener(
      "close", () => reject(new Error(problem ?? "The server does not take live sound.")), { once: true });
  });
  return {
    send: (samples) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(samples);
    },
    close: () => socket.close(1000),
    finish: async () => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: "end" }));
      await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, kLastWordsMs))]);
      socket.close(1000);
    },
  };
}
