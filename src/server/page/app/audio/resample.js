// Changes a stream's sample rate by windowed-sinc interpolation (Smith, "Digital Audio Resampling"). Pure apart from the
// stream's own state; runs on the page and in the audio worklet.

const kZeroCrossings = 12;

export class Resampler {
  // Rates in Hz.
  constructor(fromHz, toHz) {
    this.step = fromHz / toHz;
    // The filter cuts off at the lower of the two Nyquist frequencies.
    this.scale = Math.min(1, toHz / fromHz);
    this.reach = Math.ceil(kZeroCrossings / this.scale);
    this.held = new Float32Array(this.reach);  // what came before is silence
    this.position = this.reach;                // of the next output sample, in held
  }

  // Takes the next samples; returns those that are certain by now.
  push(samples) {
    const held = new Float32Array(this.held.length + samples.length);
    held.set(this.held);
    held.set(samples, this.held.length);
    const output = [];
    while (this.position + this.reach < held.length) {
      output.push(this.#at(held, this.position));
      this.position += this.step;
    }
    const gone = Math.max(0, Math.floor(this.position) - this.reach);
    this.held = held.slice(gone);
    this.position -= gone;
    return Float32Array.from(output);
  }

  // What is left when the stream has ended.
  finish() {
    return this.push(new Float32Array(this.reach));
  }

  #at(held, position) {
    const first = Math.ceil(position - this.reach);
    const last = Math.floor(position + this.reach);
    let sum = 0;
    for (let i = Math.max(0, first); i <= last; ++i) {
      const distance = position - i;
      const x = Math.PI * distance * this.scale;
      const sinc = x === 0 ? 1 : Math.sin(x) / x;
      const hann = 0.5 + 0.5 * Math.cos((Math.PI * distance) / this.reach);
      sum += held[i] * sinc * hann;
    }
    return sum * this.scale;
  }
}
