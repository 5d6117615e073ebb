"""How a fleet scales: 1, 2, 4, 8 workers, each held to the same share of a processor (a control group with a quota of its own),
with as many recordings for each worker. A fleet that costs nothing takes the same time for all of them, on a machine whose
processors do not get in each other's way; so the same is done without a fleet, by as many `amanuensis transcribe`. Needs root.

    shares.py PROGRAM SOURCE      SHARES_CORES of a worker (0.2), SHARES_WORKERS (1,2,4,8), SHARES_RECORDINGS for each (10),
                                  SHARES_SECONDS of each (90)
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time

from cluster import Cluster, nats_server_program, wait_until
from measured import cpu_of, make_recordings, wait_for_done, wait_measured

PROGRAM, SOURCE = sys.argv[1:3]
CORES = float(os.environ.get("SHARES_CORES", "0.2"))
WORKERS = [int(count) for count in os.environ.get("SHARES_WORKERS", "1,2,4,8").split(",")]
RECORDINGS = int(os.environ.get("SHARES_RECORDINGS", "10"))
SECONDS = float(os.environ.get("SHARES_SECONDS", "90"))
# Long, since caches are cold after each pause.
PERIOD_US = 500_000


class Quota:
    """A control group, of either version of the kernel's interface."""

    def __init__(self, name, cores):
        root = "/sys/fs/cgroup"
        self.unified = os.path.exists(f"{root}/cgroup.controllers")
        self.folder = f"{root}/{name}" if self.unified else f"{root}/cpu/{name}"
        os.mkdir(self.folder)
        if self.unified:
            self.set("cpu.max", f"{int(cores * PERIOD_US)} {PERIOD_US}")
        else:
            self.set("cpu.cfs_period_us", PERIOD_US)
            self.set("cpu.cfs_quota_us", int(cores * PERIOD_US))

    def set(self, name, value):
        with open(os.path.join(self.folder, name), "w") as out:
            out.write(str(value))

    def hold(self, pid):
        self.set("cgroup.procs", pid)

    def close(self):
        wait_until(self.try_to_remove, 60, "the control group is empty")

    def try_to_remove(self):
        try:
            os.rmdir(self.folder)
            return True
        except OSError:
            return False


def without_fleet(files, count, folder):
    """Processor seconds for a recording, by `count` processes at once that know nothing of each other."""
    quotas, processes = [], []
    try:
        for i in range(count):
            own = files[i * RECORDINGS:(i + 1) * RECORDINGS]
            quotas.append(Quota(f"amanuensis-{os.getpid()}-alone-{count}-{i}", CORES))
            begin = time.monotonic()
            processes.append((begin, subprocess.Popen(
                [PROGRAM, "transcribe", "--model", "demo", "--beam-size", "1", "--word-timestamps", "--threads", "1",
                 "--output-dir", os.path.join(folder, str(i)), "--output-format", "json", "--quiet", *own],
                env={**os.environ, "AMANUENSIS_MODELS": os.path.join(SOURCE, "models")}, stdin=subprocess.DEVNULL)))
            quotas[-1].hold(processes[-1][1].pid)
        used = [wait_measured(process, begin)[1] for begin, process in processes]
        return sum(used) / (count * RECORDINGS)
    finally:
        for quota in quotas:
            quota.close()


def measure(cluster, files, count, results):
    names = [f"worker{i}" for i in range(count)]
    quotas = []
    try:
        for i, name in enumerate(names):
            open(cluster.log(name), "w").close()
            cluster.start_worker(i, "--threads", "1", "--concurrency", "2", "--cut-above", "0")
            quotas.append(Quota(f"amanuensis-{os.getpid()}-{count}-{i}", CORES))
            quotas[-1].hold(cluster.processes[name].process.pid)
        for name in names:
            wait_until(lambda: "amanuensis worker" in cluster.read_log(name), 300, "a worker is ready")
        processes = {name: cluster.processes[name].process for name in names}
        used_before = sum(cpu_of(process.pid) for process in processes.values())
        nats_before = cpu_of(cluster.processes["nats0"].process.pid)
        begin = time.monotonic()
        cluster.run("submit", *files[:count * RECORDINGS], "--model", "demo", "--results", results, "--quiet")
        submitted_s = time.monotonic() - begin
        wait_for_done(cluster, names, count * RECORDINGS, 3600)
        elapsed_s = time.monotonic() - begin
        used = sum(cpu_of(process.pid) for process in processes.values()) - used_before
        done = [cluster.read_log(name).count("job done") for name in names]
        nats = cpu_of(cluster.processes["nats0"].process.pid) - nats_before
        return {"workers": count, "jobs": sum(done), "jobs_of_each": done, "submitted_s": submitted_s,
                "elapsed_s": elapsed_s, "realtime_factor": sum(done) * SECONDS / elapsed_s,
                "share_used": used / (elapsed_s * CORES * count), "worker_cpu_s_per_job": used / sum(done),
                "nats_cpu_s_per_job": nats / sum(done)}
    finally:
        for name in names:
            if name in cluster.processes:
                cluster.processes[name].send(signal.SIGKILL)
                cluster.processes.pop(name).process.wait()
        for quota in quotas:
            quota.close()


def main():
    if not nats_server_program():
        print("SKIPPED: nats-server is not installed (tools/setup.sh test)")
        return 77
    if os.geteuid() != 0:
        print("SKIPPED: control groups need root")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        files = make_recordings(SOURCE, os.path.join(folder, "audio"), max(WORKERS) * RECORDINGS, SECONDS)
        cluster = Cluster(PROGRAM, SOURCE, os.path.join(folder, "cluster"), first_port=21000 + os.getpid() % 4000)
        try:
            cluster.start_nats(1)
            cluster.wait_for_nats()
            first = None
            for count in WORKERS:
                alone = without_fleet(files, count, os.path.join(folder, f"alone{count}"))
                row = measure(cluster, files, count, os.path.join(folder, f"results{count}"))
                row["alone_cpu_s_per_job"] = alone
                first = first or row
                row["efficiency"] = (row["realtime_factor"] / row["workers"]) / (first["realtime_factor"] / first["workers"])
                print(json.dumps({name: round(value, 4) if isinstance(value, float) else value
                                  for name, value in row.items()}), flush=True)
        finally:
            cluster.close()
        return 0


sys.exit(main())
