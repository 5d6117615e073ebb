// The outline of a WAV file of 16-bit samples (RIFF, Microsoft 1991), read piece by piece: however long it is, no more
// than a piece is in memory.
import { kPeaksPerSecond, peaksBetween } from "./peaks.js";

const kPieceFrames = 1 << 20;

// {rate, channels, start, frames} of what the file holds, or null when it is another kind of file.
export async function wavLayout(blob) {
  const ascii = (view, at) => String.fromCharCode(...new Uint8Array(view.buffer, at, 4));
  const read = async (at, size) => new DataView(await blob.slice(at, at + size).arrayBuffer());
  if (blob.size < 44) return null;
  const head = await read(0, 12);
  if (ascii(head, 0) !== "RIFF" || ascii(head, 8) !== "WAVE") return null;
  let format = null;
  for (let at = 12; at + 8 <= blob.size;) {
    const chunk = await read(at, 24);
    const size = chunk.getUint32(4, true);
    const kind = ascii(chunk, 0);
    if (kind === "fmt " && chunk.byteLength >= 24) {
      format = { code: chunk.getUint16(8, true), channels: chunk.getUint16(10, true), rate: chunk.getUint32(12, true),
                 bits: chunk.getUint16(22, true) };
    } else if (kind === "data") {
      if (
        format === null || format.code !== 1 || format.bits !== 16 || format.channels === 0 ||
        format.rate < kPeaksPerSecond)
        return null;
      // Files that were written as a stream do not know their size.
      const bytes = Math.min(size, blob.size - at - 8);
      return {
        rate: format.rate,
        channels: format.channels,
        start: at + 8,
        frames: Math.floor(bytes / (2 * format.channels))
      };
    }
    at += 8 + size + (size % 2);
  }
  return null;
}

// Resolves to {peaks, duration} with peaks from 0 to 1, or null: another kind of file, or the signal has ended it.
export async function wavOutline(blob, signal) {
  const layout = await wavLayout(blob);
  if (layout === null || layout.frames === 0) return null;
  const { rate, channels, start, frames } = layout;
  const width = Math.floor(rate / kPeaksPerSecond);
  const piece = Math.max(width, kPieceFrames - (kPieceFrames % width));
  const peaks = new Float32Array(Math.ceil(frames / width));
  for (let from = 0; from < frames; from += piece) {
    const to = Math.min(frames, from + piece);
    const bytes = await blob.slice(start + 2 * channels * from, start + 2 * channels * to).arrayBuffer();
    if (signal.aborted) return null;
    const samples = new Int16Array(bytes);
    const found = peaksBetween([samples], { from: 0, to: samples.length, width: width * channels });
    peaks.set(found.map((peak) => peak / 32768), from / width);
  }
  return { peaks, duration: frames / rate };
}
