"""Writes the trained networks as the program reads them: batch norms folded into the layers before and after them, float16.

    python export.py --voice work/voice --activity work/activity --speech work/speech work/people \\
        --out ../../models/speaker/builtin.safetensors

What is known of vectors at all (space.py) is measured on the voices that were trained on.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file

from model import ActivityNet, SpeakerNet
from space import voice_space
from train import Batches, load


def scale_and_shift(norm: torch.nn.BatchNorm1d) -> tuple[torch.Tensor, torch.Tensor]:
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return scale, norm.bias - norm.running_mean * scale


def folded_layers(layers: torch.nn.Sequential, prefix: str) -> dict[str, torch.Tensor]:
    tensors = {}
    for i, layer in enumerate(layers):
        scale, shift = scale_and_shift(layer.norm)
        weight = layer.conv.weight * scale[:, None, None]                           # [out, in, kernel]
        tensors[f"{prefix}layers.{i}.weight"] = weight.transpose(1, 2).flatten(1)   # frames one behind the other
        tensors[f"{prefix}layers.{i}.bias"] = layer.conv.bias * scale + shift
    return tensors


def folded(voice: SpeakerNet, activity: ActivityNet) -> dict[str, torch.Tensor]:
    tensors = folded_layers(voice.layers, "voice.") | folded_layers(activity.layers, "activity.")
    scale, shift = scale_and_shift(voice.norm)
    tensors["voice.out.weight"] = voice.out.weight * scale
    tensors["voice.out.bias"] = voice.out.bias + voice.out.weight @ shift
    tensors["activity.out.weight"] = activity.out.weight
    tensors["activity.out.bias"] = activity.out.bias
    return tensors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", type=Path, required=True, help="what train.py wrote")
    parser.add_argument("--activity", type=Path, required=True, help="what train_activity.py wrote")
    parser.add_argument("--speech", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    voice, activity = SpeakerNet(), ActivityNet()
    for net, folder in ((voice, options.voice), (activity, options.activity)):
        net.load_state_dict(torch.load(folder / "net.pt"))
        net.eval()
    tensors = {name: tensor.detach().half() for name, tensor in folded(voice, activity).items()}
    space = voice_space(voice, Batches(load(options.speech, False), 5))
    # Directions are large numbers where voices hardly scatter: not for float16.
    tensors |= {f"voice.space.{name}": tensor.float() for name, tensor in space.items()}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, options.out)
    options.out.chmod(0o644)


if __name__ == "__main__":
    main()
