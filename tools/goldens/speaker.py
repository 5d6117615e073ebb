"""Goldens of the speaker networks: PyTorch with made-up weights, torchaudio's Kaldi features.

    python tools/goldens/speaker.py      needs torch, torchaudio, asteroid-filterbanks==0.4.0

writes tests/goldens/speaker_torch.bin, a small file of torch.save() with objects beside its tensors, and
tests/goldens/speaker_segmentation.npy, speaker_fbank.npy and speaker_embeddings.npy: what pyannote's segmentation
network and WeSpeaker's ResNet34, built here of PyTorch's own layers under their published names, make of made-up audio.
Weights and audio come from common.py's hash; tests/support/hashed_speaker.h makes the same. Ten seconds on two cores.
"""

import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import torchaudio.compliance.kaldi as kaldi
from asteroid_filterbanks import Encoder, ParamSincFB
from common import uniform
from torch import nn

OUT = Path(__file__).resolve().parents[2] / "tests" / "goldens"
EMBEDDED_SAMPLES = [32000, 21933]


def values(name: str, shape: tuple) -> np.ndarray:
    """Of one tensor: norms near 1, biases small, weights that keep their input's size; recurrent ones a little less."""
    u = uniform(name, int(np.prod(shape))).reshape(shape)
    if name.endswith("low_hz_"):
        return np.float32(2000) + u * np.float32(1900)
    if name.endswith("band_hz_"):
        return np.float32(500) + u * np.float32(450)
    if name.endswith("running_var"):
        return np.float32(1) + u * np.float32(0.5)
    if len(shape) == 1 and name.endswith(".weight"):
        return np.float32(1) + u * np.float32(0.25)
    if len(shape) == 1:
        return u * np.float32(0.125)
    gain = 1.0
    if name.startswith(("lstm.weight_ih", "linear.")):
        gain = 2.5
    elif name.startswith("lstm.weight_hh"):
        gain = 0.75
    elif name.startswith("classifier"):
        gain = 4.0
    return u * np.float32(gain * math.sqrt(3.0 / math.prod(shape[1:])))


def audio(name: str, samples: int) -> np.ndarray:
    """Noise whose level changes ten times a second, over a rough tone."""
    noise = uniform(name, samples)
    level = np.float32(0.25) + np.float32(0.25) * np.repeat(uniform(name + ".level", samples // 1600 + 1), 1600)[:samples]
    tone = (np.arange(samples, dtype=np.int64) * 7 % 800).astype(np.float32) * np.float32(1 / 1024) - np.float32(0.375)
    return noise * level + tone * np.float32(0.5)


class SincNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.wav_norm1d = nn.InstanceNorm1d(1, affine=True)
        filters = ParamSincFB(80, 251, stride=10, sample_rate=16000, min_low_hz=50, min_band_hz=50)
        self.conv1d = nn.ModuleList([Encoder(filters), nn.Conv1d(80, 60, 5), nn.Conv1d(60, 60, 5)])
        self.norm1d = nn.ModuleList([nn.InstanceNorm1d(c, affine=True) for c in (80, 60, 60)])

    def forward(self, x):
        x = self.wav_norm1d(x)
        for i, (conv, norm) in enumerate(zip(self.conv1d, self.norm1d)):
            x = conv(x)
            x = F.leaky_relu(norm(F.max_pool1d(x.abs() if i == 0 else x, 3)))
        return x


class Segmentation(nn.Module):
    def __init__(self):
        super().__init__()
        self.sincnet = SincNet()
        self.lstm = nn.LSTM(60, 128, num_layers=4, bidirectional=True, batch_first=True)
        self.linear = nn.ModuleList([nn.Linear(256, 128), nn.Linear(128, 128)])
        self.classifier = nn.Linear(128, 7)

    def forward(self, x):
        x, _ = self.lstm(self.sincnet(x).transpose(1, 2))
        for linear in self.linear:
            x = F.leaky_relu(linear(x))
        return F.log_softmax(self.classifier(x), dim=-1)


class Block(nn.Module):
    def __init__(self, inside, outside, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.shortcut = nn.Sequential()
        if stride != 1 or inside != outside:
            self.shortcut = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))) + self.shortcut(x))


