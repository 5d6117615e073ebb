"""Models: loaded when they are asked for, left when nobody uses them, downloaded for an administrator (from a hub that this
script is).

    models_client.py PROGRAM SOURCE
"""

import hashlib
import http.server
import json
import os
import shutil
import sys
import tempfile
import threading
import time
import urllib.parse

import requests

from served import Server, recording, run_all

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]
FIRST_WORDS = "Jack is in Boston today."
with open(recording(SOURCE), "rb") as opened:
    DATA = opened.read()
FILES = {name: open(f"{SOURCE}/models/demo/{name}", "rb").read() for name in os.listdir(SOURCE + "/models/demo")
         if name.endswith((".json", ".txt", ".safetensors"))}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def wait_until(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def transcribe(server, model):
    return requests.post(server.url + "/v1/audio/transcriptions", files={"file": ("a.flac", DATA)}, data={"model": model})


def loaded(server):
    return {model["id"] for model in server.get_json("/v1/models")["data"] if model["loaded"] and "alias_of" not in model}


def several(folder, *names):
    for name in names:
        shutil.copytree(SOURCE + "/models/demo", f"{folder}/{name}", ignore=shutil.ignore_patterns("recordings"))
    return {"AMANUENSIS_MODELS": folder}


def test_models_come_when_they_are_asked_for_and_go_when_they_are_not_used():
    with tempfile.TemporaryDirectory() as folder:
        environment = several(folder, "one", "two", "three")
        options = ("--keep-alive", "1", "--alias", "whisper-1", "--alias", "nice=two")
        with Server(PROGRAM, SOURCE, *options, environment=environment, model="one") as server:
            assert loaded(server) == {"one"}
            texts = {transcribe(server, model).json()["text"] for model in ("", "whisper-1", "one", "two", "nice")}
            assert len(texts) == 1 and texts.pop().startswith(FIRST_WORDS)
            wait_until(lambda: loaded(server) == {"one"}, "a model that nobody uses stays")
            assert transcribe(server, "nice").ok and requests.get(server.url + "/v1/models/nice").json()["alias_of"] == "two"
            assert 'amanuensis_model_loaded{' in requests.get(server.url + "/metrics").text
            assert server.get_json("/status")["models_found"] == ["one", "three", "two"], server.get_json("/status")["models_found"]


def test_no_more_than_allowed_are_in_memory():
    with tempfile.TemporaryDirectory() as folder:
        environment = several(folder, "one", "two", "three")
        with Server(PROGRAM, SOURCE, "--max-models", "2", environment=environment, model="one") as server:
            for model in ("two", "three", "two", "one", "three"):
                assert transcribe(server, model).json()["text"].startswith(FIRST_WORDS)
                assert model in loaded(server) and len(loaded(server)) <= 2, loaded(server)
            # Side by side all are needed: rather one too many than a request refused.
            results = []
            clients = [threading.Thread(target=lambda model=model: results.append(transcribe(server, model).status_code))
                       for model in ("one", "two", "three") * 3]
            for client in clients:
                client.start()
            for client in clients:
                client.join()
            assert results == [200] * 9, results


def test_a_model_that_cannot_be_read_is_the_servers_fault():
    with tempfile.TemporaryDirectory() as folder:
        environment = several(folder, "one", "broken")
        with open(folder + "/broken/model.safetensors", "r+b") as file:
            file.truncate(100_000)
        with Server(PROGRAM, SOURCE, environment=environment, model="one") as server:
            failed = transcribe(server, "broken")
            assert failed.status_code == 500 and failed.json()["error"]["code"] == "model_unreadable", failed.text
            assert folder not in failed.text and "model.safetensors" in server.read_log()
            assert transcribe(server, "one").ok


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of huggingface.co as a download needs, with one repository: someone/tiny-demo."""

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path = urllib.parse.urlparse(self.path).path
        if path == "/api/models/someone/tiny-demo/revision/main":
            siblings = [{"rfilename": name, "size": len(data), "lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}}
                        for name, data in FILES.items()]
            return self.answer(json.dumps({"sha": COMMIT, "siblings": siblings}).encode())
        name = path.removeprefix(f"/someone/tiny-demo/resolve/{COMMIT}/")
        if name in FILES:
            return self.answer(FILES[name], name)
        self.send_response(404)
        self.send_header("X-Error-Code", "RepoNotFound")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def answer(self, data, name=None):
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        if name:
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("X-Linked-Etag", f'"{hashlib.sha256(data).hexdigest()}"')
            self.send_header("X-Linked-Size", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            for at in range(0, len(data), 1 << 20):
                if self.server.slow and name == "model.safetensors":
                    self.server.left.wait(0.2)
                self.wfile.write(data[at:at + (1 << 20)])

    def log_message(self, *_):
        pass


def test_an_administrator_has_a_model_downloaded():
    hub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    hub.slow, hub.left = False, threading.Event()
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    environment = {"HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}"}
    with Server(PROGRAM, SOURCE, environment=environment) as server:
        pull = lambda model: requests.post(server.url + "/v1/models/pull", json={"model": model}, stream=True)
        assert "someone/tiny-demo" not in server.get_json("/status")["models_found"]
        missing = pull("someone/none").text
        assert "event: failed" in missing and "someone/none" in missing, missing
        hub.slow = True
        gone = pull("someone/tiny-demo")
        assert next(gone.iter_lines()) == b"event: progress"
        gone.close()  # who leaves ends it
        time.sleep(1)
        assert "someone/tiny-demo" not in server.get_json("/status")["models_found"]
        hub.slow = False
        events = pull("someone/tiny-demo").text.strip().split("\n\n")
        assert events[-1].startswith("event: done"), events[-1]
        progress = [json.loads(event.split("data: ")[1]) for event in events[:-1] if event.startswith("event: progress")]
        assert progress and progress[-1]["done_bytes"] == progress[-1]["total_bytes"] > 9_000_000, progress
        assert [each["done_bytes"] for each in progress] == sorted(each["done_bytes"] for each in progress)
        assert transcribe(server, "someone/tiny-demo").json()["text"].startswith(FIRST_WORDS)
    hub.shutdown()


sys.exit(0 if run_all(globals()) else 1)
