"""Starts the fleet of `make cluster-up` and leaves it running; its processes stand in FOLDER/pids (CLUSTER_FOLDER,
CLUSTER_PORT)."""

import os
import socket
import sys

from cluster import Cluster, nats_server_program, wait_until

program, source = sys.argv[1:3]
work = os.environ.get("CLUSTER_FOLDER", os.path.join(source, "build", "cluster"))
first_port = int(os.environ.get("CLUSTER_PORT", "4222"))
# Workers' metrics: where docs and dashboard expect them, unless this is a second cluster.
metrics_ports = (9005, 9006) if first_port == 4222 else (0, 0)


def started_at(pid):
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rsplit(")", 1)[1].split()[19]


def is_running(line):
    pid, start, *_ = line.split()
    try:
        return started_at(pid) == start
    except OSError:
        return False


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


def problem(cluster):
    """Why no cluster can be started, or nothing."""
    if os.path.exists(os.path.join(work, "pids")):
        with open(os.path.join(work, "pids")) as pids:
            if any(map(is_running, pids)):
                return "a cluster is up already; `make cluster-down` ends it"
    if not nats_server_program():
        return "nats-server is not installed (tools/setup.sh test)"
    ports = [port for i in range(3) for port in (*cluster.ports(i), cluster.monitor_port(i))]
    taken = [port for port in (*ports, cluster.s3_port, *metrics_ports) if not is_free(port)]
    if taken:
        return (f"another program listens on 127.0.0.1 at {', '.join(map(str, taken))}; end it, or choose other ports with "
                "CLUSTER_PORT=14222 make cluster-up")
    return None


def start(cluster):
    try:
        cluster.start_nats(3)
        cluster.start_s3(sys.executable)
        cluster.wait_for_nats()
        for i in range(2):
            cluster.start_worker(i, "--metrics", f"127.0.0.1:{metrics_ports[i]}")
        for i in range(2):
            name = f"worker{i}"
            wait_until(lambda: "amanuensis worker" in cluster.read_log(name) or not cluster.processes[name].alive(), 300,
                       "a worker is ready")
            assert cluster.processes[name].alive(), cluster.read_log(name)
    except BaseException:
        cluster.close()
        raise


def main():
    cluster = Cluster(program, source, os.path.join(work, "data"), first_port=first_port)
    why_not = problem(cluster)
    if why_not:
        print(why_not, file=sys.stderr)
        return 1
    start(cluster)
    with open(os.path.join(work, "pids"), "w") as pids:
        for name, process in cluster.processes.items():
            pids.write(f"{process.process.pid} {started_at(process.process.pid)} {name}\n")
    variables = {"AMANUENSIS_NATS": cluster.nats, "AMANUENSIS_MODELS": os.path.join(source, "models"),
                 "AWS_ENDPOINT_URL_S3": cluster.s3, "AWS_ACCESS_KEY_ID": "fleet", "AWS_SECRET_ACCESS_KEY": "fleet-secret",
                 "AWS_REGION": "us-east-1"}
    print(f"Up: three NATS nodes, an S3 emulator with the buckets 'audio' and 'transcripts', two workers with the demo model.\n"
          f"Logs: {os.path.join(work, 'data')}\n\nIn a shell with\n")
    for name, value in variables.items():
        print(f"  export {name}='{value}'")
    print(f"  PATH=\"{os.path.dirname(program)}:$PATH\"\n\ntry\n\n"
          f"  amanuensis submit {source}/models/demo/recordings --model demo --upload s3://audio --results s3://transcripts --wait\n"
          "  amanuensis jobs list\n"
          "  amanuensis jobs stats\n"
          f"  amanuensis submit {source}/models/demo/recordings --model demo --results /tmp/transcripts --output-format txt\n"
          "  amanuensis jobs watch\n"
          "  cat /tmp/transcripts/*/*.txt\n\n"
          "and `make cluster-down` when you are done.")
    return 0


sys.exit(main())
