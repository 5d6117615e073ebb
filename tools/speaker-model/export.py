"""Writes a trained network as the program reads it: batch norms folded into the layers before and after them, float16.

    python export.py --run work/run --out ../../models/speaker/builtin.safetensors
"""
from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file

from model import SpeakerNet


def scale_and_shift(norm: torch.nn.BatchNorm1d) -> tuple[torch.Tensor, torch.Tensor]:
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale


def folded(net: SpeakerNet) -> dict[str, torch.Tensor]:
    tensors = {}
    for i, layer in enumerate(net.layers):
        scale, shift = scale_and_shift(layer.norm)
        weight = layer.conv.weight * scale[:, None, None]               # [out, in, kernel]
        tensors[f"layers.{i}.weight"] = weight.transpose(1, 2).flatten(1)  # [out, kernel * in]: frames one behind the other
        tensors[f"layers.{i}.bias"] = layer.conv.bias * scale + shift
    scale, shift = scale_and_shift(net.norm)
    tensors["out.weight"] = net.out.weight * scale
    tensors["out.bias"] = net.out.bias + net.out.weight @ shift
    return {name: tensor.detach().half().contiguous() for name, tensor in tensors.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    net = SpeakerNet()
    if (options.run / "net.pt").exists():
        net.load_state_dict(torch.load(options.run / "net.pt"))
    net.eval()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_file(folded(net), options.out)


if __name__ == "__main__":
    main()
