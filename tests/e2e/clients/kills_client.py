"""kill -9 at random moments of a mixed load: no accepted job is lost or done twice.

    kills_client.py PROGRAM SOURCE        KILLS: how many
"""

import http.server
import os
import random
import subprocess
import sys
import tempfile
import threading
import time

import requests

from served import RawSocket, Server, recording, run_all

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]
KILLS = int(os.environ.get("KILLS", "50"))
LONG = recording(SOURCE)


class Load:
    """Clients of every kind, until the server is killed. What they were promised outlives it."""

    def __init__(self, files, address):
        self.files, self.address = files, address
        self.sent = 0
        self.accepted = {}  # id: the file it is of
        self.given_up = set()  # cancelled or deleted, or perhaps so
        self.problems = []
        self.lock = threading.Lock()

    def run(self, server, seconds):
        self.url, self.port, self.stop = server.url, server.port, threading.Event()
        workers = [self.upload, self.upload, self.by_address, self.transcribe, self.watch, self.delete, self.speak]
        threads = [threading.Thread(target=self.until_killed, args=[work, number]) for number, work in enumerate(workers)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)
        server.kill()
        self.stop.set()
        for thread in threads:
            thread.join()

    def until_killed(self, work, number):
        chance = random.Random(number + self.sent)
        while not self.stop.wait(chance.uniform(0.02, 0.2)):
            try:
                work(chance)
            except (OSError, requests.RequestException):
                pass  # the server is gone, in the middle of something
            except Exception as error:
                self.problems.append(repr(error))

    def name(self):
        with self.lock:
            self.sent += 1
            return f"{self.sent}.flac"

    def note(self, reply, kind):
        if reply.status_code == 202:
            self.accepted[reply.json()["id"]] = kind
        elif reply.status_code != 429:
            self.problems.append(reply.text)

    def upload(self, chance):
        kind = chance.choice(["short", "short", "long"])
        self.note(requests.post(self.url + "/v1/jobs", files={"file": (self.name(), self.files[kind])}, timeout=20), kind)

    def by_address(self, chance):
        url = f"{self.address}/short.flac?{self.name()}"
        self.note(requests.post(self.url + "/v1/jobs", json={"url": url}, timeout=20), "short")

    def transcribe(self, chance):
        reply = requests.post(self.url + "/v1/audio/transcriptions", files={"file": ("a.flac", self.files["short"])}, timeout=20)
        assert reply.status_code in (200, 429), reply.text

    def watch(self, chance):
        jobs = list(self.accepted)
        if jobs:
            with requests.get(f"{self.url}/v1/jobs/{chance.choice(jobs[-20:])}/events", stream=True, timeout=5) as events:
                for _ in events.iter_lines():
                    if self.stop.is_set():
                        return

    def delete(self, chance):
        jobs = [job for job in list(self.accepted) if job not in self.given_up]
        if jobs and chance.random() < 0.1:
            job = chance.choice(jobs)
            self.given_up.add(job)
            requests.delete(f"{self.url}/v1/jobs/{job}", timeout=20)

    def speak(self, chance):
        with RawSocket(self.port, "/ws/transcribe") as talk:
            for _ in range(10):
                talk.send(chance.randbytes(6400), opcode=2)
                if self.stop.wait(0.05):
                    return


def all_jobs(server):
    jobs, after = {}, ""
    while after is not None:
        page = server.get_json("/v1/jobs?limit=200" + (f"&after={after}" if after else ""))
        for job in page["data"]:
            assert job["id"] not in jobs
            jobs[job["id"]] = job
        after = page["next"]
    return jobs


def wait_until_done(server):
    deadline = time.monotonic() + 400
    while server.get_json("/v1/jobs?status=queued,running&limit=1")["data"]:
        assert time.monotonic() < deadline, server.get_json("/status")
        time.sleep(0.2)


def check(server, load):
    assert not load.problems, load.problems[:3]
    jobs = all_jobs(server)
    kept = {job: kind for job, kind in load.accepted.items() if job not in load.given_up}
    for job, kind in kept.items():
        assert job in jobs, f"{job} was accepted and is lost"
        assert jobs[job]["status"] == "done", jobs[job]
    names = [job["url"] or job["name"] for job in jobs.values()]
    assert len(names) == len(set(names)), "one request has made two jobs"
    texts = {"short": set(), "long": set()}
    for job, kind in kept.items():
        texts[kind].add(server.get_json(f"/v1/jobs/{job}/result")["text"])
    assert all(len(each) == 1 for each in texts.values()), "the same recording has different results"
    files = {name.split(".")[0] for name in os.listdir(server.data + "/audio")}
    assert files == {job["id"] for job in jobs.values() if job["audio_available"]}, "recordings and jobs differ"
    assert not os.listdir(server.data + "/uploads")
    again = sum(job["attempt"] > 1 for job in jobs.values())
    print(f"      {len(load.accepted)} jobs accepted, {len(load.given_up)} of them deleted or cancelled, {KILLS} kills, {again} begun again")
    assert again > 0 and len(kept) > KILLS / 2, "the kills came when nothing was going on"


def test_no_accepted_job_is_lost_or_doubled_by_kill_9():
    chance = random.Random(9)
    with tempfile.TemporaryDirectory() as folder:
        short = folder + "/short.flac"
        subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", LONG, "-t", "8", short], check=True)
        handler = type("Quiet", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
        files = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *given: handler(*given, directory=folder))
        threading.Thread(target=files.serve_forever, daemon=True).start()
        with open(short, "rb") as brief, open(LONG, "rb") as whole:
            load = Load({"short": brief.read(), "long": whole.read()}, f"http://127.0.0.1:{files.server_port}")
        with Server(PROGRAM, SOURCE, "--allow-private-urls", "--queue-capacity", "60") as server:
            for _ in range(KILLS):
                load.run(server, chance.uniform(0.02, 1.2))
                server.start()
            wait_until_done(server)
            check(server, load)
        files.shutdown()


sys.exit(0 if run_all(globals()) else 1)
