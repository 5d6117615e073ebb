"""What somebody does who tries `make cluster-up`: the cluster is started, the commands it shows are run as they are shown, a
worker is killed, the cluster is ended; nothing is left running."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile

from cluster import nats_server_program, wait_until

PROGRAM, SOURCE = sys.argv[1:3]
HERE = os.path.dirname(os.path.abspath(__file__))


def run(*command, environment, check=True):
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=500)
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done


def processes(folder):
    with open(os.path.join(folder, "pids")) as pids:
        return {line.split()[2]: int(line.split()[0]) for line in pids}


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def tour(folder, shown):
    variables = dict(re.findall(r"export (\w+)='([^']*)'", shown))
    variables["PATH"] = os.path.dirname(PROGRAM) + ":" + os.environ["PATH"]
    commands = re.findall(r"^  ((?:amanuensis|cat) .*)$", shown, re.MULTILINE)
    assert len(commands) == 6, shown
    results = os.path.join(folder, "transcripts")
    for command in commands:
        said = run("bash", "-c", command.replace("/tmp/transcripts", results), environment=variables).stdout
    assert "Jack is in Boston today" in said, said
    listed = [json.loads(line) for line in run("amanuensis", "jobs", "list", "--json", environment=variables).stdout.splitlines()]
    assert len(listed) == 4 and {job["status"] for job in listed} == {"done"}, listed
    texts = [os.path.join(root, name) for root, _, names in os.walk(results) for name in names if name.endswith(".txt")]
    assert len(texts) == 2, texts
    # The other worker does what a lost one leaves.
    os.kill(processes(folder)["worker0"], signal.SIGKILL)
    again = commands[0].replace("s3://transcripts", "s3://transcripts/again")
    run("bash", "-c", again, environment=variables)
    wait_until(lambda: len(json.loads(run("amanuensis", "jobs", "stats", "--json", environment=variables).stdout)["workers"]) == 1,
               120, "one worker is left")


def main():
    if not nats_server_program():
        print("SKIPPED: nats-server is not installed (tools/setup.sh test)")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        where = {"CLUSTER_FOLDER": folder, "CLUSTER_PORT": str(26000 + os.getpid() % 2000)}
        up = [sys.executable, os.path.join(HERE, "cluster_up.py"), PROGRAM, SOURCE]
        down = [os.path.join(SOURCE, "tools/cluster.sh"), "down", folder]
        try:
            shown = run(*up, environment=where).stdout
            second = run(*up, environment=where, check=False)
            assert second.returncode == 1 and "is up already" in second.stderr, second
            started = processes(folder)
            assert len(started) == 6 and all(map(is_alive, started.values())), started
            tour(folder, shown)
        finally:
            run(*down, environment={})
        left = [name for name, pid in started.items() if is_alive(pid)]
        assert not left and not os.path.exists(os.path.join(folder, "data")), left
        assert "no cluster" in run(*down, environment={}).stdout
        return 0


sys.exit(main())
