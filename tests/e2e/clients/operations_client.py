"""What whoever runs the server relies on: settings, keys, names, limits, TLS, signals, systemd, what is kept how long."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import requests

from served import Server, long_recording, recording, run_all

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]
FILE = recording(SOURCE)
FIRST_WORDS = "Jack is in Boston today."
with open(FILE, "rb") as opened:
    DATA = opened.read()


def wait_until(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def transcribe(server, data=DATA, **more):
    return requests.post(server.url + "/v1/audio/transcriptions", files={"file": ("a.flac", data)}, **more)


def new_key(file, *more):
    return subprocess.run([PROGRAM, "keys", "new", *more, "--file", file], check=True, capture_output=True, text=True).stdout.strip()


def bearer(key):
    return {"Authorization": "Bearer " + key}


def test_keys_and_origins():
    with tempfile.TemporaryDirectory() as folder:
        file = folder + "/keys"
        alice, root = new_key(file, "alice"), new_key(file, "root", "--admin")
        slow = new_key(file, "slow", "--per-minute", "1")
        assert alice not in open(file).read() and os.stat(file).st_mode & 0o077 == 0
        with Server(PROGRAM, SOURCE, "--key-file", file, "--cors-origin", "https://friend.example") as server:
            ask = lambda path, key=None, **more: requests.get(server.url + path, headers={**(bearer(key) if key else {}), **more})
            assert ask("/health").status_code == 200 and ask("/").status_code == 200
            reply = ask("/v1/models")
            assert reply.status_code == 401 and reply.json()["error"]["code"] == "missing_api_key"
            assert ask("/v1/models", "amk_wrong").json()["error"]["code"] == "invalid_api_key"
            assert ask("/v1/models", alice).status_code == 200
            assert ask("/v1/models", alice, Host="any.example").status_code == 200, "with keys a name is no secret"
            assert ask("/v1/models", slow).status_code == 200
            limited = ask("/v1/models", slow)
            assert limited.status_code == 429 and int(limited.headers["Retry-After"]) > 30
            pull = lambda key: requests.post(server.url + "/v1/models/pull", json={"model": "no-such-model"}, headers=bearer(key))
            assert pull(alice).status_code == 403 and "failed" in pull(root).text
            job = requests.post(server.url + "/v1/jobs", files={"file": ("a.flac", DATA)}, headers=bearer(alice)).json()
            assert ask("/v1/jobs/" + job["id"], alice).status_code == 200
            assert ask("/v1/jobs/" + job["id"], root).status_code == 200
            bob = new_key(file, "bob")
            assert ask("/v1/models", bob).status_code == 401
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: ask("/v1/models", bob).status_code == 200, "the new key is not known")
            assert ask("/v1/jobs/" + job["id"], bob).status_code == 404
            friend = ask("/v1/models", alice, Origin="https://friend.example")
            assert friend.headers["Access-Control-Allow-Origin"] == "https://friend.example"
            assert "Access-Control-Allow-Origin" not in ask("/v1/models", alice, Origin="https://evil.example").headers
            evil = requests.post(server.url + "/v1/jobs", headers={"Origin": "https://evil.example"})
            assert evil.status_code == 403 and evil.json()["error"]["code"] == "origin_refused"
            preflight = requests.options(server.url + "/v1/jobs", headers={
                "Origin": "https://friend.example", "Access-Control-Request-Method": "POST"})
            assert preflight.status_code == 204 and "POST" in preflight.headers["Access-Control-Allow-Methods"]
            # A key file that makes no sense changes nothing.
            with open(file, "a") as keys:
                keys.write("nonsense\n")
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "not reloaded" in server.read_log(), "the log does not say that the keys are wrong")
            assert ask("/v1/models", bob).status_code == 200


def test_a_key_has_its_share_of_requests_at_once():
    with tempfile.TemporaryDirectory() as folder:
        file = folder + "/keys"
        one, other = new_key(file, "one", "--running", "1"), new_key(file, "other")
        with open(long_recording(SOURCE, folder, times=20), "rb") as long, Server(PROGRAM, SOURCE, "--key-file", file) as server:
            data = long.read()
            first = threading.Thread(target=lambda: transcribe(server, data, headers=bearer(one)))
            first.start()
            status = lambda: requests.get(server.url + "/status", headers=bearer(other)).json()["queue"]["running"]
            wait_until(lambda: status() == 1, "the first request does not run")
            second = transcribe(server, headers=bearer(one))
            assert second.status_code == 429 and second.json()["error"]["code"] == "rate_limit_exceeded", second.text
            assert int(second.headers["Retry-After"]) >= 1
            assert transcribe(server, headers=bearer(other)).ok, "another key is not concerned"
            first.join()
            assert transcribe(server, headers=bearer(one)).ok


def test_names_that_are_not_its_own():
    """A page whose name leads to this machine by DNS is, to the browser, a page of this server."""
    with Server(PROGRAM, SOURCE, "--allowed-hosts", "stt.example.org,*.inside.example") as server:
        def ask(host, path="/v1/jobs", **more):
            return requests.get(server.url + path, headers={"Host": host, **more})

        for host in ("127.0.0.1", f"localhost:{server.port}", "[::1]:9004", "192.168.3.4:9004", "stt", "stt.local", "STT.example.org.",
                     "stt.example.org:9004", "a.inside.example", socket.gethostname()):
            assert ask(host).status_code == 200, host
        for host in ("evil.example", "evil.example:9004", "stt.example.org.evil.example", "inside.example", "localhost.evil.example",
                     "127.0.0.1.evil.example", "example.org"):
            for path in ("/v1/jobs", "/", "/metrics", "/ws/transcribe"):
                refused = ask(host, path)
                assert refused.status_code == 403 and refused.json()["error"]["code"] == "host_refused", (host, path)
                assert "--allowed-hosts" in refused.json()["error"]["message"]
            post = requests.post(server.url + "/v1/jobs", headers={"Host": host, "Origin": "http://" + host}, files={"file": ("a", DATA)})
            assert post.status_code == 403 and not server.get_json("/v1/jobs")["data"], host
        # Administration is for this machine, not for those for whom a proxy on it asks.
        pull = lambda **headers: requests.post(server.url + "/v1/models/pull", json={"model": "no-such-model"}, headers=headers)
        assert pull(**{"X-Forwarded-For": "192.0.2.1"}).status_code == 403 and pull().status_code == 200
    with Server(PROGRAM, SOURCE, "--allowed-hosts", "*") as server:
        assert requests.get(server.url + "/v1/jobs", headers={"Host": "any.example"}).status_code == 200


def test_tls():
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                               "subjectAltName=IP:127.0.0.1", "-keyout", folder + "/key", "-out", folder + "/certificate"],
                              capture_output=True)
        assert made.returncode == 0, made.stderr
        with Server(PROGRAM, SOURCE, "--tls-certificate", folder + "/certificate", "--tls-key", folder + "/key") as server:
            assert server.url.startswith("https://")
            assert transcribe(server, verify=folder + "/certificate").json()["text"].startswith(FIRST_WORDS)
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain:
                plain.sendall(b"GET /health HTTP/1.1\r\n\r\n")
                assert b"200 OK" not in plain.recv(4096)
            assert requests.get(server.url + "/health", verify=folder + "/certificate").ok
            old = subprocess.run(["openssl", "s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-connect", f"127.0.0.1:{server.port}"],
                                 stdin=subprocess.DEVNULL, capture_output=True)
            assert old.returncode != 0, "TLS 1.1 is spoken"


def test_limits():
    with Server(PROGRAM, SOURCE, "--max-audio-s", "10", "--max-jobs-mb", "1") as server:
        long = transcribe(server)
        assert long.status_code == 413 and long.json()["error"]["code"] == "audio_too_long", long.text
        old = requests.post(server.url + "/transcribe", files={"file": ("a.flac", DATA)})
        assert old.status_code == 413, old.text
        large = requests.post(server.url + "/v1/jobs", files={"file": ("a.wav", bytes(2_000_000))})
        assert large.status_code == 507, large.text
        assert not server.get_json("/v1/jobs")["data"] and not os.listdir(server.data + "/audio")
        taken = requests.post(server.url + "/v1/jobs", files={"file": ("a.flac", DATA)})
        assert taken.status_code == 202, taken.text
        job = lambda: server.get_json("/v1/jobs/" + taken.json()["id"])
        wait_until(lambda: job()["status"] == "failed", "a job of audio that is too long goes on")
        assert job()["error"]["code"] == "audio_too_long"


def test_audio_that_does_not_say_how_long_it_is():
    raw = subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-i", FILE, "-f", "adts", "-"], check=True, capture_output=True).stdout
    with Server(PROGRAM, SOURCE, "--max-audio-s", "10") as server:
        long = transcribe(server, raw)
        assert long.status_code == 413 and long.json()["error"]["code"] == "audio_too_long", long.text


def test_a_request_has_its_time():
    with tempfile.TemporaryDirectory() as folder, Server(PROGRAM, SOURCE, "--request-timeout", "0.5") as server:
        with open(long_recording(SOURCE, folder), "rb") as long:
            late = transcribe(server, long.read())
        assert late.status_code == 503 and late.json()["error"]["code"] == "timeout", late.text
        wait_until(lambda: server.get_json("/status")["queue"]["running"] == 0, "the work goes on")
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as slow:
            slow.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=XX\r\nContent-Length: 100000\r\n\r\n")
            with_bytes = threading.Event()

            def drip():
                while not with_bytes.wait(0.05):
                    try:
                        slow.sendall(b"-")
                    except OSError:
                        return

            dripping = threading.Thread(target=drip)
            dripping.start()
            heard = slow.recv(4096)
            with_bytes.set()
            dripping.join()
            assert b" 503 " in heard or b" 408 " in heard, heard


def test_connections_of_one_address():
    with Server(PROGRAM, SOURCE, "--max-connections-per-address", "5") as server:
        held = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(5)]
        time.sleep(0.2)
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as one_more:
            try:
                assert one_more.recv(10) == b""
            except ConnectionResetError:
                pass
        for each in held:
            each.close()
        wait_until(lambda: requests.get(server.url + "/health", headers={"Connection": "close"}).ok, "the address is locked out")


def test_what_is_over_is_kept_for_its_time():
    with tempfile.TemporaryDirectory() as data, Server(PROGRAM, SOURCE, data=data) as server:
        jobs = [requests.post(server.url + "/v1/jobs", files={"file": ("a.flac", DATA)}).json()["id"] for _ in range(2)]
        for job in jobs:
            wait_until(lambda: server.get_json(f"/v1/jobs/{job}")["status"] == "done", "a job is not done")
        assert server.stop() == 0
        with sqlite3.connect(data + "/jobs.sqlite") as database:
            database.execute("UPDATE jobs SET ended_ms = ended_ms - 86400000 WHERE id = ?", [jobs[0]])
        database.close()
        server.options = ("--keep-jobs-days", "0.5")
        server.start()
        wait_until(lambda: requests.get(f"{server.url}/v1/jobs/{jobs[0]}").status_code == 404, "an old job is kept")
        assert server.get_json(f"/v1/jobs/{jobs[1]}")["status"] == "done"
        assert [name.split(".")[0] for name in os.listdir(data + "/audio")] == [jobs[1]]
        assert server.stop() == 0
        server.options = ("--keep-jobs-days", "0.00001")
        server.start()
        wait_until(lambda: not server.get_json("/v1/jobs")["data"] and not os.listdir(data + "/audio"), "a second is not over")


def test_systemd_is_told():
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(folder + "/notify")
        systemd.settimeout(20)
        with Server(PROGRAM, SOURCE, environment={"NOTIFY_SOCKET": folder + "/notify"}) as server:
            assert systemd.recv(100) == b"READY=1"
            assert requests.get(server.url + "/ready").json()["status"] == "ready"
            server.process.send_signal(signal.SIGTERM)
            assert systemd.recv(100) == b"STOPPING=1"
            assert server.process.wait(timeout=60) == 0


def test_a_signal_changes_the_log_level():
    with tempfile.TemporaryDirectory() as folder:
        config = folder + "/config.toml"
        with open(config, "w") as file:
            file.write('log-level = "error"\n')
        with Server(PROGRAM, SOURCE, "--config", config) as server:
            requests.get(server.url + "/health?quiet")
            with open(config, "w") as file:
                file.write('log-level = "info"\nlog-json = true\n')
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "reloaded" in server.read_log(), "it is not read again")
            requests.get(server.url + "/health", headers={"X-Request-ID": "loud"})
            wait_until(lambda: "id=loud" in server.read_log(), "the level is the old one")
            assert server.read_log().count("path=/health") == 1


def test_what_runs_is_finished_and_what_waits_is_kept():
    with tempfile.TemporaryDirectory() as folder:
        with open(long_recording(SOURCE, folder, times=10), "rb") as long:
            data = long.read()
        with Server(PROGRAM, SOURCE, "--max-running", "1", data=folder + "/data") as server:
            replies = {}

            def one(name):
                replies[name] = transcribe(server, data)

            running = threading.Thread(target=one, args=["running"])
            running.start()
            wait_until(lambda: server.get_json("/status")["queue"]["running"] == 1, "nothing runs")
            job = requests.post(server.url + "/v1/jobs", files={"file": ("a.flac", DATA)}).json()["id"]
            waiting = threading.Thread(target=one, args=["waiting"])
            waiting.start()
            wait_until(lambda: server.get_json("/status")["queue"]["waiting"] == 2, "nothing waits")
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(timeout=60) == 0
            running.join()
            waiting.join()
            assert replies["running"].json()["text"].startswith(FIRST_WORDS), replies["running"].text[:300]
            assert replies["waiting"].status_code == 503, replies["waiting"].text[:300]
            server.start()
            wait_until(lambda: server.get_json(f"/v1/jobs/{job}")["status"] == "done", "a job that waited is lost")


def test_settings():
    with tempfile.TemporaryDirectory() as folder:
        def check(text, *more, environment=None):
            with open(folder + "/config.toml", "w") as file:
                file.write(text)
            return subprocess.run([PROGRAM, "serve", "--check-config", "--config", folder + "/config.toml", *more],
                                  capture_output=True, text=True,
                                  env={**os.environ, "AMANUENSIS_MODELS": SOURCE + "/models", **(environment or {})})

        good = check('model = "demo"\nport = 9100\ndata-dir = "/tmp/x"\nlog-json = true\nallowed-hosts = ["a.example", "*.b.example"]\n')
        assert good.returncode == 0 and "port 9100" in good.stdout, good
        assert "port 9200" in check('model = "demo"\nport = 9100\n', "--port", "9200").stdout
        assert "port 9300" in check('model = "demo"\nport = 9100\n', environment={"AMANUENSIS_PORT": "9300"}).stdout
        bad = check('model = "demo"\nprt = 9100\n')
        assert bad.returncode != 0 and "prt" in bad.stderr and "port" in bad.stderr, bad
        assert "--port" in check('model = "demo"\nport = 99999\n').stderr
        assert "--allowed-hosts" in check('model = "demo"\nallowed-hosts = ["http://a.example/"]\n').stderr
        assert check("model = demo = 7").returncode != 0
        assert check('model = "no-such-model"\n').returncode != 0
        with open(folder + "/nobody", "w"):
            pass
        empty = check(f'model = "demo"\nkey-file = "{folder}/nobody"\n')
        assert empty.returncode != 0 and "keys new" in empty.stderr, empty
        missing = check('model = "demo"\nkey-file = "/none"\n')
        assert missing.returncode != 0 and "/none" in missing.stderr, missing


def test_npu_simulator_is_told_by_its_name():
    with Server(PROGRAM, SOURCE, "--device", "npu-sim") as server:
        reply = requests.post(server.url + "/transcribe", files={"file": ("a.flac", DATA)}).json()
        assert reply["text"].startswith(FIRST_WORDS)
        status = server.get_json("/status")
        npu, hardware = status["npu_runtime"], status["hardware"]
        assert npu["available"] and npu["simulated"] and "simulated" in npu["device"], npu
        assert npu["attention_ready"] and npu["matmul_ready"] and npu["layernorm_ready"] and npu["mel_ready"], npu
        blocks = next(each for each in npu["operations"] if each["name"] == "encoder_block")
        assert blocks["npu"] > 0 and blocks["npu_single"] == 0 and blocks["cpu"] == 0, blocks
        kernels = {each["name"]: each for each in npu["kernels"]}
        assert kernels["log_mel_20"]["rows"] >= 20 * kernels["log_mel_20"]["launches"] > 0, kernels["log_mel_20"]
        assert abs(sum(each["share"] for each in npu["kernels"]) - 1) < 1e-6, npu["kernels"]
        assert npu["kernels_loaded"] >= 3 and npu["audio_seconds"] > 10 and npu["realtime_factor"] > 0, npu
        assert hardware["device"] == "npu-sim" and hardware["type"] == "npu" and hardware["priority"] == ["npu-sim", "cpu"], hardware
        assert npu["device"] in hardware["name"] and reply["hardware"] == hardware
        metrics = requests.get(server.url + "/metrics").text
        assert 'amanuensis_npu_calls_total{device="npu",model="demo",operation="encoder_block"}' in metrics, metrics
        assert 'amanuensis_npu_kernel_ready{kernel="log_mel_20",model="demo"} 1' in metrics, metrics
        assert 'amanuensis_stage_seconds_total{device="npu-sim",model="demo",stage="encoder"}' in metrics, metrics
        assert 'amanuensis_stage_seconds_total{device="cpu",model="demo",stage="decoder"}' in metrics, metrics
    with Server(PROGRAM, SOURCE, "--device", "cpu") as server:
        hardware = server.get_json("/status")["hardware"]
        assert (hardware["type"], hardware["device"], hardware["priority"]) == ("cpu", "cpu", ["cpu"]), hardware


def transcript_on(*options):
    # Log-mels of the CPU: one that is half the NPU's bytes and half floats may move a word that the model is not sure of.
    with Server(PROGRAM, SOURCE, "--device", "npu-sim", "--log-mel", "cpu", *options) as server:
        text = requests.post(server.url + "/transcribe", files={"file": ("a.flac", DATA)}).json()["text"]
        return text, server.get_json("/status")["npu_runtime"], requests.get(server.url + "/metrics").text, server.read_log()


def test_an_npu_fault_changes_nothing_and_is_seen_everywhere():
    whole, _, _, log = transcript_on()
    assert "takes over" not in log, log
    for fault in ["wait:time-out:9", "wait:garbage-output:9", "load:error:1", "start:device-lost:9", "allocate:wrong-size:3"]:
        text, npu, metrics, log = transcript_on("--npu-fault", fault)
        assert text == whole, (fault, text)
        failed = [each for each in npu["kernels"] if each["failures"] > 0]
        assert failed or npu["reason"], (fault, npu)
        assert any("next attempt" in each for each in npu["events"]), (fault, npu["events"])
        assert "next attempt" in log, (fault, log)
        for each in failed:
            line = f'amanuensis_npu_failures_total{{kernel="{each["name"]}",model="demo"}} {each["failures"]}'
            assert line in metrics, (fault, line)


sys.exit(0 if run_all(globals()) else 1)
