#!/usr/bin/env python3
"""What the server costs: the speed of N clients that each send the same recording at once, as a share of the engine's
own, which `amanuensis bench pipeline` measures with the same recording, options and number of requests in one process.
Rounds take turns, and each begins with a fresh process on both sides. Python's standard library alone.

    bench/server/throughput.py [--program build/release/bin/amanuensis] [--audio FILE] [--model demo] [--clients 16]
                               [--rounds 3] [--idle 1000]
"""

import argparse
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=ROOT + "/build/release/bin/amanuensis")
    parser.add_argument("--audio", help="a recording [the bundled ones, two minutes]")
    parser.add_argument("--model", default="demo")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", default="0")
    parser.add_argument("--idle", type=int, default=0, help="connections besides, that do nothing")
    return parser.parse_args()


def bundled(folder):
    """The bundled recordings one after the other."""
    recordings = ROOT + "/models/demo/recordings/"
    path = folder + "/audio.flac"
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", recordings + "meeting.flac", "-i", recordings + "planning.flac",
                    "-filter_complex", "concat=n=2:v=0:a=1", path], check=True)
    return path


def engine(arguments, audio):
    """Realtime factor of the engine alone."""
    command = [arguments.program, "bench", "pipeline", "--model", arguments.model, "--audio", audio, "--requests", str(arguments.clients),
               "--threads", arguments.threads, "--tokens-per-window", "0", "--no-vad-filter", "--json"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return report["audio_s"], report["realtime_factor"]


def post(port, body, times, number, texts):
    start = time.monotonic()
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: multipart/form-data; "
                       b"boundary=XX\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        reply = b""
        while piece := client.recv(65536):
            reply += piece
    times[number] = time.monotonic() - start
    assert reply.startswith(b"HTTP/1.1 200"), reply[:500]
    texts.add(json.loads(reply.split(b"\r\n\r\n", 1)[1])["text"])


def served(arguments, audio, audio_s, folder):
    """Realtime factor of the server, from the first byte that is sent to the last that is received."""
    with open(audio, "rb") as file:
        body = b"--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"audio.flac\"\r\n\r\n" + file.read() + b"\r\n--XX--\r\n"
    command = [arguments.program, "serve", "--model", arguments.model, "--port", "0", "--threads", arguments.threads, "--data-dir", folder + "/data"]
    with open(folder + "/log", "w") as log, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as server:
        try:
            port = int(re.search(r":(\d+)", server.stdout.readline().split("//")[1]).group(1))
            idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(arguments.idle)]
            times, texts = [0.0] * arguments.clients, set()
            clients = [threading.Thread(target=post, args=[port, body, times, number, texts]) for number in range(arguments.clients)]
            start = time.monotonic()
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            elapsed = time.monotonic() - start
            for each in idle:
                each.close()
        finally:
            server.send_signal(signal.SIGTERM)
    assert all(times) and len(texts) == 1, "the clients were told different things"
    return audio_s / elapsed, sorted(times)


def main():
    arguments = read_arguments()
    with tempfile.TemporaryDirectory() as folder:
        audio = arguments.audio or bundled(folder)
        ratios = []
        for number in range(arguments.rounds):
            audio_s, alone = engine(arguments, audio)
            with_server, times = served(arguments, audio, audio_s, folder)
            ratios.append(with_server / alone)
            print(f"round {number + 1}: engine {alone:.0f}x realtime, server {with_server:.0f}x: {ratios[-1]:.2f}; "
                  f"replies after {times[len(times) // 2]:.2f} s (median), {times[-1]:.2f} s (last)", flush=True)
        print(f"{arguments.clients} clients, {audio_s / arguments.clients:.0f} s of audio each, {arguments.idle} idle connections: "
              f"the server has {statistics.median(ratios):.2f} of the engine's speed")


if __name__ == "__main__":
    main()
