"""A fleet under every kind of trouble at once: workers killed, frozen and cut off, NATS nodes stopped and started, the S3
emulator refusing. In the end every recording has exactly one result, the one that a single machine gives, and only what
is broken is a dead letter, with its reason.

    chaos.py PROGRAM SOURCE      CHAOS_RECORDINGS (200), CHAOS_WORKERS (4), CHAOS_SECONDS of trouble at least (60),
                                 CHAOS_SEED, CHAOS_NETWORK=auto|namespaces|loopback
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))

from cluster import Cluster, Loopback, Namespaces, nats_server_program, wait_until  # noqa: E402
from served import Server  # noqa: E402

PROGRAM, SOURCE = sys.argv[1:3]
RECORDINGS = int(os.environ.get("CHAOS_RECORDINGS", "200"))
WORKERS = int(os.environ.get("CHAOS_WORKERS", "4"))
SECONDS = float(os.environ.get("CHAOS_SECONDS", "60"))
SEED = int(os.environ.get("CHAOS_SEED", str(random.randrange(1 << 30))))
NETWORK = os.environ.get("CHAOS_NETWORK", "auto")
BROKEN = {"empty.wav": b"", "text.mp3": b"this is no recording at all\n" * 50, "noise.flac": bytes(range(256)) * 20}
ACK_WAIT_S = 4

chance = random.Random(SEED)


def say(text):
    print(f"{time.monotonic() - STARTED:6.1f} s  {text}", flush=True)


def make_recordings(folder):
    """Pieces of the bundled recordings, no two alike; one is long enough to be cut into ranges."""
    sources = [os.path.join(SOURCE, "models/demo/recordings", name) for name in ("meeting.flac", "planning.flac")]
    for i in range(RECORDINGS - 1):
        start, length = chance.uniform(0, 50), chance.uniform(2, 5)
        subprocess.run(["ffmpeg", "-v", "error", "-ss", f"{start:.3f}", "-t", f"{length:.3f}", "-i", sources[i % 2],
                        os.path.join(folder, f"piece{i:04}.flac")], check=True)
    subprocess.run(["ffmpeg", "-v", "error", "-i", sources[0], os.path.join(folder, "long.flac")], check=True)
    for name, content in BROKEN.items():
        with open(os.path.join(folder, name), "wb") as out:
            out.write(content)


def single_machine(folder):
    """What `amanuensis serve`, alone and with a database of its own, makes of each."""
    import requests

    results = {}
    with Server(PROGRAM, SOURCE, "--queue-capacity", str(RECORDINGS + 10)) as server:
        ids = {}
        for name in sorted(os.listdir(folder)):
            if name in BROKEN:
                continue
            with open(os.path.join(folder, name), "rb") as audio:
                reply = requests.post(server.url + "/v1/jobs", files={"file": (name, audio)}, timeout=60)
            reply.raise_for_status()
            ids[name] = reply.json()["id"]
        for name, job in ids.items():
            def done():
                return server.get_json(f"/v1/jobs/{job}")["status"] not in ("queued", "running")
            wait_until(done, 600, f"{name} is done on one machine")
            result = server.get_json(f"/v1/jobs/{job}/result")
            result.pop("id")
            results[name] = result
    return results


class Trouble:
    def __init__(self, cluster):
        self.cluster, self.later, self.counts = cluster, [], {}
        self.busy = set()

    def after(self, seconds, name, undo):
        self.busy.add(name)
        self.later.append((time.monotonic() + seconds, name, undo))

    def settle(self, everything=False):
        for entry in list(self.later):
            if everything or time.monotonic() >= entry[0]:
                self.later.remove(entry)
                entry[2]()
                self.busy.discard(entry[1])

    def free(self, kind):
        return [name for name in self.cluster.processes if name.startswith(kind) and name not in self.busy]

    def one_more(self):
        kinds = ["kill", "kill", "nats", "freeze", "refuse"] + (["cut", "cut"] if self.cluster.network.can_cut else [])
        kind = chance.choice(kinds)
        processes = self.cluster.processes
        if kind == "kill" and self.free("worker"):
            name = chance.choice(self.free("worker"))
            processes[name].kill()
            self.after(chance.uniform(0, 2), name, processes[name].start)
        elif kind == "freeze" and self.free("worker"):
            name = chance.choice(self.free("worker"))
            processes[name].send(19)  # for longer than its work waits for it
            self.after(ACK_WAIT_S + 2, name, lambda: processes[name].send(18))
        elif kind == "cut" and self.free("worker"):
            name = chance.choice(self.free("worker"))
            self.cluster.network.cut(name)
            self.after(ACK_WAIT_S + 2, name, lambda: self.cluster.network.join(name))
        elif kind == "nats" and len(self.free("nats")) == self.cluster.nodes:  # one at a time: two are a majority
            name = chance.choice(self.free("nats"))
            processes[name].kill() if chance.random() < 0.5 else processes[name].stop()
            self.after(chance.uniform(1, 4), name, processes[name].start)
        elif kind == "refuse" and "refuse" not in self.busy:
            self.cluster.refuse(True)
            self.after(chance.uniform(1, 5), "refuse", lambda: self.cluster.refuse(False))
        else:
            return
        self.counts[kind] = self.counts.get(kind, 0) + 1


def objects(cluster, prefix):
    """What is in the bucket, asked for from where the emulator can be reached."""
    script = ("import boto3, json, sys\n"
              "client = boto3.client('s3', endpoint_url=sys.argv[1], region_name='us-east-1',"
              " aws_access_key_id='fleet', aws_secret_access_key='fleet-secret')\n"
              "found = {}\n"
              "for page in client.get_paginator('list_objects_v2').paginate(Bucket='transcripts', Prefix=sys.argv[2]):\n"
              "    for each in page.get('Contents', []):\n"
              "        body = client.get_object(Bucket='transcripts', Key=each['Key'])['Body'].read()\n"
              "        found[each['Key']] = body.decode('latin-1')\n"
              "print(json.dumps(found))\n")
    command = [*cluster.network.prefix(None), sys.executable, "-c", script, cluster.s3, prefix]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def check(cluster, expected):
    jobs = cluster.jobs()
    by_name = {job["name"]: job for job in jobs}
    assert len(jobs) == len(by_name) == RECORDINGS + len(BROKEN), f"{len(jobs)} jobs"
    stored = objects(cluster, "out/")
    results = {key: body for key, body in stored.items() if not key.startswith("out/parts/")}
    assert len(results) == RECORDINGS, f"{len(results)} results for {RECORDINGS} recordings"
    for name, result in expected.items():
        job = by_name[name]
        assert job["status"] == "done", f"{name}: {job['status']}, {job.get('error')} {job.get('failures')}"
        body = json.loads(results[f"out/{job['result']}.json"].encode("latin-1"))
        assert body == result, f"{name}: not what one machine gives"
    for name in BROKEN:
        job = by_name[name]
        assert job["status"] == "failed", f"{name}: {job['status']}"
        assert job["error"]["error"]["code"] in ("bad_media", "unsupported_media"), job["error"]
        assert name in job["error"]["error"]["message"], job["error"]
    stats = cluster.stats()
    assert stats["dead_letters"] == len(BROKEN), stats
    for name, depth in stats["queue"].items():
        assert depth["waiting"] == 0 and depth["handed_out"] == 0, stats["queue"]
    attempts = sum(job["attempt"] for job in jobs)
    lost = sum(job["lost"] for job in jobs)
    return attempts, lost


def main():
    if not nats_server_program():
        print("SKIPPED: nats-server is not installed (tools/setup.sh test)")
        return 77
    with_namespaces = NETWORK == "namespaces" or (NETWORK == "auto" and Namespaces.work_here())
    if not with_namespaces:
        say("network namespaces cannot be made here: workers are frozen instead of cut off")
    say(f"seed {SEED}, {RECORDINGS} recordings and {len(BROKEN)} broken files, {WORKERS} workers")
    # SIGTERM, too, shall take the networks and processes down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory() as folder:
        audio = os.path.join(folder, "audio")
        os.mkdir(audio)
        make_recordings(audio)
        expected = single_machine(audio)
        say("one machine has done them all")
        network = Namespaces(f"amf{os.getpid() % 10000}") if with_namespaces else Loopback()
        cluster = Cluster(PROGRAM, SOURCE, os.path.join(folder, "cluster"), network,
                          first_port=20000 + (os.getpid() % 5000) * 2)
        try:
            cluster.start_nats(3)
            cluster.start_s3(sys.executable)
            cluster.wait_for_nats()
            options = ["--ack-wait", str(ACK_WAIT_S), "--max-attempts", "20", "--cut-above", "40", "--range-windows", "1",
                       "--threads", "1", "--concurrency", "3"]
            cluster.run("submit", audio, "--model", "demo", "--ack-wait", str(ACK_WAIT_S), "--upload", "s3://audio/in",
                        "--results", "s3://transcripts/out")
            say("submitted")
            for i in range(WORKERS):
                cluster.start_worker(i, *options)
            trouble = Trouble(cluster)
            until = time.monotonic() + SECONDS
            # Recordings that are submitted again meanwhile cost nothing.
            again = time.monotonic() + 5
            while time.monotonic() < until:
                trouble.settle()
                trouble.one_more()
                if time.monotonic() >= again:
                    again = time.monotonic() + 15
                    cluster.run("submit", audio, "--model", "demo", "--upload", "s3://audio/in", "--results",
                                "s3://transcripts/out", "--ack-wait", str(ACK_WAIT_S), check=False)
                time.sleep(chance.uniform(0.2, 1.0))
            trouble.settle(everything=True)
            for name, process in cluster.processes.items():
                assert process.alive(), f"{name} has ended by itself\n{cluster.read_log(name)[-1500:]}"
            say(f"trouble is over: {trouble.counts}")
            cluster.run("jobs", "watch", check=False, timeout=float(os.environ.get("CHAOS_PATIENCE", "900")))
            say("nothing is left to do")
            wait_until(lambda: all(depth["handed_out"] == 0 for depth in cluster.stats()["queue"].values()), 60,
                       "everything is acknowledged")
            attempts, lost = check(cluster, expected)
            say(f"every recording has its one result, equal to one machine's; {attempts} attempts, {lost} lost with "
                f"their workers; {len(BROKEN)} dead letters")
            return 0
        except BaseException:
            for name in cluster.processes:
                print(f"--- {name}\n{cluster.read_log(name)[-1500:]}", file=sys.stderr)
            raise
        finally:
            cluster.close()


STARTED = time.monotonic()
sys.exit(main())
