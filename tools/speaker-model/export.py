"""Writes the trained networks as the program reads them: batch norms folded into the layers before and after them, float16.

    python export.py --voice work/narrow work/wide --activity work/activity --speech work/speech work/people \\
        --out ../../models/speaker/builtin.safetensors

What is known of vectors at all (space.py) is measured on the voices that were trained on. A network that is not given stays as
--out has it.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from model import ActivityNet, SpeakerNet, Voices
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


def folded_voice(voices: Voices, batches: Batches) -> dict[str, torch.Tensor]:
    tensors = {}
    for net in voices.nets:
        prefix = f"voice.{net.kind}."
        tensors |= folded_layers(net.layers, prefix)
        scale, shift = scale_and_shift(net.norm)
        tensors[prefix + "out.weight"] = net.out.weight * scale
        tensors[prefix + "out.bias"] = net.out.bias + net.out.weight @ shift
    tensors = {name: tensor.detach().half() for name, tensor in tensors.items()}
    # Directions are large numbers where voices hardly scatter: not for float16.
    return tensors | {f"voice.space.{name}": tensor.float() for name, tensor in voice_space(voices, batches).items()}


def folded_activity(net: ActivityNet) -> dict[str, torch.Tensor]:
    tensors = folded_layers(net.layers, "activity.")
    tensors["activity.out.weight"], tensors["activity.out.bias"] = net.out.weight, net.out.bias
    return {name: tensor.detach().half() for name, tensor in tensors.items()}


def trained(net: torch.nn.Module, folder: Path) -> torch.nn.Module:
    net.load_state_dict(torch.load(folder / "net.pt"))
    return net.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", type=Path, nargs=2, help="what train.py wrote, --kind narrow and wide")
    parser.add_argument("--activity", type=Path, help="what train_activity.py wrote")
    parser.add_argument("--speech", type=Path, nargs="+", help="what --voice learned from")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if options.voice and not options.speech:
        parser.error("--voice needs --speech")
    old = load_file(options.out) if not (options.voice and options.activity) else {}
    tensors = {name: tensor for name, tensor in old.items() if not (options.voice if name.startswith("voice.") else options.activity)}
    if options.voice:
        nets = [trained(SpeakerNet(kind), folder) for kind, folder in zip(SpeakerNet.kinds, options.voice)]
        tensors |= folded_voice(Voices(nets), Batches(load(options.speech, False), 5))
    if options.activity:
        tensors |= folded_activity(trained(ActivityNet(), options.activity))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, options.out)
    options.out.chmod(0o644)


if __name__ == "__main__":
    main()
