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
    """One of the two that the program has side by side; their vectors, each of length 1, follow one another."""

    width = 128  # of the result
    kinds = ("narrow", "wide")

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind = kind
        if kind == "narrow":
            layers = [Conv(BANDS, 96, 5), Conv(96, 128, 3, stride=2), Conv(128, 128, 3, residual=True),
                      *(Conv(128, 128, 5, residual=True) for _ in range(2)), Conv(128, 256, 1)]
        else:
            layers = [Conv(BANDS, 128, 5), Conv(128, 192, 3, stride=2),
                      *(Conv(192, 192, 3, residual=True, dilation=dilation) for dilation in (1, 2, 3)), Conv(192, 384, 1)]
        self.layers = torch.nn.Sequential(*layers)
        pooled = 2 * layers[-1].conv.out_channels
        self.norm = torch.nn.BatchNorm1d(pooled)
        self.out = torch.nn.Linear(pooled, self.width)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """mel [batch, frames, BANDS], mean of the recording taken off; returns [batch, width], not normalised."""
        return self.out(self.norm(self.pooled(self.layers(mel.transpose(1, 2)))))

    @staticmethod
    def pooled(x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x.mean(2), (x.var(2, unbiased=False) + 1e-5).sqrt()], 1)

    def adopt(self, tensors: dict[str, torch.Tensor], mel: torch.Tensor) -> None:
        """Goes on from exported weights; mel as for forward()."""
        prefix = f"voice.{self.kind}."
        pooled = self.pooled(adopt(self.layers, tensors, prefix, mel.transpose(1, 2)))
        with torch.no_grad():
            keep_still(self.norm, pooled)
            self.out.weight.copy_(tensors[prefix + "out.weight"].float())
            self.out.bias.copy_(tensors[prefix + "out.bias"].float())


class Voices(torch.nn.Module):
    """The two speaker networks as the program has them."""

    def __init__(self, nets: list[SpeakerNet]) -> None:
        super().__init__()
        self.nets = torch.nn.ModuleList(nets)
        self.width = sum(net.width for net in nets)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.nn.functional.normalize(net(mel)) for net in self.nets], 1)


class ActivityNet(torch.nn.Module):
    """How many speak: nobody, one, two, three, or more, every 20 ms."""

    stride = 4  # frames of 10 ms between the places of the layers
    results = 2  # at each of them: for its frame, and the one two further on
    classes = 5
    width = 128
    dilations = (1, 2, 4, 8, 16, 32, 4, 1)
    reach = 5 + stride * sum(dilations)  # frames of 10 ms that a place sees on each side

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            Conv(BANDS, 64, 5), Conv(64, self.width, 3, stride=2), Conv(self.width, self.width, 3, stride=2),
            *(Conv(self.width, self.width, 3, residual=True, dilation=dilation) for dilation in self.dilations))
        self.out = torch.nn.Linear(self.width, self.results * self.classes)

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """mel [batch, frames, BANDS] above the background; returns logits [batch, results, classes], the first that of frame
        `reach`, as far as whole places go."""
        return self.out(self.layers(mel.transpose(1, 2)).transpose(1, 2)).unflatten(2, (self.results, self.classes)).flatten(1, 2)

    def adopt(self, tensors: dict[str, torch.Tensor], mel: torch.Tensor) -> None:
        """Goes on from exported weights; mel as for forward()."""
        adopt(self.layers, tensors, "activity.", mel.transpose(1, 2))
        with torch.no_grad():
            self.out.weight.copy_(tensors["activity.out.weight"].float())
            self.out.bias.copy_(tensors["activity.out.bias"].float())
