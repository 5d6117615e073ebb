// Sends a form and says how much of it has gone: what fetch cannot.
import { ApiError, authorization, errorOf } from "./http.js";
import { apiKey, askForKey } from "./key.js";

// Resolves to the response's JSON. onProgress(fraction) counts bytes that have left; throws ApiError, or AbortError when
// the signal ends it.
export async function sendForm(path, form, { onProgress, signal }) {
  const usedKey = apiKey();
  const { status, body, retryAfter } = await send(path, form, { onProgress, signal });
  if (status === 401 && (usedKey !== apiKey() || await askForKey()))
    return sendForm(path, form, { onProgress, signal });
  if (status < 200 || status > 299) throw errorOf(status, body, retryAfter);
  return JSON.parse(body);
}

function send(path, form, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    for (const [name, value] of Object.entries(authorization())) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => resolve({
      status: request.status, body: request.responseText, retryAfter: request.getResponseHeader("Retry-After"),
    }));
    request.addEventListener(
      "error", () => reject(new ApiError("The server cannot be reached, or refused the upload.")));
    request.addEventListener("abort", () => reject(new DOMException("The upload was stopped.", "AbortError")));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}
