"""Jobs, the old server's addresses, keys, metrics and the page, over plain HTTP."""

import hashlib
import hmac
import http.server
import json
import os
import socket
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


def submit(server, file=FILE, **fields):
    with open(file, "rb") as data:
        return requests.post(server.url + "/v1/jobs", files={"file": data}, data=fields)


def wait_for(server, job_id, status="done", seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        job = server.get_json(f"/v1/jobs/{job_id}")
        if job["status"] == status:
            return job
        assert job["status"] in ("queued", "running"), job
        time.sleep(0.05)
    raise AssertionError(f"the job is {job['status']}")


def events_of(reply):
    event = {}
    for line in reply.iter_lines(decode_unicode=True):
        if line == "":
            if event:
                yield event
            event = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(": ")
            event[name] = json.loads(value) if name == "data" else value


def test_a_job_from_beginning_to_end(server):
    reply = submit(server)
    assert reply.status_code == 202, reply.text
    job = reply.json()
    assert reply.headers["Location"] == f"/v1/jobs/{job['id']}" and job["status"] in ("queued", "running"), job
    assert job["name"] == "meeting.flac" and job["size_bytes"] == os.path.getsize(FILE) and job["attempt"] == 1
    done = wait_for(server, job["id"])
    assert done["language"] == "en" and 60 < done["duration"] < 80 and done["realtime_factor"] > 0
    assert done["progress"]["fraction"] == 1 and done["ended_at"] >= done["started_at"] >= done["created_at"]
    result = server.get_json(f"/v1/jobs/{job['id']}/result")
    assert result["text"].startswith(FIRST_WORDS)
    for segment in result["segments"]:
        assert "".join(word["word"] for word in segment["words"]).strip() == segment["text"].strip()
    for format, begin in [("text", FIRST_WORDS), ("srt", "1\n00"), ("vtt", "WEBVTT"), ("tsv", "start\tend")]:
        reply = requests.get(f"{server.url}/v1/jobs/{job['id']}/result?format={format}&download=1")
        assert reply.text.startswith(begin) and "meeting." in reply.headers["Content-Disposition"], reply.text[:80]
    listed = server.get_json("/v1/jobs?search=meet&status=done,failed&limit=1")
    assert listed["data"][0]["id"] == job["id"]


def test_recording_can_be_had_in_parts(server):
    job = submit(server).json()
    address = f"{server.url}/v1/jobs/{job['id']}/audio"
    with open(FILE, "rb") as data:
        whole = data.read()
    reply = requests.get(address)
    assert reply.content == whole and reply.headers["Content-Type"] == "audio/flac"
    part = requests.get(address, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == whole[100:200]
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(whole)}"
    assert requests.get(address, headers={"Range": "bytes=-10"}).content == whole[-10:]
    assert requests.get(address, headers={"Range": f"bytes={len(whole)}-"}).status_code == 416
    wait_for(server, job["id"])


def test_events_are_complete_and_resumable(server):
    job = submit(server).json()
    address = f"{server.url}/v1/jobs/{job['id']}/events"
    live = list(events_of(requests.get(address, stream=True)))
    names = [event["event"] for event in live]
    assert names[0] == "queued" and names[1] == "running" and names[-1] == "done", names
    assert "progress" in names and names.count("segment") > 5
    assert live[-1]["data"]["status"] == "done"
    numbered = [event for event in live if "id" in event]
    assert [event["id"] for event in numbered] == [f"1-{i + 1}" for i in range(len(numbered))]
    again = list(events_of(requests.get(address, stream=True)))
    assert [event["id"] for event in again if "id" in event] == [event["id"] for event in numbered]
    rest = list(events_of(requests.get(address, stream=True, headers={"Last-Event-ID": "1-4"})))
    assert [event["id"] for event in rest] == [event["id"] for event in numbered[4:]]
    other = list(events_of(requests.get(address, stream=True, headers={"Last-Event-ID": "9-4"})))
    assert len([event for event in other if "id" in event]) == len(numbered)


def test_jobs_that_cannot_be(server):
    with tempfile.NamedTemporaryFile(suffix=".mp3") as junk:
        junk.write(b"no audio at all")
        junk.flush()
        job = submit(server, junk.name).json()
    failed = wait_for(server, job["id"], "failed")
    assert failed["error"]["code"] == "invalid_audio" and "/" not in failed["error"]["message"], failed["error"]
    reply = requests.get(f"{server.url}/v1/jobs/{job['id']}/result")
    assert reply.status_code == 409 and reply.json()["error"]["code"] == "job_not_done"
    assert submit(server, language="klingon").json()["error"]["param"] == "language"
    assert submit(server, model="nope").status_code == 404
    assert requests.get(server.url + "/v1/jobs/none").status_code == 404
    assert requests.get(server.url + "/v1/jobs?limit=0").json()["error"]["param"] == "limit"
    assert requests.post(server.url + "/v1/jobs", json={}).json()["error"]["code"] == "missing_file"
    assert requests.post(server.url + "/v1/jobs", data=b"x").status_code == 400
    reply = requests.post(server.url + "/v1/jobs", json={"url": "http://127.0.0.1:1/a.mp3"})
    failed = wait_for(server, reply.json()["id"], "failed")
    assert failed["error"]["code"] == "url_refused", failed["error"]


def test_delete_cancels_or_removes(server):
    jobs = [submit(server).json() for _ in range(3)]
    reply = requests.delete(f"{server.url}/v1/jobs/{jobs[-1]['id']}").json()
    assert reply.get("status") in ("cancelled", "done") or reply.get("deleted"), reply
    done = wait_for(server, jobs[0]["id"])
    removed = requests.delete(f"{server.url}/v1/jobs/{done['id']}").json()
    assert removed == {"id": done["id"], "object": "job", "deleted": True}
    assert requests.get(f"{server.url}/v1/jobs/{done['id']}").status_code == 404
    assert not [name for name in os.listdir(server.data + "/audio") if name.startswith(done["id"])]
    wait_for(server, jobs[1]["id"])


def test_by_address_with_webhook():
    told = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.append((self.headers, body))
            self.send_response(500 if len(told) == 1 else 204)  # the first is not taken: it comes again
            self.end_headers()

        def log_message(self, *arguments):
            pass

    os.chdir(os.path.dirname(FILE))
    other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{other.server_port}"
    with tempfile.NamedTemporaryFile("w") as secret:
        secret.write("very secret\n")
        secret.flush()
        with Server(PROGRAM, SOURCE, "--allow-private-urls", "--webhook-secret-file", secret.name) as server:
            job = requests.post(server.url + "/v1/jobs",
                                json={"url": address + "/meeting.flac", "webhook_url": address + "/hook"}).json()
            assert job["name"] == "meeting.flac" and job["url"].endswith("/meeting.flac")
            assert wait_for(server, job["id"])["duration"] > 60
            old = requests.post(server.url + "/transcribe", data={"url": address + "/meeting.flac"}).json()
            assert old["text"].startswith(FIRST_WORDS)
            missing = requests.post(server.url + "/transcribe", data={"url": address + "/none.flac"})
            assert missing.status_code == 400 and missing.json()["error"]["code"] == "url_unreachable"
            deadline = time.monotonic() + 15
            while len(told) < 2 and time.monotonic() < deadline:
                time.sleep(0.05)
    headers, body = told[1]
    assert json.loads(body)["id"] == job["id"] and headers["X-Amanuensis-Event"] == "job.done"
    stamp, signature = [part.split("=")[1] for part in headers["X-Amanuensis-Signature"].split(",")]
    assert hmac.new(b"very secret", f"{stamp}.".encode() + body, hashlib.sha256).hexdigest() == signature
    other.shutdown()


def test_old_addresses(server):
    with open(FILE, "rb") as data:
        reply = requests.post(server.url + "/transcribe", files={"audio": data}, data={"diarization": "true"}, stream=True)
    job_id = reply.headers["X-Job-ID"]
    result = reply.json()
    expected = ["text", "segments", "language", "duration", "processing_time", "realtime_factor", "hardware", "npu_mel_time",
                "diarization_enabled", "diarization_available", "speakers", "vad_filter", "job_id"]
    assert set(expected) <= set(result), result.keys()
    assert result["job_id"] == job_id and result["text"].startswith(FIRST_WORDS)
    assert result["diarization_enabled"] and result["diarization_available"]
    assert set(result["segments"][0]) == {"start", "end", "text", "words", "speaker"}
    assert set(result["segments"][0]["words"][0]) == {"word", "start", "end", "probability", "speaker"}
    assert result["speakers"]["count"] == len(result["speakers"]["labels"]) == 2, result["speakers"]
    assert abs(result["realtime_factor"] - result["duration"] / result["processing_time"]) < 0.1 * result["realtime_factor"]
    progress = server.get_json(f"/progress/{job_id}")
    assert progress["status"] == "done" and progress["progress"] == 100
    with open(FILE, "rb") as data:
        text = requests.post(server.url + "/transcribe", files={"file": data}, data={"response_format": "text"})
    assert text.text.startswith(FIRST_WORDS) and text.headers["Content-Type"].startswith("text/plain")
    status = server.get_json("/status")
    for name in ["status", "version", "current_model", "models_found", "hardware", "npu_runtime", "diarization", "queue", "performance"]:
        assert name in status, name
    assert not any(status["npu_runtime"].values()) and status["diarization"]["model"] == "builtin"
    assert status["performance"]["audio_seconds_total"] > 100 and status["performance"]["realtime_factor"] > 1
    assert set(status["hardware"]) >= {"type", "name", "device", "kernels", "priority"}
    assert server.get_json("/models")["models"][0]["id"] == "demo"
    assert server.get_json("/")["service"] == "amanuensis"
    bad = requests.post(server.url + "/transcribe", files={"file": ("a.wav", b"nothing")})
    assert bad.status_code == 400 and "X-Job-ID" in bad.headers, bad.text


def test_npu_simulator_is_told_by_its_name():
    with Server(PROGRAM, SOURCE, "--device", "npu-sim") as server:
        with open(FILE, "rb") as data:
            assert requests.post(server.url + "/transcribe", files={"file": data}).json()["text"].startswith(FIRST_WORDS)
        npu = server.get_json("/status")["npu_runtime"]
        assert npu["available"] and npu["simulated"] and "simulated" in npu["device"], npu
        assert npu["attention_ready"] and npu["matmul_ready"] and npu["layernorm_ready"] and npu["mel_ready"], npu
        blocks = next(each for each in npu["operations"] if each["name"] == "encoder_block")
        assert blocks["npu"] > 0 and blocks["npu_single"] == 0 and blocks["cpu"] == 0, blocks
        kernels = {each["name"]: each for each in npu["kernels"]}
        assert kernels["log_mel_20"]["rows"] >= 20 * kernels["log_mel_20"]["launches"] > 0, kernels["log_mel_20"]
        assert abs(sum(each["share"] for each in npu["kernels"]) - 1) < 1e-6, npu["kernels"]
        assert npu["kernels_loaded"] >= 3 and npu["audio_seconds"] > 10 and npu["realtime_factor"] > 0, npu
        assert server.get_json("/status")["hardware"]["device"] == "npu-sim"
        metrics = requests.get(server.url + "/metrics").text
        assert 'amanuensis_npu_calls_total{device="npu",model="demo",operation="encoder_block"}' in metrics, metrics
        assert 'amanuensis_npu_kernel_ready{kernel="log_mel_20",model="demo"} 1' in metrics, metrics


def transcript_on(*options):
    with Server(PROGRAM, SOURCE, "--device", "npu-sim", *options) as server:
        with open(FILE, "rb") as data:
            text = requests.post(server.url + "/transcribe", files={"file": data}).json()["text"]
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


def test_progress_stream(server):
    job = submit(server).json()
    seen = list(events_of(requests.get(f"{server.url}/progress/{job['id']}/stream", stream=True)))
    assert seen[-1]["data"]["status"] == "done" and seen[-1]["data"]["progress"] == 100, seen[-1]


def test_keys_and_origins():
    with tempfile.TemporaryDirectory() as folder:
        file = folder + "/keys"
        new = lambda *more: subprocess.run([PROGRAM, "keys", "new", *more, "--file", file], check=True, capture_output=True,
                                           text=True).stdout.strip()
        alice, root = new("alice"), new("root", "--admin")
        slow = new("slow", "--per-minute", "1")
        assert alice not in open(file).read() and os.stat(file).st_mode & 0o077 == 0
        with Server(PROGRAM, SOURCE, "--key-file", file, "--cors-origin", "https://friend.example") as server:
            ask = lambda path, key=None, **more: requests.get(
                server.url + path, headers={**({"Authorization": "Bearer " + key} if key else {}), **more})
            assert ask("/health").status_code == 200 and ask("/").status_code == 200
            reply = ask("/v1/models")
            assert reply.status_code == 401 and reply.json()["error"]["code"] == "missing_api_key"
            assert ask("/v1/models", "amk_wrong").json()["error"]["code"] == "invalid_api_key"
            assert ask("/v1/models", alice).status_code == 200
            assert ask("/v1/models", slow).status_code == 200
            limited = ask("/v1/models", slow)
            assert limited.status_code == 429 and int(limited.headers["Retry-After"]) > 30
            pull = lambda key: requests.post(server.url + "/v1/models/pull", json={"model": "no-such-model"},
                                             headers={"Authorization": "Bearer " + key})
            assert pull(alice).status_code == 403 and "failed" in pull(root).text
            with open(FILE, "rb") as data:
                job = requests.post(server.url + "/v1/jobs", files={"file": data},
                                    headers={"Authorization": "Bearer " + alice}).json()
            assert ask("/v1/jobs/" + job["id"], alice).status_code == 200
            assert ask("/v1/jobs/" + job["id"], root).status_code == 200
            bob = new("bob")
            assert ask("/v1/models", bob).status_code == 401
            server.process.send_signal(1)  # SIGHUP
            deadline = time.monotonic() + 5
            while ask("/v1/models", bob).status_code == 401 and time.monotonic() < deadline:
                time.sleep(0.05)
            assert ask("/v1/jobs/" + job["id"], bob).status_code == 404
            friend = ask("/v1/models", alice, Origin="https://friend.example")
            assert friend.headers["Access-Control-Allow-Origin"] == "https://friend.example"
            assert "Access-Control-Allow-Origin" not in ask("/v1/models", alice, Origin="https://evil.example").headers
            evil = requests.post(server.url + "/v1/jobs", headers={"Origin": "https://evil.example"})
            assert evil.status_code == 403 and evil.json()["error"]["code"] == "origin_refused"
            preflight = requests.options(server.url + "/v1/jobs", headers={
                "Origin": "https://friend.example", "Access-Control-Request-Method": "POST"})
            assert preflight.status_code == 204 and "POST" in preflight.headers["Access-Control-Allow-Methods"]


def test_metrics_and_page(server):
    text = requests.get(server.url + "/metrics").text
    for name in ["amanuensis_http_requests_total", "amanuensis_queue_running", "amanuensis_audio_seconds_total",
                 "amanuensis_stage_seconds_total", "amanuensis_batch_windows_running", "process_resident_memory_bytes"]:
        assert name in text, name
    page = requests.get(server.url + "/", headers={"Accept": "text/html"})
    assert page.headers["Content-Type"].startswith("text/html") and "default-src 'none'" in page.headers["Content-Security-Policy"]
    same = requests.get(server.url + "/", headers={"Accept": "text/html", "If-None-Match": page.headers["ETag"]})
    assert same.status_code == 304 and not same.content
    script = requests.get(server.url + "/assets/app/main.js")
    assert script.status_code == 200 and script.headers["Content-Type"].startswith("text/javascript")
    assert requests.get(server.url + "/assets/../serve.cc").status_code == 404
    assert requests.get(server.url + "/assets/none.js").status_code == 404


def test_http_as_it_is_spoken(server):
    def say(text, *more):
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as each:
            each.sendall(text)
            for piece in more:
                time.sleep(0.05)
                each.sendall(piece)
            reply = b""
            while piece := each.recv(65536):
                reply += piece
            return reply

    two = say(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert two.count(b"HTTP/1.1 200 OK") == 2 and two.index(b'"ok"') < two.index(b'"ready"'), two
    head = say(b"HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"content-length: 3" in head and head.endswith(b"\r\n\r\n"), head
    old = say(b"GET /health HTTP/1.0\r\n\r\n")
    assert b"connection: close" in old and b'"ok"' in old
    form = (b"--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nnothing\r\n--XX--\r\n")
    header = b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: multipart/form-data; boundary=XX\r\n"
    chunks = b"".join(b"%x;a=b\r\n" % len(form[at:at + 7]) + form[at:at + 7] + b"\r\n" for at in range(0, len(form), 7))
    chunked = say(header + b"Transfer-Encoding: chunked\r\n\r\n", chunks[:50], chunks[50:51], chunks[51:] + b"0\r\n\r\n")
    assert b"invalid_audio" in chunked, chunked
    polite = say(header + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(form), form)
    assert polite.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400"), polite
    assert b" 405 " in say(b"PUT /v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b"allow: POST, GET, HEAD" in say(b"OPTIONS /v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b" 400 " in say(b"nonsense\r\n\r\n") and b" 400 " in say(b"GET /%zz HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert b" 413 " in say(b"GET /health HTTP/1.1\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
    assert b" 426 " in say(b"GET /ws/transcribe HTTP/1.1\r\nConnection: close\r\n\r\n")
    mine = requests.get(server.url + "/health", headers={"X-Request-ID": "mine-1"})
    assert mine.headers["X-Request-ID"] == "mine-1"
    forged = requests.get(server.url + "/health", headers={"X-Request-ID": "a b\tc"})
    assert forged.headers["X-Request-ID"].startswith("req_")


def test_tls():
    with tempfile.TemporaryDirectory() as folder:
        made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
                               "subjectAltName=IP:127.0.0.1", "-keyout", folder + "/key", "-out", folder + "/certificate"],
                              capture_output=True)
        assert made.returncode == 0, made.stderr
        with Server(PROGRAM, SOURCE, "--tls-certificate", folder + "/certificate", "--tls-key", folder + "/key") as server:
            assert server.url.startswith("https://")
            with open(FILE, "rb") as data:
                reply = requests.post(server.url + "/v1/audio/transcriptions", files={"file": data}, verify=folder + "/certificate")
            assert reply.json()["text"].startswith(FIRST_WORDS)
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain:
                plain.sendall(b"GET /health HTTP/1.1\r\n\r\n")
                assert b"200 OK" not in plain.recv(4096)
            assert requests.get(server.url + "/health", verify=folder + "/certificate").ok


def test_limits():
    with Server(PROGRAM, SOURCE, "--max-audio-s", "10", "--max-jobs-mb", "1") as server:
        with open(FILE, "rb") as data:
            long = requests.post(server.url + "/v1/audio/transcriptions", files={"file": data})
        assert long.status_code == 413 and long.json()["error"]["code"] == "audio_too_long", long.text
        large = requests.post(server.url + "/v1/jobs", files={"file": ("a.wav", bytes(2_000_000))})
        assert large.status_code == 507, large.text
        assert not server.get_json("/v1/jobs")["data"] and not os.listdir(server.data + "/audio")
        taken = requests.post(server.url + "/v1/jobs", files={"file": ("a.wav", bytes(1000))})
        assert taken.status_code == 202, taken.text


def test_settings():
    with tempfile.TemporaryDirectory() as folder:
        def check(text, *more, environment=None):
            with open(folder + "/config.toml", "w") as file:
                file.write(text)
            return subprocess.run([PROGRAM, "serve", "--check-config", "--config", folder + "/config.toml", *more],
                                  capture_output=True, text=True,
                                  env={**os.environ, "AMANUENSIS_MODELS": SOURCE + "/models", **(environment or {})})

        good = check('model = "demo"\nport = 9100\ndata-dir = "/tmp/x"\nlog-json = true\n')
        assert good.returncode == 0 and "port 9100" in good.stdout, good
        assert "port 9200" in check('model = "demo"\nport = 9100\n', "--port", "9200").stdout
        assert "port 9300" in check('model = "demo"\nport = 9100\n', environment={"AMANUENSIS_PORT": "9300"}).stdout
        bad = check('model = "demo"\nprt = 9100\n')
        assert bad.returncode != 0 and "prt" in bad.stderr and "port" in bad.stderr, bad
        assert "--port" in check('model = "demo"\nport = 99999\n').stderr
        assert check("model = demo = 7").returncode != 0


with Server(PROGRAM, SOURCE) as shared:
    needs = [name for name, test in list(globals().items()) if name.startswith("test_") and test.__code__.co_argcount]
    passed = run_all({name: globals()[name] for name in needs}, shared)
passed &= run_all({name: test for name, test in list(globals().items())
                   if name.startswith("test_") and not test.__code__.co_argcount})
sys.exit(0 if passed else 1)
