// Times as subtitle files write them. Pure; rounds to the millisecond.

function parts(seconds) {
  const ms = Math.max(0, Math.round((Number.isFinite(seconds) ? seconds : 0) * 1000));
  return { h: Math.floor(ms / 3600000), m: Math.floor(ms / 60000) % 60, s: Math.floor(ms / 1000) % 60, ms: ms % 1000 };
}

const padded = (value, digits) => String(value).padStart(digits, "0");

// 00:01:02,345 (SubRip).
export function srtTime(seconds) {
  const { h, m, s, ms } = parts(seconds);
  return `${padded(h, 2)}:${padded(m, 2)}:${padded(s, 2)},${padded(ms, 3)}`;
}

// 00:01:02.345 (WebVTT).
export function vttTime(seconds) {
  return srtTime(seconds).replace(",", ".");
}
