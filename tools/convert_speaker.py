"""Speaker networks from PyTorch files of any age to safetensors files.

    python tools/convert_speaker.py MODEL [OUTPUT]      needs torch, safetensors

MODEL is pytorch_model.bin (or a .ckpt or .pt) of pyannote/segmentation-3.0 or pyannote/wespeaker-voxceleb-resnet34-LM, or the
folder that holds it:

    python tools/convert_speaker.py "$(amanuensis models path pyannote-segmentation-3.0)"

Without OUTPUT the result is model.safetensors beside it, where it is found from then on. Only tensors are kept, under their
published names, as float32. The file's own code is not run: whatever it holds besides tensors is left out.
"""

import argparse
import pickle
from pathlib import Path

import torch
from safetensors.torch import save_file

EXPECTED = {"lstm.weight_ih_l0": "pyannote's segmentation", "resnet.conv1.weight": "WeSpeaker's ResNet34",
            "conv1.weight": "WeSpeaker's ResNet34"}


class Ignored:
    """Stands for any class of the file that is not about tensors."""

    def __new__(cls, *_, **__):
        return super().__new__(cls)

    def __setstate__(self, state):
        pass

    def __setitem__(self, key, value):
        pass

    def append(self, item):
        pass

    def extend(self, items):
        pass


class TensorsOnly(pickle.Unpickler):
    """Makes tensors and plain containers; anything else becomes Ignored."""

    KEPT = {("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_parameter")}

    def find_class(self, module, name):
        if (module, name) in self.KEPT or (module == "torch" and (name.endswith("Storage") or name == "Size")):
            return super().find_class(module, name)
        return Ignored


class TensorsOnlyPickle:
    """What torch.load() wants of a pickle module."""

    Unpickler = TensorsOnly
    load = staticmethod(lambda file, **options: TensorsOnly(file, **options).load())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("output", type=Path, nargs="?")
    arguments = parser.parse_args()
    source = arguments.model / "pytorch_model.bin" if arguments.model.is_dir() else arguments.model
    output = arguments.output or source.with_name("model.safetensors")

    loaded = torch.load(source, map_location="cpu", weights_only=False, pickle_module=TensorsOnlyPickle)
    state = loaded.get("state_dict", loaded)
    tensors = {name: value.detach().to(torch.float32).contiguous().clone()
               for name, value in state.items() if torch.is_tensor(value) and value.is_floating_point()}
    what = next((network for name, network in EXPECTED.items() if name in tensors), None)
    if what is None:
        raise SystemExit(f"{source}: holds neither pyannote's segmentation nor WeSpeaker's ResNet34")
    save_file(tensors, output)
    print(f"{output}: {what}, {len(tensors)} tensors")


if __name__ == "__main__":
    main()
