"""Starts the fleet of `make cluster-up` and leaves it running; its processes stand in build/cluster/pids."""

import os
import sys

from cluster import Cluster, nats_server_program, wait_until

program, source = sys.argv[1:3]
work = os.path.join(source, "build", "cluster")


def started_at(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[19]


def main():
    if os.path.exists(os.path.join(work, "pids")):
        print("a cluster is up already; `make cluster-down` ends it")
        return 1
    if not nats_server_program():
        print("nats-server is not installed (tools/setup.sh test)")
        return 1
    cluster = Cluster(program, source, os.path.join(work, "data"))
    try:
        cluster.start_nats(3)
        cluster.start_s3(sys.executable)
        cluster.wait_for_nats()
        for i in range(2):
            cluster.start_worker(i, "--metrics", f"127.0.0.1:{9005 + i}")
        for i in range(2):
            wait_until(lambda: "amanuensis worker" in cluster.read_log(f"worker{i}"), 60, "a worker is ready")
    except BaseException:
        cluster.close()
        raise
    with open(os.path.join(work, "pids"), "w") as pids:
        for process in cluster.processes.values():
            pids.write(f"{process.process.pid} {started_at(process.process.pid)}\n")
    variables = {"AMANUENSIS_NATS": cluster.nats, "AWS_ENDPOINT_URL_S3": cluster.s3, "AWS_ACCESS_KEY_ID": "fleet",
                 "AWS_SECRET_ACCESS_KEY": "fleet-secret", "AWS_REGION": "us-east-1"}
    print("Three NATS nodes, an S3 emulator (buckets audio, transcripts), two workers (metrics on 9005, 9006).\n")
    for name, value in variables.items():
        print(f"export {name}='{value}'")
    print("build/release/bin/amanuensis submit models/demo/recordings --model demo --upload s3://audio "
          "--results s3://transcripts --wait\n\n`make cluster-down` ends it.")
    return 0


sys.exit(main())
