"""Goldens of voice activity: Silero's own probabilities, and the spans faster-whisper makes of given ones.

    python tools/goldens/vad.py      needs numpy, onnx, onnxruntime, safetensors, faster-whisper==1.2.1, and
                                     (pip install --no-deps) silero-vad==6.2.3

writes tests/goldens/vad_silero_test.npy, the probability of each 32 ms of ../shared/data/silero/test.wav: the graph of PyPI's
silero-vad, run by ONNX Runtime, with the weights of ../shared/data/silero/silero_vad_16k.safetensors (the same package's);
and tests/goldens/vad_spans.json, what faster-whisper's get_speech_timestamps makes of those probabilities and of made-up
ones under many options. The made-up tracks come from common.py's hash, so that the C++ test has the same ones. A few
seconds on two cores.
"""

import dataclasses
import importlib.util
import json
import wave
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from common import integers
from safetensors.numpy import load_file

REPOSITORY = Path(__file__).resolve().parents[2]
OUT = REPOSITORY / "tests" / "goldens"
SHARED = REPOSITORY.parent / "shared" / "data" / "silero"
RECORDING = SHARED / "test.wav"
WEIGHTS = SHARED / "silero_vad_16k.safetensors"
RATE = 16000
FRAME = 512
CONTEXT = 64
TRACKS = 12
TRACK_FRAMES = 700

OPTIONS = [
    dict(),
    dict(threshold=0.35),
    dict(threshold=0.6, neg_threshold=0.2),
    dict(threshold=0.1),
    dict(min_silence_duration_ms=100),
    dict(min_silence_duration_ms=0, speech_pad_ms=0),
    dict(min_silence_duration_ms=160, max_speech_duration_s=4),
    dict(min_silence_duration_ms=500, max_speech_duration_s=2.5, speech_pad_ms=30),
    dict(min_silence_duration_ms=2000, max_speech_duration_s=3, speech_pad_ms=100),
    dict(min_silence_duration_ms=100, min_speech_duration_ms=250, speech_pad_ms=30),
    dict(min_silence_duration_ms=300, min_speech_duration_ms=1000, speech_pad_ms=700),
    dict(min_silence_duration_ms=250, min_speech_duration_ms=500, max_speech_duration_s=5, speech_pad_ms=77),
    dict(threshold=0.8, min_silence_duration_ms=33, min_speech_duration_ms=65, speech_pad_ms=12.3),
]


def silero_session() -> onnxruntime.InferenceSession:
    """Silero's graph with the weights of the safetensors file: the two files of one release hold different trainings."""
    package = Path(importlib.util.find_spec("silero_vad").origin).parent / "data"
    weights = load_file(WEIGHTS)
    # ONNX orders the gates input, output, forget, cell; PyTorch input, forget, cell, output.
    gates = np.concatenate([np.arange(128) + 128 * gate for gate in (0, 3, 1, 2)])
    bias = np.concatenate([weights["lstm_cell.bias_ih"][gates], weights["lstm_cell.bias_hh"][gates]])
    values = {"stft.forward_basis_buffer": weights["stft_conv.weight"], "output.weight": weights["final_conv.weight"],
              "output.bias": weights["final_conv.bias"]}
    for layer in range(4):
        values[f"encoder.{layer}.weight"] = weights[f"conv{layer + 1}.weight"]
        values[f"encoder.{layer}.bias"] = weights[f"conv{layer + 1}.bias"]
    model = onnx.load(package / "silero_vad_16k_sequence.onnx")
    lstm = next(node for node in model.graph.node if node.op_type == "LSTM")
    values[lstm.input[1]] = weights["lstm_cell.weight_ih"][gates][None]
    values[lstm.input[2]] = weights["lstm_cell.weight_hh"][gates][None]
    values[lstm.input[3]] = bias[None]
    replaced = 0
    for tensor in model.graph.initializer:
        if tensor.name in values:
            new = onnx.numpy_helper.from_array(values[tensor.name].astype(np.float32), tensor.name)
            assert list(new.dims) == list(tensor.dims), tensor.name
            tensor.CopyFrom(new)
            replaced += 1
    assert replaced == len(values), (replaced, sorted(values))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), sess_options=options,
                                        providers=["CPUExecutionProvider"])


def silero_probabilities(samples: np.ndarray) -> np.ndarray:
    session = silero_session()
    padded = np.pad(samples, (CONTEXT, -len(samples) % FRAME)).astype(np.float32)
    chunks = np.stack([padded[start:start + CONTEXT + FRAME] for start in range(0, len(padded) - CONTEXT, FRAME)])
    zeros = np.zeros((1, 1, 128), np.float32)
    return session.run(None, {"input": chunks, "h": zeros, "c": zeros})[0].ravel().astype(np.float32)


def track(index: int) -> np.ndarray:
    """Probabilities that stay high or low for a while, with noise: whole numbers below 256, divided by 256."""
    step = 7 + 5 * index
    slow = integers(f"vad.slow.{index}", TRACK_FRAMES // step + 1, 256)[np.arange(TRACK_FRAMES) // step]
    noise = integers(f"vad.noise.{index}", TRACK_FRAMES, 20 + 16 * index)
    return (np.clip(slow * 2 - 128 + noise - (10 + 8 * index), 0, 255) / 256).astype(np.float32)


def spans(probabilities: np.ndarray, samples: int, options: dict) -> list:
    """[[start, end], ...] by faster-whisper, with the network replaced by the given probabilities."""
    from faster_whisper import vad
    vad.get_vad_model = lambda: lambda _audio: probabilities
    found = vad.get_speech_timestamps(np.zeros(samples, np.float32), vad.VadOptions(**options))
    return [[span["start"], span["end"]] for span in found]


def main() -> None:
    from faster_whisper.vad import VadOptions
    cases = []
    for index in range(TRACKS):
        probabilities = track(index)
        # The last frame is complete, or not, or missing.
        samples = TRACK_FRAMES * FRAME - [0, 1, 300, 511][index % 4]
        for options in OPTIONS:
            cases.append(dict(track=index, samples=samples, options=options,
                              spans=spans(probabilities, samples, options)))
    with wave.open(str(RECORDING)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
    probabilities = silero_probabilities(samples)
    np.save(OUT / "vad_silero_test.npy", probabilities.astype("<f4"))
    for options in OPTIONS:
        cases.append(dict(track=-1, samples=len(samples), options=options,
                          spans=spans(probabilities, len(samples), options)))
    golden = dict(defaults={k: v for k, v in dataclasses.asdict(VadOptions()).items() if k != "max_speech_duration_s"},
                  track_frames=TRACK_FRAMES, hashed_values=[float(v) for v in track(3)[:8]], cases=cases)
    text = json.dumps(golden, separators=(",", ":")).replace('{"track"', '\n{"track"')
    (OUT / "vad_spans.json").write_text(text + "\n")
    print(f"{len(cases)} cases, {sum(len(case['spans']) for case in cases)} spans, {len(probabilities)} probabilities, "
          f"{(probabilities > 0.5).mean():.0%} speech")


if __name__ == "__main__":
    main()