class ResNet34(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        inside = 32
        for level, (blocks, width) in enumerate(zip((3, 4, 6, 3), (32, 64, 128, 256))):
            layers = []
            for i in range(blocks):
                layers.append(Block(inside, width, 2 if level > 0 and i == 0 else 1))
                inside = width
            setattr(self, f"layer{level + 1}", nn.Sequential(*layers))
        self.seg_1 = nn.Linear(5120, 256)

    def frames(self, fbank):
        x = F.relu(self.bn1(self.conv1(fbank.transpose(1, 2).unsqueeze(1))))
        return self.layer4(self.layer3(self.layer2(self.layer1(x)))).flatten(1, 2)

    def embedding(self, frames, weights=None):
        if weights is None:
            return self.seg_1(torch.cat([frames.mean(-1), frames.std(-1, correction=1)], -1))
        weights = F.interpolate(weights[None, None], size=frames.shape[-1], mode="nearest")[0]
        v1 = weights.sum() + 1e-8
        mean = (frames * weights).sum(-1) / v1
        variance = ((frames - mean[..., None]).square() * weights).sum(-1)
        variance = variance / (v1 - weights.square().sum() / v1 + 1e-8)
        return self.seg_1(torch.cat([mean, variance.sqrt()], -1))


def fill(network: nn.Module, prefix: str) -> nn.Module:
    state = network.state_dict()
    for name, tensor in state.items():
        if name.endswith(("num_batches_tracked", "window_", "n_")):
            continue
        state[name] = torch.from_numpy(values(prefix + name, tuple(tensor.shape)))
    network.load_state_dict(state)
    return network.eval()


class Specifications:
    """Something that a checkpoint also holds."""

    def __init__(self):
        self.classes = ["a", "b"]


def save_small_file() -> None:
    base = torch.arange(12, dtype=torch.float32)
    state = {"plain": base.reshape(3, 4), "part": base[6:10], "half": torch.tensor([0.5, -2.0], dtype=torch.float16),
             "bfloat": torch.tensor([[1.5]], dtype=torch.bfloat16), "counted": torch.tensor(7),
             "parameter": nn.Parameter(torch.tensor([3.0, 4.0])), "scalar": torch.tensor(2.5)}
    torch.save({"epoch": 3, "pyannote.audio": {"specifications": Specifications(), "versions": {"torch": "2"}},
                "optimizer": [1.5, None, True, (1, 2), 1 << 40], "state_dict": state}, OUT / "speaker_torch.bin")


@torch.no_grad()
def main() -> None:
    save_small_file()
    segmentation = fill(Segmentation(), "")
    windows = np.stack([audio(f"speaker.window.{i}", 160000) for i in range(2)])
    np.save(OUT / "speaker_segmentation.npy", segmentation(torch.from_numpy(windows)[:, None]).numpy().reshape(-1, 7))

    resnet = fill(ResNet34(), "resnet.")
    embeddings = []
    for i, samples in enumerate(EMBEDDED_SAMPLES):
        wave = torch.from_numpy(audio(f"speaker.voice.{i}", samples))[None] * 32768
        features = kaldi.fbank(wave, num_mel_bins=80, window_type="hamming", dither=0.0, sample_frequency=16000)
        if i == 0:
            np.save(OUT / "speaker_fbank.npy", features.numpy())
        frames = resnet.frames((features - features.mean(0, keepdim=True))[None])
        weights = torch.from_numpy((uniform(f"speaker.weights.{i}", 17) + np.float32(1)) * np.float32(0.5))
        embeddings += [resnet.embedding(frames)[0], resnet.embedding(frames, weights)[0]]
    np.save(OUT / "speaker_embeddings.npy", torch.stack(embeddings).numpy())


if __name__ == "__main__":
    main()
