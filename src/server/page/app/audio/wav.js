// WAV files of mono PCM16 (RIFF, Microsoft 1991). Pure.

export function wavHeader(sampleCount, rate) {
  const view = new DataView(new ArrayBuffer(44));
  const ascii = (at, text) => [...text].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  ascii(0, "RIFF");
  view.setUint32(4, 36 + 2 * sampleCount, true);
  ascii(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, 1, true);
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true);
  view.setUint16(34, 16, true);
  ascii(36, "data");
  view.setUint32(40, 2 * sampleCount, true);
  return view.buffer;
}

// `pieces` are Int16Arrays.
export function wavFile(pieces, rate, name) {
  const count = pieces.reduce((sum, piece) => sum + piece.length, 0);
  return new File([wavHeader(count, rate), ...pieces], name, { type: "audio/wav" });
}
