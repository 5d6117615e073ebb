"""Two published networks that ours learn from: what they hear is what ours should hear. Neither is part of the program.

    pip download --no-deps whisperx==3.8.6 resemblyzer==0.1.4
    for each in *.whl; do python -m zipfile -e $each work/teachers; done

SpeechTeacher: pyannote's segmentation network (Bredin and Laurent 2021, MIT), as the package whisperx has it: up to three people in
five seconds. VoiceTeacher: Resemblyzer's voice encoder (Apache 2.0), learned from thousands of people.
"""
from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from torch.nn import functional

RATE_HZ = 16000


class _Tensors(pickle.Unpickler):
    """Reads a training's checkpoint without the packages whose classes are in it, and without running them."""

    def find_class(self, module: str, name: str) -> object:
        if module.split(".")[0] in ("torch", "collections"):
            return super().find_class(module, name)
        return type(name, (_Unknown,), {})


class _Unknown:
    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __setstate__(self, _: object) -> None:
        pass


def _load(path: Path) -> dict:
    return torch.load(path, map_location="cpu", weights_only=False, pickle_module=SimpleNamespace(
        __name__="tensors", Unpickler=_Tensors, load=lambda file, **options: _Tensors(file, **options).load()))


class SpeechTeacher(torch.nn.Module):
    window = 5 * RATE_HZ
    hop = 2 * RATE_HZ  # between windows
    first, step = 991 / 2, 270  # samples: where the first result's middle is, and between results

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.weights = _load(folder / "whisperx/assets/pytorch_model.bin")["state_dict"]
        self.filters = self._filters()
        self.lstm = torch.nn.LSTM(60, 128, 4, bidirectional=True, batch_first=True)
        self.lstm.load_state_dict({name[5:]: weight for name, weight in self.weights.items() if name.startswith("lstm.")})

    def _filters(self) -> torch.Tensor:
        """SincNet's: each band's cosine and sine, windowed [80, 1, 251]."""
        low_hz, band_hz, window, n = (self.weights[f"sincnet.conv1d.0.filterbank.{name}_"] for name in ("low_hz", "band_hz", "window", "n"))
        low = 50 + low_hz.abs()
        high = torch.clamp(low + 50 + band_hz.abs(), 50, RATE_HZ / 2)
        width = 2 * (high - low)
        cosine = (torch.sin(high @ n) - torch.sin(low @ n)) / (n / 2) * window
        sine = (torch.cos(low @ n) - torch.cos(high @ n)) / (n / 2) * window
        even = torch.cat([cosine, width, cosine.flip(1)], 1)
        odd = torch.cat([sine, torch.zeros_like(width), -sine.flip(1)], 1)
        return torch.cat([even / width, odd / width])[:, None]

    def forward(self, sound: torch.Tensor) -> torch.Tensor:
        """sound [batch, window]; returns probabilities [batch, results, 3] that each of three people speaks."""
        weights = self.weights

        def norm(x: torch.Tensor, name: str) -> torch.Tensor:
            return functional.instance_norm(x, weight=weights[f"sincnet.{name}.weight"], bias=weights[f"sincnet.{name}.bias"])

        x = functional.conv1d(norm(sound[:, None], "wav_norm1d"), self.filters, stride=10).abs()
        for i in range(3):
            if i > 0:
                x = functional.conv1d(x, weights[f"sincnet.conv1d.{i}.weight"], weights[f"sincnet.conv1d.{i}.bias"])
            x = functional.leaky_relu(norm(functional.max_pool1d(x, 3), f"norm1d.{i}"))
        x, _ = self.lstm(x.transpose(1, 2))
        for i in range(2):
            x = functional.leaky_relu(functional.linear(x, weights[f"linear.{i}.weight"], weights[f"linear.{i}.bias"]))
        return torch.sigmoid(functional.linear(x, weights["classifier.weight"], weights["classifier.bias"]))

    def counts(self, sound: np.ndarray, frames: int) -> np.ndarray:
        """Probabilities that 0, 1, 2 or 3 people speak [frames, 4], a frame being 20 ms."""
        margin = self.window // 2
        padded = np.concatenate([np.zeros(margin), sound, np.zeros(self.window)]).astype(np.float32)
        starts = np.arange(0, len(sound) + margin, self.hop)
        with torch.no_grad():
            people = self(torch.from_numpy(np.stack([padded[start:start + self.window] for start in starts]))).numpy()
        found = np.ones((*people.shape[:2], 1), np.float32)
        for one in np.moveaxis(people[..., None], 2, 0):
            found = np.pad(found * (1 - one), ((0, 0), (0, 0), (0, 1))) + np.pad(found * one, ((0, 0), (0, 0), (1, 0)))
        weight = np.hanning(found.shape[1] + 2)[1:-1]  # the middle of a window knows more
        total, weights = np.zeros((frames, found.shape[2])), np.full((frames, 1), 1e-9)
        for start, each in zip(starts, found):
            at = (start - margin + self.first + self.step * np.arange(len(each))) / (RATE_HZ / 50)
            inside = np.arange(max(0, int(np.ceil(at[0]))), min(frames, int(at[-1]) + 1))
            near = np.searchsorted(at, inside)
            total[inside] += each[near] * weight[near, None]
            weights[inside, 0] += weight[near]
        return total / weights


class VoiceTeacher(torch.nn.Module):
    frames = 160  # of 10 ms
    width = 256

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.lstm = torch.nn.LSTM(40, self.width, 3, batch_first=True)
        self.linear = torch.nn.Linear(self.width, self.width)
        weights = _load(folder / "resemblyzer/pretrained.pt")["model_state"]
        self.load_state_dict({name: weight for name, weight in weights.items() if not name.startswith("similarity")})

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        _, (hidden, _) = self.lstm(mel)
        return functional.normalize(torch.relu(self.linear(hidden[-1])))

    def voice(self, sound: np.ndarray) -> np.ndarray:
        """The mean vector [width] of a sound of one voice."""
        import librosa

        sound = sound * (10 ** (-30 / 20) / (np.sqrt(np.mean(sound ** 2)) + 1e-9))
        mel = librosa.feature.melspectrogram(y=sound, sr=RATE_HZ, n_fft=400, hop_length=160, n_mels=40).T.astype(np.float32)
        windows = np.stack([mel[start:start + self.frames] for start in range(0, len(mel) - self.frames, self.frames // 2)])
        with torch.no_grad():
            return self(torch.from_numpy(windows)).mean(0).numpy()
