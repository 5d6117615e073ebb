"""What the queue costs: processor time of a worker and its nats-server for recordings, against `amanuensis transcribe` for
the same ones, in turns, so that what else the machine does weighs on both. Processor time, not wall-clock: it does not
depend on who else is at work.

    overhead.py PROGRAM SOURCE      OVERHEAD_RECORDINGS (30), OVERHEAD_PAIRS (3), OVERHEAD_MODEL (demo)
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from cluster import Cluster, nats_server_program, wait_until

PROGRAM, SOURCE = sys.argv[1:3]
RECORDINGS = int(os.environ.get("OVERHEAD_RECORDINGS", "30"))
PAIRS = int(os.environ.get("OVERHEAD_PAIRS", "3"))
MODEL = os.environ.get("OVERHEAD_MODEL", "demo")
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def make_recordings(folder):
    source = os.path.join(SOURCE, "models/demo/recordings/meeting.flac")
    for i in range(RECORDINGS):
        subprocess.run(["ffmpeg", "-v", "error", "-ss", f"{i * 0.25:.2f}", "-t", "90", "-i", source,
                        os.path.join(folder, f"call{i:03}.flac")], check=True)


def alone(files, out):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([PROGRAM, "transcribe", "--model", MODEL, "--beam-size", "1", "--word-timestamps", "--threads", "1",
                    "--output-dir", out, "--output-format", "json", "--quiet", *files], check=True,
                   env={**os.environ, "AMANUENSIS_MODELS": os.path.join(SOURCE, "models")})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def fleet(files, folder, port):
    cluster = Cluster(PROGRAM, SOURCE, folder, first_port=port)
    try:
        cluster.start_nats(1)
        cluster.wait_for_nats()
        begin_nats = cpu_of(cluster.processes["nats0"].process.pid)
        cluster.run("submit", *files, "--model", MODEL, "--results", os.path.join(folder, "results"))
        submitted_nats = cpu_of(cluster.processes["nats0"].process.pid)
        cluster.start_worker(0, "--threads", "1", "--concurrency", "8", "--cut-above", "0")
        wait_until(lambda: not cluster.stats()["jobs"]["queued"] + cluster.stats()["jobs"]["running"], 1800, "done")
        nats = cpu_of(cluster.processes["nats0"].process.pid) - begin_nats
        worker = cluster.processes["worker0"].process.pid
        used = cpu_of(worker)
        stats = cluster.stats()
        assert stats["jobs"]["done"] == len(files), stats["jobs"]
        return {"worker": used, "nats": nats, "nats_submit": submitted_nats - begin_nats}
    finally:
        cluster.close()


def main():
    if not nats_server_program():
        print("SKIPPED: nats-server is not installed (tools/setup.sh test)")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        audio = os.path.join(folder, "audio")
        os.mkdir(audio)
        make_recordings(audio)
        files = sorted(os.path.join(audio, name) for name in os.listdir(audio))
        pairs = []
        for i in range(PAIRS):
            by_itself = alone(files, os.path.join(folder, f"alone{i}"))
            shared = fleet(files, os.path.join(folder, f"fleet{i}"), 21000 + (os.getpid() % 4000) + 10 * i)
            pairs.append({"alone": by_itself, **shared,
                          "overhead": (shared["worker"] + shared["nats"]) / by_itself - 1})
            print(json.dumps(pairs[-1]), flush=True)
        overhead = statistics.median(pair["overhead"] for pair in pairs)
        hours = RECORDINGS * 90 / 3600
        print(json.dumps({"recordings": RECORDINGS, "audio_hours": hours, "model": MODEL, "pairs": PAIRS,
                          "median_overhead": overhead,
                          "nats_cpu_s_per_job": statistics.median(pair["nats"] for pair in pairs) / RECORDINGS,
                          "work_cpu_s_per_hour": statistics.median(pair["alone"] for pair in pairs) / hours}))
        return 0


sys.exit(main())
