"""Silero's voice activity network from ONNX to the safetensors file that --vad-model takes.

    python tools/convert_silero.py silero_vad_16k_sequence.onnx silero_vad_16k.safetensors      needs numpy, onnx, safetensors

Takes the 16 kHz graphs without branches: silero_vad_16k_sequence.onnx of PyPI's silero-vad, and silero_vad_v6.onnx of
faster-whisper. The layers are found by their place in the graph, as the names differ.
"""

import argparse

import numpy as np
import onnx
from safetensors.numpy import save_file

WIDTH = 128
# PyTorch's order of the gates (input, forget, cell, output) in ONNX's (input, output, forget, cell).
GATES = np.concatenate([np.arange(WIDTH) + WIDTH * gate for gate in (0, 2, 3, 1)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("onnx")
    parser.add_argument("safetensors")
    arguments = parser.parse_args()

    graph = onnx.load(arguments.onnx).graph
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    recurrent = [node for node in graph.node if node.op_type == "LSTM"]
    if len(convolutions) != 6 or len(recurrent) != 1:
        raise SystemExit(f"{arguments.onnx}: not a 16 kHz graph without branches (it has {len(convolutions)} convolutions)")

    layers = dict(zip(["stft_conv", "conv1", "conv2", "conv3", "conv4", "final_conv"], convolutions))
    result = {f"{name}.weight": values[node.input[1]] for name, node in layers.items()}
    result.update({f"{name}.bias": values[node.input[2]] for name, node in layers.items() if name != "stft_conv"})
    inputs, hidden, bias = (values[name][0] for name in recurrent[0].input[1:4])
    result["lstm_cell.weight_ih"] = inputs[GATES]
    result["lstm_cell.weight_hh"] = hidden[GATES]
    result["lstm_cell.bias_ih"] = bias[:4 * WIDTH][GATES]
    result["lstm_cell.bias_hh"] = bias[4 * WIDTH:][GATES]
    save_file({name: np.ascontiguousarray(value, np.float32) for name, value in result.items()}, arguments.safetensors)
    print(f"{arguments.safetensors}: {len(result)} tensors")


if __name__ == "__main__":
    main()
