"""A load of many clients for a while: memory and file descriptors stay flat, latencies are reported.

    soak_client.py PROGRAM SOURCE        SOAK_SECONDS, SOAK_CLIENTS: how long, how many
"""

import os
import subprocess
import sys
import tempfile
import threading
import time

import requests

from served import Server, recording

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]
SECONDS = float(os.environ.get("SOAK_SECONDS", "120"))
CLIENTS = int(os.environ.get("SOAK_CLIENTS", "64"))

with tempfile.TemporaryDirectory() as folder:
    clip = folder + "/clip.flac"
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", recording(SOURCE), "-t", "8", clip], check=True)
    with open(clip, "rb") as file:
        DATA = file.read()


def resident_mb(server):
    with open(f"/proc/{server.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


latencies, failures = [], []
with Server(PROGRAM, SOURCE) as server:
    stop = time.monotonic() + SECONDS

    def work():
        session = requests.Session()
        while time.monotonic() < stop:
            start = time.monotonic()
            reply = session.post(server.url + "/v1/audio/transcriptions", files={"file": ("clip.flac", DATA)})
            latencies.append(time.monotonic() - start)
            if not reply.ok:
                failures.append(reply.text)

    clients = [threading.Thread(target=work) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(SECONDS / 3)
    warm = resident_mb(server), descriptors(server)
    for client in clients:
        client.join()
    time.sleep(1)
    end = resident_mb(server), descriptors(server)
    speed = server.get_json("/status")["performance"]["realtime_factor"]
latencies.sort()
print(f"{len(latencies)} requests of {CLIENTS} clients in {SECONDS:.0f} s, {speed:.0f}x realtime; latency p50 "
      f"{latencies[len(latencies) // 2]:.2f} s, p95 {latencies[len(latencies) * 95 // 100]:.2f} s, worst {latencies[-1]:.2f} s; "
      f"memory {warm[0]:.0f} -> {end[0]:.0f} MB, descriptors {warm[1]} -> {end[1]}")
assert not failures, failures[:3]
assert end[0] < warm[0] * 1.15 + 20, "memory grows"
assert end[1] <= warm[1], "file descriptors leak"
