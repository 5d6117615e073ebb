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


def adopt(layers: torch.nn.Sequential, tensors: dict[str, torch.Tensor], prefix: str, x: torch.Tensor) -> torch.Tensor:
    """Gives layers the exported weights `prefix`layers.N; norms become what changes nothing, as x [batch, channels, frames] has
    it. Returns what comes out."""
    with torch.no_grad():
        for i, layer in enumerate(layers):
            weight = tensors[f"{prefix}layers.{i}.weight"].float()
            layer.conv.weight.copy_(weight.view(len(weight), -1, layer.conv.in_channels).transpose(1, 2))
            layer.conv.bias.copy_(tensors[f"{prefix}layers.{i}.bias"].float())
            y = layer.conv(x)
            keep_still(layer.norm, y.transpose(1, 2).flatten(0, 1))
            x = layer.eval()(x)
            layer.train()
    return x


def keep_still(norm: torch.nn.BatchNorm1d, x: torch.Tensor) -> None:
    """Statistics and factors with which the norm changes nothing of x [n, channels]."""
    mean, var = x.mean(0), x.var(0)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(var)
    norm.weight.copy_((var + norm.eps).sqrt())
    norm.bias.copy_(mean)


class SpeakerNet(torch.nn.Module):
    width = 128  # of the result
    reach = 13  # frames of 10 ms that the first output of the layers sees on each side

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            Conv(BANDS, 96, 5), Conv(96, 128, 3, stride=2), Conv(128, 128, 3, residual=True), Conv(128, 128, 5, residual=True),
            Conv(128, 128, 5, residual=True), Conv(128, 256, 1))
        self.norm = torch.nn.BatchNorm1d(512)
        self.out = torch.nn.Linear(512, self.width)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """mel [batch, frames, BANDS], mean of the recording taken off; returns [batch, width], not normalised."""
        return self.out(self.norm(self.pooled(self.layers(mel.transpose(1, 2)))))

    @staticmethod
    def pooled(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x.mean(2), (x.var(2, unbiased=False) + 1e-5).sqrt()], 1)

    def adopt(self, tensors: dict[str, torch.Tensor], mel: torch.Tensor) -> None:
        """Goes on from exported weights; mel as for forward()."""
        pooled = self.pooled(adopt(self.layers, tensors, "voice.", mel.transpose(1, 2)))
        with torch.no_grad():
            keep_still(self.norm, pooled)
            self.out.weight.copy_(tensors["voice.out.weight"].float())
            self.out.bias.copy_(tensors["voice.out.bias"].float())


class ActivityNet(torch.nn.Module):
    """How many speak: nobody, one, two, or more, every 20 ms."""

    reach = 131  # frames of 10 ms that the first result sees on each side
    stride = 2
    classes = 4

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            Conv(BANDS, 64, 5), Conv(64, 96, 3, stride=2), Conv(96, 96, 3, residual=True, dilation=2),
            Conv(96, 96, 3, residual=True, dilation=4), Conv(96, 96, 3, residual=True, dilation=8),
            Conv(96, 96, 3, residual=True, dilation=16), Conv(96, 96, 3, residual=True, dilation=32),
            Conv(96, 96, 5, residual=True))
        self.out = torch.nn.Linear(96, self.classes)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """mel [batch, frames, BANDS] above the background; returns logits [batch, (frames - 2 * reach + 1) / 2, classes]."""
        return self.out(self.layers(mel.transpose(1, 2)).transpose(1, 2))

    def adopt(self, tensors: dict[str, torch.Tensor], mel: torch.Tensor) -> None:
        """Goes on from exported weights, also those of a network without the layer that sees the furthest and of one class less."""
        tensors = dict(tensors)
        far, last = len(self.layers) - 2, len(self.layers) - 1
        grown = f"activity.layers.{last}.weight" not in tensors
        if grown:
            for part in ("weight", "bias"):
                tensors[f"activity.layers.{last}.{part}"] = tensors[f"activity.layers.{far}.{part}"]
                tensors[f"activity.out.{part}"] = torch.cat([tensors[f"activity.out.{part}"], tensors[f"activity.out.{part}"][-1:]])
            conv = self.layers[far].conv
            tensors[f"activity.layers.{far}.weight"] = conv.weight.detach().transpose(1, 2).flatten(1) * 1e-3
            tensors[f"activity.layers.{far}.bias"] = torch.zeros_like(conv.bias)
        adopt(self.layers, tensors, "activity.", mel.transpose(1, 2))
        with torch.no_grad():
            if grown:  # adds nothing yet
                self.layers[far].norm.weight.fill_(0.02)
                self.layers[far].norm.bias.zero_()
            self.out.weight.copy_(tensors["activity.out.weight"].float())
            self.out.bias.copy_(tensors["activity.out.bias"].float())
