// The microphone, as mono PCM16.

export const kCaptureRate = 16000;

// What went wrong, as a person can act on it.
function explain(error) {
  if (error.name === "NotAllowedError") return "The browser may not use the microphone. Allow it in the address bar.";
  if (error.name === "NotFoundError") return "No microphone was found.";
  if (error.name === "NotReadableError") return "The microphone is used by another program.";
  return `The microphone cannot be used: ${error.message}`;
}

// Starts listening: onSamples(Int16Array, level) is called some twenty times a second. Returns stop(), which resolves
// when the last samples were given. Throws Error whose message can be shown.
export async function startCapture(onSamples) {
  if (!navigator.mediaDevices) {
    throw new Error("Browsers give the microphone only to pages that come over https or from this computer itself.");
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
  } catch (error) {
    throw new Error(explain(error));
  }
  const context = new AudioContext();
  try {
    await context.audioWorklet.addModule(new URL("./capture_worklet.js", import.meta.url));
  } catch (error) {
    stream.getTracks().forEach((track) => track.stop());
    await context.close();
    throw new Error(`This browser cannot record: ${error.message}`);
  }
  const source = context.createMediaStreamSource(stream);
  const node = new AudioWorkletNode(context, "capture",
                                    { numberOfOutputs: 0, processorOptions: { rate: kCaptureRate } });
  let finished;
  const ended = new Promise((resolve) => { finished = resolve; });
  node.port.onmessage = ({ data }) => {
    if (data === null) finished();
    else onSamples(new Int16Array(data.samples), data.level);
  };
  source.connect(node);
  await context.resume();
  return async () => {
    node.port.postMessage("stop");
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 1000))]);
    stream.getTracks().forEach((track) => track.stop());
    source.disconnect();
    await context.close();
  };
}
