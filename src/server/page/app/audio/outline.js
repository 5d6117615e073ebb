// Computes the outline of a recording in this browser, in pieces, so that the page stays quick.
import { kPeaksPerSecond, peaksBetween } from "./peaks.js";
import { wavOutline } from "./wav_outline.js";

// Decoding holds the whole recording; beyond this the page does without the outline.
const kLargestBytes = 200e6;
// An outline needs no more; the browser lowers the rate as it decodes.
const kRate = 8000;
const kPieceS = 60;

const breathe = () => new Promise((resolve) => setTimeout(resolve, 0));

// Resolves to {peaks: Float32Array (from 0 to 1, the loudest being 1), duration}, or null when the browser cannot
// decode the file or the file is too large for that.
export async function outlineOf(blob, signal) {
  const outline = await wavOutline(blob, signal) ?? await decodedOutline(blob, signal);
  if (outline === null) return null;
  const loudest = outline.peaks.reduce((most, peak) => Math.max(most, peak), 1e-4);
  return { peaks: outline.peaks.map((peak) => peak / loudest), duration: outline.duration };
}

async function decodedOutline(blob, signal) {
  if (blob.size === 0 || blob.size > kLargestBytes || signal.aborted) return null;
  let audio;
  try {
    audio = await new OfflineAudioContext(1, 1, kRate).decodeAudioData(await blob.arrayBuffer());
  } catch {
    return null;
  }
  const channels = Array.from({ length: audio.numberOfChannels }, (_, i) => audio.getChannelData(i));
  const width = kRate / kPeaksPerSecond;
  const peaks = new Float32Array(Math.ceil(audio.length / width));
  let filled = 0;
  for (let from = 0; from < audio.length; from += kPieceS * kRate) {
    if (signal.aborted) return null;
    const to = Math.min(audio.length, from + kPieceS * kRate);
    const piece = peaksBetween(channels, { from, to, width });
    peaks.set(piece, filled);
    filled += piece.length;
    await breathe();
  }
  return { peaks, duration: audio.duration };
}
