// Numbers as Prometheus writes them (text format 0.0.4). Pure.

const kSample = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)/;
const kLabel = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;
const kEscapes = { n: "\n", "\\": "\\", '"': '"' };

// [{name, labels, value}] in the order of the text; what is no sample is passed over.
export function samplesOf(text) {
  return text.split("\n").flatMap((line) => {
    const found = kSample.exec(line);
    if (found === null) return [];
    const labels = {};
    for (const [, name, value] of (found[2] ?? "").matchAll(kLabel)) {
      labels[name] = value.replace(/\\(.)/g, (_, letter) => kEscapes[letter] ?? letter);
    }
    return [{ name: found[1], labels, value: Number(found[3]) }];
  });
}

// What the device panel shows: {memoryBytes, models: [{id, computeType, device, kernels, stages: [{name, device, seconds}]}]}.
export function engineOf(samples) {
  const named = (name) => samples.filter((sample) => sample.name === name);
  const models = named("amanuensis_model_loaded").map(({ labels }) => ({
    id: labels.model,
    computeType: labels.compute_type,
    device: labels.device,
    kernels: labels.kernels,
    stages: named("amanuensis_stage_seconds_total").filter((sample) => sample.labels.model === labels.model)
      .map((sample) => ({ name: sample.labels.stage, device: sample.labels.device, seconds: sample.value })),
  }));
  return { memoryBytes: named("process_resident_memory_bytes")[0]?.value ?? null, models };
}
