// In the audio thread: the microphone's sound as mono 16-bit samples at the rate that was asked for, some 50 ms at a
// time, with the loudness of each piece.
import { Resampler } from "./resample.js";

const kPieceS = 0.05;

class Capture extends AudioWorkletProcessor {
  constructor({ processorOptions }) {
    super();
    this.resampler = new Resampler(sampleRate, processorOptions.rate);
    this.piece = new Int16Array(Math.round(processorOptions.rate * kPieceS));
    this.filled = 0;
    this.stopped = false;
    this.port.onmessage = () => {
      this.#take(this.resampler.finish());
      this.#send();
      this.port.postMessage(null);
      this.stopped = true;
    };
  }

  process([input]) {
    if (this.stopped) return false;
    if (input.length === 0) return true;
    const mono = new Float32Array(input[0].length);
    for (const channel of input) {
      for (let i = 0; i < mono.length; ++i) mono[i] += channel[i] / input.length;
    }
    this.#take(this.resampler.push(mono));
    return true;
  }

  #take(samples) {
    for (const sample of samples) {
      this.piece[this.filled++] = Math.round(Math.max(-1, Math.min(1, sample)) * 32767);
      if (this.filled === this.piece.length) this.#send();
    }
  }

  #send() {
    if (this.filled === 0) return;
    const samples = this.piece.slice(0, this.filled);
    let squares = 0;
    for (const sample of samples) squares += sample * sample;
    const level = Math.sqrt(squares / samples.length) / 32768;
    this.port.postMessage({ samples: samples.buffer, level }, [samples.buffer]);
    this.filled = 0;
  }
}

registerProcessor("capture", Capture);
