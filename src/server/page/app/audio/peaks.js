// The outline of a recording: for each of many short pieces, the largest sample. Pure.

export const kPeaksPerSecond = 50;

// Peaks of channels[...][from, to), each peak of `width` samples.
export function peaksBetween(channels, { from, to, width }) {
  const peaks = [];
  for (let start = from; start < to; start += width) {
    const end = Math.min(to, start + width);
    let peak = 0;
    for (const samples of channels) {
      for (let i = start; i < end; ++i) peak = Math.max(peak, Math.abs(samples[i]));
    }
    peaks.push(peak);
  }
  return peaks;
}

// The peaks for so many columns of the stretch [from, to) of an outline; positions are fractions of it.
export function columns(peaks, count, from = 0, to = 1) {
  const result = new Float32Array(count);
  const first = from * peaks.length;
  const each = ((to - from) * peaks.length) / count;
  for (let column = 0; column < count; ++column) {
    const begin = Math.floor(first + column * each);
    const end = Math.max(begin + 1, Math.floor(first + (column + 1) * each));
    let peak = 0;
    for (let i = begin; i < Math.min(end, peaks.length); ++i) peak = Math.max(peak, peaks[i]);
    result[column] = peak;
  }
  return result;
}
