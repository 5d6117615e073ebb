// Calls to the server: the key, errors as people can read them, and another try after a key was given.
import { apiKey, askForKey } from "./key.js";

export class ApiError extends Error {
  constructor(message, { status = 0, code = null, retryAfterS = null } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterS = retryAfterS;
  }
}

export function authorization() {
  return apiKey() === "" ? {} : { Authorization: `Bearer ${apiKey()}` };
}

// What a failed response says; `body` is its text.
export function errorOf(status, body, retryAfter = null) {
  let message = "";
  let code = null;
  try {
    const { error } = JSON.parse(body);
    message = typeof error === "string" ? error : error?.message ?? "";
    code = error?.code ?? null;
  } catch {
    // Not the server's own words.
  }
  const seconds = Number.parseFloat(retryAfter);
  return new ApiError(message || `The server answered with status ${status}.`,
                      { status, code, retryAfterS: Number.isFinite(seconds) ? seconds : null });
}

// A fetch that throws ApiError unless the response is a success.
export async function call(path, { headers = {}, ...rest } = {}) {
  const usedKey = apiKey();
  let response;
  try {
    response = await fetch(path, { ...rest, headers: { ...headers, ...authorization() } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server cannot be reached.");
  }
  if (response.status === 401 && (usedKey !== apiKey() || await askForKey())) return call(path, { headers, ...rest });
  if (!response.ok) throw errorOf(response.status, await response.text(), response.headers.get("Retry-After"));
  return response;
}

export async function getJson(path, options = {}) {
  return (await call(path, options)).json();
}
