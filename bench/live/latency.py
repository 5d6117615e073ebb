"""How long a listener waits: a recording is sent to /ws/transcribe as fast as it was spoken.

    tests/e2e/clients/run.sh build/release/bin/amanuensis $PWD build/release/clients/websockets bench/live/latency.py websockets

LIVE_MODEL: a model's id or path (demo); spoken_model.py makes one of any published size. LIVE_RUNS: how often (3). Prints, for
each run, the time from the beginning of speech to the first partial text, and from the last word said to the last final text.
"""

import array
import asyncio
import json
import os
import pathlib
import subprocess
import sys
import time

import websockets

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tests" / "e2e" / "clients"))
from served import Server, recording  # noqa: E402

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]
RATE, PIECE = 16000, 320  # 20 ms
SILENCE_S, SPEECH_S = 2, 20


def sound():
    """Two seconds of silence, then speech; and the sample where it begins."""
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-i", recording(SOURCE), "-t", str(SPEECH_S), "-ac", "1", "-ar", str(RATE),
               "-f", "s16le", "-"]
    speech = array.array("h", subprocess.run(command, check=True, capture_output=True).stdout)
    loud = max(map(abs, speech)) / 20
    onset = next(i for i in range(0, len(speech), PIECE) if max(map(abs, speech[i:i + PIECE])) > loud)
    end = next(i for i in range(len(speech) - PIECE, 0, -PIECE) if max(map(abs, speech[i:i + PIECE])) > loud) + PIECE
    silence = array.array("h", bytes(2 * RATE * SILENCE_S))
    return (silence + speech + silence), len(silence) + onset, len(silence) + end


async def listen(server, samples):
    """When each message came, in seconds after the first sample was due."""
    heard = []
    async with websockets.connect(f"ws://127.0.0.1:{server.port}/ws/transcribe?sample_rate={RATE}") as socket:
        await socket.recv()  # ready
        start = time.monotonic()

        async def hear():
            async for message in socket:
                heard.append((time.monotonic() - start, json.loads(message)))

        hearing = asyncio.create_task(hear())
        for at in range(0, len(samples), PIECE):
            await asyncio.sleep(max(0, start + (at + PIECE) / RATE - time.monotonic()))
            await socket.send(samples[at:at + PIECE].tobytes())
        await socket.send(json.dumps({"type": "end"}))
        await hearing
    return heard


samples, onset, end = sound()
with Server(PROGRAM, SOURCE, model=os.environ.get("LIVE_MODEL", "demo")) as server:
    for _ in range(int(os.environ.get("LIVE_RUNS", "3"))):
        heard = asyncio.run(listen(server, samples))
        partials = [when for when, message in heard if message["type"] in ("partial", "final") and message["text"].strip()]
        finals = [when for when, message in heard if message["type"] == "final"]
        print(f"first text {1000 * (partials[0] - onset / RATE):.0f} ms after speech began, {len(partials)} updates, last final "
              f"{1000 * (finals[-1] - end / RATE):.0f} ms after speech ended")
