"""What the server asks of others: recordings by address, webhooks. The second half runs in a network of its own, in which
this script is the name server, a public site, and a service on this machine that nobody outside may reach.

    fetching_client.py PROGRAM SOURCE
"""

import hashlib
import hmac
import http.server
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

import requests

from served import Server, recording, run_all

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]
FILE = recording(SOURCE)
FIRST_WORDS = "Jack is in Boston today."
PUBLIC = "11.22.33.44"  # of the network below, which leads nowhere else


def wait_until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


class Site(http.server.ThreadingHTTPServer):
    """Serves the recording's folder, takes webhooks, redirects from /to/ADDRESS."""

    def __init__(self, address, port=0, failures=0):
        self.asked, self.told, self.failures = [], [], failures
        super().__init__((address, port), Handler)
        self.address = f"http://{address}:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *given):
        super().__init__(*given, directory=os.path.dirname(FILE))

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path[4:])
            self.end_headers()
        else:
            super().do_GET()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.append((self.headers, body))
        self.send_response(500 if len(self.server.told) <= self.server.failures else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


def job_of(server, job_id):
    return server.get_json(f"/v1/jobs/{job_id}")


def over(server, **fields):
    """The job that these fields make, once it is over."""
    reply = requests.post(server.url + "/v1/jobs", json=fields)
    assert reply.status_code == 202, reply.text
    job_id = reply.json()["id"]
    wait_until(lambda: job_of(server, job_id)["status"] not in ("queued", "running"), f"{fields} is not over")
    return job_of(server, job_id)


def test_by_address_with_webhook():
    site = Site("127.0.0.1", failures=1)
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write("very secret\n")
        secret.flush()
        with Server(PROGRAM, SOURCE, "--allow-private-urls", "--webhook-secret-file", secret.name) as server:
            job = over(server, url=site.address + "/meeting.flac", webhook_url=site.address + "/hook")
            assert job["name"] == "meeting.flac" and job["url"].endswith("/meeting.flac") and job["duration"] > 60, job
            old = requests.post(server.url + "/transcribe", data={"url": site.address + "/meeting.flac"}).json()
            assert old["text"].startswith(FIRST_WORDS)
            missing = requests.post(server.url + "/transcribe", data={"url": site.address + "/none.flac"})
            assert missing.status_code == 400 and missing.json()["error"]["code"] == "url_unreachable"
            wait_until(lambda: len(site.told) == 2, "a webhook that was refused does not come again")
    for headers, body in site.told:
        assert json.loads(body)["id"] == job["id"] and headers["X-Amanuensis-Event"] == "job.done"
        stamp, signature = [part.split("=")[1] for part in headers["X-Amanuensis-Signature"].split(",")]
        assert hmac.new(b"very secret", f"{stamp}.".encode() + body, hashlib.sha256).hexdigest() == signature
        assert abs(int(stamp) - time.time()) < 600
    site.shutdown()


def test_a_webhook_outlives_the_server():
    port = socket.socket()
    port.bind(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{port.getsockname()[1]}"
    port.close()  # nobody listens there yet
    with Server(PROGRAM, SOURCE, "--allow-private-urls") as server:
        with open(FILE, "rb") as file:
            job = requests.post(server.url + "/v1/jobs", files={"file": file}, data={"webhook_url": address + "/hook"}).json()
        wait_until(lambda: "given_up=no" in server.read_log(), "it is not tried")
        server.kill()
        site = Site("127.0.0.1", int(address.rsplit(":", 1)[1]))
        server.start()
        wait_until(lambda: site.told, "the next server has forgotten it")
        assert json.loads(site.told[0][1])["id"] == job["id"] and "X-Amanuensis-Signature" not in site.told[0][0]
        time.sleep(1.5)
        assert len(site.told) == 1, "it was taken, and comes again"
    site.shutdown()


def test_a_slow_webhook_does_not_hold_up_the_others():
    slow = socket.create_server(("127.0.0.1", 0))  # takes connections and says nothing
    site = Site("127.0.0.1")
    with Server(PROGRAM, SOURCE, "--allow-private-urls") as server:
        hook = f"http://127.0.0.1:{slow.getsockname()[1]}/"
        for _ in range(3):
            over(server, url="http://127.0.0.1:1/none", webhook_url=hook)
        start = time.monotonic()
        over(server, url="http://127.0.0.1:1/none", webhook_url=site.address)
        wait_until(lambda: site.told, "it waits behind others", 15)
        print(f"      told after {time.monotonic() - start:.1f} s")
    site.shutdown()
    slow.close()


def test_where_it_does_not_go():
    trap = Site("127.0.0.1")
    port = trap.server_port
    with Server(PROGRAM, SOURCE) as server:
        for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "0.0.0.0"):
            job = over(server, url=f"http://{host}:{port}/meeting.flac")
            assert job["error"]["code"] in ("url_refused", "url_unreachable"), (host, job["error"])
        for url in ("file:///etc/passwd", "ftp://127.0.0.1/a", "gopher://127.0.0.1/", "/etc/passwd", "concat:/etc/passwd", "http://", "x"):
            for path in ("/v1/jobs", "/transcribe"):
                refused = requests.post(server.url + path, json={"url": url})
                assert refused.status_code == 400 and refused.json()["error"]["param"] == "url", (url, refused.text)
        over(server, url="http://127.0.0.1:1/", webhook_url=trap.address + "/hook")
        wait_until(lambda: "webhook job=" in server.read_log(), "the webhook is not tried")
    assert not trap.asked and not trap.told, (trap.asked, trap.told)
    trap.shutdown()


class Names(threading.Thread):
    """A name server: what each name means now, and the next time, and the next (the last stays)."""

    def __init__(self, meanings):
        super().__init__(daemon=True)
        self.meanings, self.asked = meanings, {}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.start()

    def run(self):
        while True:
            query, client = self.socket.recvfrom(512)
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += query[at] + 1
            name, (kind,) = ".".join(labels).lower(), struct.unpack(">H", query[at + 1:at + 3])
            addresses = []
            if kind == 1 and name in self.meanings:
                number = self.asked.get(name, 0)
                self.asked[name] = number + 1
                addresses = self.meanings[name][min(number, len(self.meanings[name]) - 1)]
            flags = 0x8180 if name in self.meanings else 0x8183
            reply = query[:2] + struct.pack(">HHHHH", flags, 1, len(addresses), 0, 0) + query[12:at + 5]
            for address in addresses:
                reply += struct.pack(">HHHLH4s", 0xC00C, 1, 1, 0, 4, socket.inet_aton(address))
            self.socket.sendto(reply, client)


def in_a_network_of_its_own():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", PUBLIC + "/32", "dev", "lo"], check=True)
    with tempfile.NamedTemporaryFile("w") as resolver:
        resolver.write("nameserver 127.0.0.1\noptions timeout:2 attempts:1\n")
        resolver.flush()
        subprocess.run(["mount", "--bind", resolver.name, os.path.realpath("/etc/resolv.conf")], check=True)
        names = Names({"public.example": [[PUBLIC]], "private.example": [["127.0.0.1"]], "lan.example": [["10.0.0.1"]],
                       "turns.example": [[PUBLIC], ["127.0.0.1"]], "returns.example": [["127.0.0.1"], [PUBLIC]],
                       "both.example": [["127.0.0.1", PUBLIC]], "both2.example": [[PUBLIC, "127.0.0.1"]]})
        public, trap = Site(PUBLIC, 80), Site("127.0.0.1", 80)
        with Server(PROGRAM, SOURCE) as server:
            code = lambda url: (over(server, url=url)["error"] or {}).get("code")
            assert code("http://public.example/meeting.flac") is None, "a public address"
            assert code("http://private.example/meeting.flac") == "url_refused"
            assert code("http://lan.example/meeting.flac") == "url_refused"
            # Public when it is asked for first, and this machine from then on.
            assert code("http://turns.example/meeting.flac") is None
            for _ in range(3):
                assert code("http://turns.example/meeting.flac") == "url_refused"
            assert names.asked["turns.example"] >= 4, "it was remembered, and nothing was shown"
            assert code("http://returns.example/meeting.flac") == "url_refused"
            assert code("http://returns.example/meeting.flac") is None
            for host in ("both.example", "both2.example"):
                assert code(f"http://{host}/meeting.flac") in (None, "url_refused")
            for target in ("http://127.0.0.1/meeting.flac", "http://private.example/meeting.flac", "http://turns.example/meeting.flac",
                           "http://[::1]/meeting.flac", "http://169.254.169.254/latest/meta-data"):
                assert code(f"http://public.example/to/{target}") == "url_refused", target
            assert code("http://public.example/to/file:///etc/passwd") == "url_unreachable"
            assert code("http://public.example/to/http://public.example/meeting.flac") is None
            old = requests.post(server.url + "/transcribe", json={"url": "http://turns.example/meeting.flac"})
            assert old.status_code == 400 and old.json()["error"]["code"] == "url_refused", old.text
            over(server, url="http://lan.example/", webhook_url="http://turns.example/hook")
            over(server, url="http://lan.example/", webhook_url="http://public.example/hook")
            wait_until(lambda: public.told, "a public webhook is not told")
        assert not trap.asked and not trap.told, (trap.asked, trap.told)
        assert public.asked.count("/meeting.flac") >= 4
    print("ok    test_names_that_change_what_they_mean")


if os.environ.get("IN_A_NETWORK_OF_ITS_OWN"):
    in_a_network_of_its_own()
    sys.exit(0)

passed = run_all(globals())
if subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True).returncode != 0:
    print("      SKIPPED: names that change what they mean need a network namespace, which cannot be made here")
else:
    again = subprocess.run(["unshare", "--net", "--mount", sys.executable, *sys.argv], env={**os.environ, "IN_A_NETWORK_OF_ITS_OWN": "1"})
    passed &= again.returncode == 0
sys.exit(0 if passed else 1)
