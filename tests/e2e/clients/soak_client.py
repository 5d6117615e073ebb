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

from served import RawSocket, Server, recording

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


PCM = subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", recording(SOURCE), "-t", "8", "-ac", "1", "-ar", "16000", "-f", "s16le", "-"],
                     check=True, capture_output=True).stdout


class Client(threading.Thread):
    """Most transcribe; some keep jobs, watch and delete them; some speak."""

    def __init__(self, server, number, stop):
        super().__init__()
        self.server, self.stop = server, stop
        self.kind, self.act = {0: ("jobs", self.job), 1: ("conversations", self.speak)}.get(number % 8, ("requests", self.transcribe))
        self.times, self.failures = [], []

    def run(self):
        self.session = requests.Session()
        while time.monotonic() < self.stop:
            start = time.monotonic()
            try:
                self.act()
            except Exception as error:
                self.failures.append(repr(error))
            self.times.append(time.monotonic() - start)

    def transcribe(self):
        reply = self.session.post(self.server.url + "/v1/audio/transcriptions", files={"file": ("clip.flac", DATA)})
        assert reply.ok and "Boston" in reply.text, reply.text

    def job(self):
        reply = self.session.post(self.server.url + "/v1/jobs", files={"file": ("clip.flac", DATA)})
        assert reply.status_code == 202, reply.text
        address = self.server.url + "/v1/jobs/" + reply.json()["id"]
        with self.session.get(address + "/events", stream=True) as events:
            names = [line for line in events.iter_lines() if line.startswith(b"event: ")]
        assert names[-1] == b"event: done", names
        assert "Boston" in self.session.get(address + "/result?format=text").text
        assert self.session.delete(address).json()["deleted"]

    def speak(self):
        with RawSocket(self.server.port, "/ws/transcribe?language=en") as talk:
            talk.socket.settimeout(120)
            for at in range(0, len(PCM), 32000):
                talk.send(PCM[at:at + 32000], opcode=2)
            talk.send(b'{"type": "end"}')
            last = b""
            while (message := talk.read())[0] not in (None, 0x88):
                last = message[1]
            assert b'"done"' in last, last


with Server(PROGRAM, SOURCE) as server:
    stop = time.monotonic() + SECONDS
    clients = [Client(server, number, stop) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    time.sleep(SECONDS / 3)
    warm = resident_mb(server), descriptors(server)
    for client in clients:
        client.join()
    time.sleep(1)
    end = resident_mb(server), descriptors(server)
    speed = server.get_json("/status")["performance"]["realtime_factor"]
    left = os.listdir(server.data + "/audio") + os.listdir(server.data + "/uploads")
for kind in ("requests", "jobs", "conversations"):
    times = sorted(each for client in clients if client.kind == kind for each in client.times)
    print(f"{len(times)} {kind}: p50 {times[len(times) // 2]:.2f} s, p95 {times[len(times) * 95 // 100]:.2f} s, worst {times[-1]:.2f} s")
print(f"{CLIENTS} clients, {SECONDS:.0f} s, recordings at {speed:.0f}x realtime; memory {warm[0]:.0f} -> {end[0]:.0f} MB, "
      f"descriptors {warm[1]} -> {end[1]}")
failures = [failure for client in clients for failure in client.failures]
assert not failures, (len(failures), failures[:3])
assert not left, left[:3]
assert end[0] < warm[0] * 1.15 + 20, "memory grows"
assert end[1] <= warm[1], "file descriptors leak"
