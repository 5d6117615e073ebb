"""Trains the network that hears how many people speak, on what mixtures.py mixed.

    python train_activity.py --mixtures work/mixtures --heard work/heard --out work/activity --minutes 60

Where the mixtures had a teacher it is asked more than the mixture whether anybody speaks, for it knows how meetings are labelled,
and as much as the mixture how many then do. The background of each band, the tenth percentile of the recording, is taken off.
Stops by the clock (clock.py), the rate of learning falls with it; --start begins with exported weights, --resume goes on where
what wrote --out was stopped.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from clock import Clock
from mixed import Mixtures, spoken
from model import ActivityNet

BACKGROUND = 10  # percentile
BATCH = 6
# Of the truth is the teacher's: whether anybody speaks, and how many then do.
TAUGHT_SPEECH, TAUGHT_COUNT = 0.9, 0.5


def batch(mixtures: Mixtures, which: list[int], changed: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
    """What is heard [batch, frames, BANDS], and shares of the classes [batch, results, classes]."""
    mels, shares = [], []
    for i in which:
        mel, masks, taught = mixtures.heard(i) if changed else mixtures.whole(i)
        # The recording around it may have been quieter.
        percentile = mixtures.rng.choice([2, 5, BACKGROUND]) if changed and mixtures.rng.random() < 0.4 else BACKGROUND
        mels.append(mel - background(mel, percentile))
        counts = np.minimum(spoken(masks), ActivityNet.classes - 1)
        shares.append(asked(counts, taught) if changed else np.eye(ActivityNet.classes)[counts])
    labels = np.stack(shares)[:, (ActivityNet.reach + 1) // 2:].astype(np.float32)
    return torch.from_numpy(np.stack(mels)), torch.from_numpy(labels)


def asked(counts: np.ndarray, taught: np.ndarray) -> np.ndarray:
    """Shares of the classes [frames, classes] between the truth and the teacher's."""
    nobody = TAUGHT_SPEECH * taught[:, 0] + (1 - TAUGHT_SPEECH) * (counts == 0)
    some = np.eye(ActivityNet.classes)[np.maximum(counts, 1)]
    knows = taught[:, 0] < 0.9  # else it says nothing of how many they are
    some[knows] += (taught[knows, 1:].sum(1, keepdims=True) ** -1 * taught[knows] * [0, 1, 1, 1, 1] - some[knows]) * TAUGHT_COUNT
    some *= 1 - nobody[:, None]
    some[:, 0] = nobody
    return some


def background(mel: np.ndarray, percentile: float) -> np.ndarray:
    place = int(percentile / 100 * (len(mel) - 1))
    return np.partition(mel, place, axis=0)[place]


def table(net: ActivityNet, heard: Mixtures) -> np.ndarray:
    """Shares of frames: rows what is true, columns what was found."""
    net.eval()
    counts = np.zeros((ActivityNet.classes, ActivityNet.classes))
    with torch.no_grad():
        for i in range(0, len(heard), 20):
            mel, labels = batch(heard, list(range(i, min(len(heard), i + 20))), changed=False)
            found = net(mel).argmax(2).numpy()
            np.add.at(counts, (labels.argmax(2).numpy()[:, :found.shape[1]].ravel(), found.ravel()), 1)
    net.train()
    return counts / counts.sum(1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mixtures", type=Path, nargs="+", required=True)
    parser.add_argument("--heard", type=Path, required=True, help="mixtures of voices kept aside")
    parser.add_argument("--out", type=Path, required=True)
    Clock.add_options(parser, 15)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    mixtures, heard = Mixtures(options.mixtures, options.seed), Mixtures([options.heard], 1)
    net = ActivityNet()
    optimizer = torch.optim.AdamW(net.parameters(), lr=options.rate, weight_decay=0.02)
    clock, step, mean = Clock(options), 0, 0.0
    if options.resume:
        net.load_state_dict(torch.load(options.out / "net.pt"))
        state = torch.load(options.out / "state.pt")
        optimizer.load_state_dict(state["optimizer"])
        clock.go_on(state["gone"])
        step = state["step"]
        mixtures.rng = np.random.default_rng([options.seed, step])
    elif options.start:
        net.adopt(load_file(options.start), batch(mixtures, list(range(8)))[0])
    while (gone := clock.gone()) < 1:
        for each in optimizer.param_groups:
            each["lr"] = float(options.rate * min(1, (step + 1) / 50) * (0.5 + 0.5 * np.cos(np.pi * gone)) + 1e-5)
        mel, labels = batch(mixtures, list(mixtures.rng.integers(0, len(mixtures), BATCH)))
        with torch.autocast("cpu", torch.bfloat16):
            logits = net(mel).float()
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels[:, :logits.shape[1]].flatten(0, 1))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5)
        optimizer.step()
        step += 1
        mean += 0.02 * (loss.item() - mean) if mean else loss.item()
        if step % 200 == 0:
            print(f"{step} {gone:.2f} loss {mean:.3f}", flush=True)
            if step % 1000 == 0:
                print(f" held-out {table(net, heard).round(3).tolist()}", flush=True)
            torch.save(net.state_dict(), options.out / "net.pt")
            torch.save({"optimizer": optimizer.state_dict(), "gone": gone, "step": step}, options.out / "state.pt")
    torch.save(net.state_dict(), options.out / "net.pt")
    print(f"{step} held-out {table(net, heard).round(3).tolist()}", flush=True)


if __name__ == "__main__":
    main()
