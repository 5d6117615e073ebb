"""The two networks: who speaks (a vector for a stretch of speech), and how many speak in each frame."""
from __future__ import annotations

import torch

from features import BANDS


class Conv(torch.nn.Module):
    """A convolution without padding, batch norm folded in at export, GELU; with `residual` its input is added to it."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, residual: bool = False,
                 dilation: int = 1) -> None:
        super().__init__()
        self.conv = torch.nn.Conv1d(inputs, outputs, kernel, stride, dilation=dilation)
        self.norm = torch.nn.BatchNorm1d(outputs)
        self.residual = residual

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.nn.functional.gelu(self.norm(self.conv(x)))
        return y + x[:, :, self.conv.kernel_size[0] // 2 * self.conv.dilation[0]:][:, :, :y.shape[2]] if self.residual else y


class SpeakerNet(torch.nn.Module):
    width = 128  # of the result

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            Conv(BANDS, 96, 5), Conv(96, 128, 3, stride=2), Conv(128, 128, 3, residual=True), Conv(128, 128, 5, residual=True),
            Conv(128, 128, 5, residual=True), Conv(128, 256, 1))
        self.norm = torch.nn.BatchNorm1d(512)
        self.out = torch.nn.Linear(512, self.width)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """mel [batch, frames, BANDS], mean of the recording taken off; returns [batch, width], not normalised."""
        x = self.layers(mel.transpose(1, 2))
        mean = x.mean(2)
        std = (x.var(2, unbiased=False) + 1e-5).sqrt()
        return self.out(self.norm(torch.cat([mean, std], 1)))


class ActivityNet(torch.nn.Module):
    """How many speak: nobody, one, or more, every 20 ms."""

    reach = 67  # frames of 10 ms that the first result sees on each side
    stride = 2

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            Conv(BANDS, 64, 5), Conv(64, 96, 3, stride=2), Conv(96, 96, 3, residual=True, dilation=2),
            Conv(96, 96, 3, residual=True, dilation=4), Conv(96, 96, 3, residual=True, dilation=8),
            Conv(96, 96, 3, residual=True, dilation=16), Conv(96, 96, 5, residual=True))
        self.out = torch.nn.Linear(96, 3)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """mel [batch, frames, BANDS] above the background; returns logits [batch, (frames - 2 * reach + 1) / 2, 3]."""
        return self.out(self.layers(mel.transpose(1, 2)).transpose(1, 2))
