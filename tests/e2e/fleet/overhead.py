"""What the queue costs: the same recordings through `amanuensis transcribe` and through a fleet with one worker, in turns, so
that what else the machine does weighs on both. Elapsed and processor time of one process each, from its start (the model
is read once) to its end; the nats-server's processor time belongs to the fleet's, from before the submission.

    overhead.py PROGRAM SOURCE      OVERHEAD_RECORDINGS (20), OVERHEAD_SECONDS of each (90), OVERHEAD_PAIRS (3),
                                    OVERHEAD_CONCURRENCY (8): recordings that the worker has in hand at once
                                    OVERHEAD_MODEL: demo, or deep (the default): demo's text for the work of base
"""

import json
import os
import signal
import statistics
import sys
import tempfile
import time

from cluster import Cluster, nats_server_program
from measured import cpu_of, make_deep_model, make_recordings, run_measured, wait_for_done, wait_measured

PROGRAM, SOURCE = sys.argv[1:3]
RECORDINGS = int(os.environ.get("OVERHEAD_RECORDINGS", "20"))
SECONDS = float(os.environ.get("OVERHEAD_SECONDS", "90"))
PAIRS = int(os.environ.get("OVERHEAD_PAIRS", "3"))
MODEL = os.environ.get("OVERHEAD_MODEL", "deep")
CONCURRENCY = os.environ.get("OVERHEAD_CONCURRENCY", "8")
BATCH = "16"


def alone(model, files, out):
    elapsed_s, cpu_s = run_measured(
        [PROGRAM, "transcribe", "--model", model, "--beam-size", "1", "--word-timestamps", "--threads", "1",
         "--batch-size", BATCH, "--output-dir", out, "--output-format", "json", "--quiet", *files],
        {"AMANUENSIS_MODELS": os.path.join(SOURCE, "models")})
    return {"alone_s": elapsed_s, "alone_cpu_s": cpu_s}


def fleet(model, files, folder, port, alone_folder):
    cluster = Cluster(PROGRAM, SOURCE, folder, first_port=port)
    try:
        cluster.start_nats(1)
        cluster.wait_for_nats()
        nats = cluster.processes["nats0"].process.pid
        begin_nats, begin_messages = cpu_of(nats), cluster.messages()
        cluster.run("submit", *files, "--model", model, "--results", os.path.join(folder, "results"))
        submitted_nats = cpu_of(nats)
        begin = time.monotonic()
        cluster.start_worker(0, "--threads", "1", "--batch-size", BATCH, "--concurrency", CONCURRENCY,
                             "--cut-above", "0", model=model)
        wait_for_done(cluster, ["worker0"], len(files), 3600)
        done_s = time.monotonic() - begin
        nats_cpu_s, messages = cpu_of(nats) - begin_nats, cluster.messages() - begin_messages
        worker = cluster.processes["worker0"].process
        worker.send_signal(signal.SIGTERM)
        _, cpu_s = wait_measured(worker, begin)
        jobs = cluster.jobs()
        assert [job["status"] for job in jobs] == ["done"] * len(files), jobs
        check_same(files, alone_folder, folder, jobs)
        return {"fleet_s": done_s, "worker_cpu_s": cpu_s, "nats_cpu_s": nats_cpu_s,
                "nats_submit_cpu_s": submitted_nats - begin_nats, "nats_messages": messages}
    finally:
        cluster.close()


def check_same(files, alone_folder, fleet_folder, jobs):
    """Both have done the same work."""
    results = {job["name"]: os.path.join(fleet_folder, "results", job["result"] + ".json") for job in jobs}
    for file in files:
        name = os.path.basename(file)
        with open(os.path.join(alone_folder, name.replace(".flac", ".json"))) as own, open(results[name]) as shared:
            assert json.load(own)["text"].strip() == json.load(shared)["text"].strip(), name


def main():
    if not nats_server_program():
        print("SKIPPED: nats-server is not installed (tools/setup.sh test)")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        model = make_deep_model(SOURCE, folder) if MODEL == "deep" else MODEL
        files = make_recordings(SOURCE, os.path.join(folder, "audio"), RECORDINGS, SECONDS)
        pairs = []
        for i in range(PAIRS):
            pair = {**alone(model, files, os.path.join(folder, f"alone{i}")),
                    **fleet(model, files, os.path.join(folder, f"fleet{i}"), 21000 + (os.getpid() % 4000) + 10 * i,
                            os.path.join(folder, f"alone{i}"))}
            pair["overhead_cpu"] = (pair["worker_cpu_s"] + pair["nats_cpu_s"]) / pair["alone_cpu_s"] - 1
            pair["overhead_elapsed"] = pair["fleet_s"] / pair["alone_s"] - 1
            pairs.append(pair)
            print(json.dumps({name: round(value, 4) for name, value in pair.items()}), flush=True)
        middle = {name: statistics.median(pair[name] for pair in pairs) for name in pairs[0]}
        hours = RECORDINGS * SECONDS / 3600
        print(json.dumps({"recordings": RECORDINGS, "seconds_each": SECONDS, "model": MODEL, "pairs": PAIRS,
                          "concurrency": int(CONCURRENCY),
                          "overhead_cpu": middle["overhead_cpu"], "overhead_elapsed": middle["overhead_elapsed"],
                          "nats_cpu_s_per_job": middle["nats_cpu_s"] / RECORDINGS,
                          "nats_messages_per_job": middle["nats_messages"] / RECORDINGS,
                          "queue_cpu_s_per_job": (middle["worker_cpu_s"] + middle["nats_cpu_s"]
                                                  - middle["alone_cpu_s"]) / RECORDINGS,
                          "work_cpu_s_per_hour": middle["alone_cpu_s"] / hours}))
        return 0


sys.exit(main())
