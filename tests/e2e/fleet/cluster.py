"""A fleet on one machine, for tests, soaking and trying things: NATS nodes, an S3 emulator (moto) that can be told to
refuse, workers, and networks of their own for them (Linux network namespaces) that can be cut."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

S3_ENVIRONMENT = {"AWS_ACCESS_KEY_ID": "fleet", "AWS_SECRET_ACCESS_KEY": "fleet-secret", "AWS_REGION": "us-east-1"}


def nats_server_program():
    return shutil.which("nats-server", path="/usr/sbin:/usr/bin:/usr/local/bin:" + os.environ.get("PATH", ""))


def wait_until(condition, seconds, what):
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError(f"after {seconds} s still not: {what}")


class Loopback:
    """Everything on 127.0.0.1; links cannot be cut."""

    can_cut = False

    def address(self, name):
        return "127.0.0.1"

    def prefix(self, name):
        return []

    def close(self):
        pass


class Namespaces:
    """Each name has a network namespace with an address, joined by a bridge in one more; nothing leads outside."""

    can_cut = True

    def __init__(self, tag):
        self.tag, self.names = tag, {}
        self.hub = f"{tag}-hub"
        self.run("ip", "netns", "add", self.hub)
        self.inside(self.hub, "ip", "link", "set", "lo", "up")
        self.inside(self.hub, "ip", "link", "add", "br0", "type", "bridge")
        self.inside(self.hub, "ip", "link", "set", "br0", "up")
        # Where it has an address of its own, so that what watches the fleet can stand there.
        self.inside(self.hub, "ip", "address", "add", "10.99.0.1/24", "dev", "br0")

    @staticmethod
    def run(*command):
        subprocess.run(command, check=True, capture_output=True)

    def inside(self, namespace, *command):
        self.run("ip", "netns", "exec", namespace, *command)

    @staticmethod
    def work_here():
        if os.geteuid() != 0 or not shutil.which("ip"):
            return False
        probe = Namespaces.__new__(Namespaces)
        probe.tag, probe.names, probe.hub = f"amp{os.getpid()}", {}, f"amp{os.getpid()}-hub"
        try:
            probe.__init__(probe.tag)
            probe.address("probe")
            return True
        except (subprocess.CalledProcessError, OSError):
            return False
        finally:
            probe.close()

    def address(self, name):
        if name not in self.names:
            number = len(self.names) + 2
            namespace, link = f"{self.tag}-{number}", f"v{number}"
            self.names[name] = (number, namespace, link)
            self.run("ip", "netns", "add", namespace)
            self.inside(self.hub, "ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace)
            self.inside(self.hub, "ip", "link", "set", link, "master", "br0", "up")
            self.inside(namespace, "ip", "link", "set", "lo", "up")
            self.inside(namespace, "ip", "address", "add", f"10.99.0.{number}/24", "dev", "eth0")
            self.inside(namespace, "ip", "link", "set", "eth0", "up")
        return f"10.99.0.{self.names[name][0]}"

    def prefix(self, name):
        if name is None:
            return ["ip", "netns", "exec", self.hub]
        self.address(name)
        return ["ip", "netns", "exec", self.names[name][1]]

    def cut(self, name):
        self.inside(self.hub, "ip", "link", "set", self.names[name][2], "down")

    def join(self, name):
        self.inside(self.hub, "ip", "link", "set", self.names[name][2], "up")

    def close(self):
        for _, namespace, _ in self.names.values():
            subprocess.run(["ip", "netns", "delete", namespace], capture_output=True)
        subprocess.run(["ip", "netns", "delete", self.hub], capture_output=True)


class Process:
    def __init__(self, command, log, environment=None):
        self.command, self.log_path = command, log
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        self.start()

    def start(self):
        with open(self.log_path, "a") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=self.environment)

    def alive(self):
        return self.process.poll() is None

    def send(self, number):
        if self.alive():
            self.process.send_signal(number)

    def kill(self):
        self.send(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=60):
        self.send(signal.SIGTERM)
        try:
            return self.process.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise


class Cluster:
    """Nodes, emulator and workers below a folder. Names: "nats0", ..., "s3", "worker0", ..."""

    def __init__(self, program, source, folder, network=None, first_port=4222):
        self.program, self.source, self.folder = program, source, folder
        self.network = network or Loopback()
        self.first_port = first_port
        self.processes = {}
        self.nodes = 0
        self.s3_port = first_port + 100
        os.makedirs(folder, exist_ok=True)

    def log(self, name):
        return os.path.join(self.folder, name + ".log")

    def read_log(self, name):
        with open(self.log(name), errors="replace") as log:
            return log.read()

    def start_process(self, name, command, environment=None, where=""):
        prefix = self.network.prefix(where if where != "" else name)
        self.processes[name] = Process([*prefix, *command], self.log(name), environment)

    # On the loopback interface nodes are told apart by their ports, in networks of their own by their addresses.
    def ports(self, number):
        return (self.first_port + number, self.first_port + 2000 + number)

    def monitor_port(self, number):
        return self.first_port + 3000 + number

    def messages(self, number=0):
        """That a node has taken and handed out since its start."""
        address = f"http://{self.network.address(f'nats{number}')}:{self.monitor_port(number)}/varz"
        with urllib.request.urlopen(address, timeout=60) as reply:
            facts = json.load(reply)
        return facts["in_msgs"] + facts["out_msgs"]

    def start_nats(self, count=3):
        self.nodes = count
        hosts = [self.network.address(f"nats{i}") for i in range(count)]
        routes = ",".join(f"nats://{hosts[i]}:{self.ports(i)[1]}" for i in range(count))
        for i in range(count):
            client, peer = self.ports(i)
            command = [nats_server_program(), "-js", "-n", f"nats{i}", "-a", hosts[i], "-p", str(client),
                       "-m", str(self.monitor_port(i)), "-sd", os.path.join(self.folder, f"nats{i}")]
            if count > 1:
                command += ["--cluster_name", "amanuensis", "--cluster", f"nats://{hosts[i]}:{peer}", "--routes", routes]
            self.start_process(f"nats{i}", command)
        self.nats = ",".join(f"nats://{hosts[i]}:{self.ports(i)[0]}" for i in range(count))

    def start_s3(self, python, buckets=("audio", "transcripts")):
        host = self.network.address("s3")
        self.s3 = f"http://{host}:{self.s3_port}"
        here = os.path.dirname(os.path.abspath(__file__))
        self.start_process("s3", [python, os.path.join(here, "s3_emulator.py"), host, str(self.s3_port), *buckets,
                                  self.refuse_file()])
        wait_until(lambda: "ready" in self.read_log("s3") or not self.processes["s3"].alive(), 120,
                   "the S3 emulator answers")
        assert self.processes["s3"].alive(), self.read_log("s3")

    def refuse_file(self):
        return os.path.join(self.folder, "s3-refuses")

    def refuse(self, yes):
        if yes:
            open(self.refuse_file(), "w").close()
        elif os.path.exists(self.refuse_file()):
            os.remove(self.refuse_file())

    def environment(self):
        environment = {"AMANUENSIS_MODELS": os.path.join(self.source, "models"), "AMANUENSIS_NATS": self.nats}
        if hasattr(self, "s3"):
            environment.update(S3_ENVIRONMENT, AWS_ENDPOINT_URL_S3=self.s3)
        return environment

    def start_worker(self, number, *options, model="demo"):
        name = f"worker{number}"
        self.start_process(name, [self.program, "worker", "--model", model, "--name", f"{name}-{time.monotonic_ns()}",
                                  "--work-dir", os.path.join(self.folder, name), *options], self.environment())

    def restart(self, name):
        self.processes[name].start()

    def run(self, *arguments, check=True, where=None, timeout=600):
        """The program, from a place that sees everything."""
        command = [*self.network.prefix(where), self.program, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **self.environment()},
                              timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(arguments)}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return done

    def jobs(self):
        return [json.loads(line) for line in self.run("jobs", "list", "--limit", "0", "--json").stdout.splitlines()]

    def stats(self):
        return json.loads(self.run("jobs", "stats", "--json").stdout)

    def wait_for_nats(self):
        """Until a stream can be made: the nodes have found each other and elected a leader."""
        wait_until(lambda: self.run("jobs", "list", check=False).returncode == 0, 90, "the NATS cluster takes jobs")

    def close(self):
        for name, process in self.processes.items():
            process.send(signal.SIGCONT)
        for name, process in self.processes.items():
            if process.alive():
                process.kill()
        self.network.close()
