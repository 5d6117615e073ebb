"""Faults: kill -9 at random moments, slow clients, nonsense on the wire, clients that leave, a full disk.

    faults_client.py PROGRAM SOURCE        FAULT_KILLS: how many kills
"""

import os
import random
import socket
import subprocess
import sys
import threading
import time

import requests

from served import Server, recording, run_all

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]
KILLS = int(os.environ.get("FAULT_KILLS", "8"))
FILE = recording(SOURCE)
with open(FILE, "rb") as opened:
    DATA = opened.read()


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=20)


def memory_kb(server):
    with open(f"/proc/{server.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def test_no_accepted_job_is_lost_or_doubled_by_kill_9():
    accepted, problems = [], []
    chance = random.Random(9)
    with Server(PROGRAM, SOURCE) as server:
        for _ in range(KILLS):
            stop = threading.Event()
            # The port is another one after each start.
            def send(url=server.url):
                while not stop.is_set():
                    try:
                        reply = requests.post(url + "/v1/jobs", files={"file": ("a.flac", DATA)}, data={"word_timestamps": "false"}, timeout=20)
                        if reply.status_code == 202:
                            accepted.append(reply.json()["id"])
                        elif reply.status_code != 429:
                            problems.append(reply.text)
                    except requests.RequestException:
                        return
                    stop.wait(0.15)

            senders = [threading.Thread(target=send) for _ in range(3)]
            for sender in senders:
                sender.start()
            time.sleep(chance.uniform(0.05, 1.2))
            server.kill()
            stop.set()
            for sender in senders:
                sender.join()
            server.start()
        assert not problems, problems[:3]
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            if not server.get_json("/v1/jobs?status=queued,running&limit=1")["data"]:
                break
            time.sleep(0.2)
        jobs, after = {}, ""
        while after is not None:
            page = server.get_json("/v1/jobs?limit=200" + (f"&after={after}" if after else ""))
            for job in page["data"]:
                assert job["id"] not in jobs
                jobs[job["id"]] = job
            after = page["next"]
        assert accepted and len(set(accepted)) == len(accepted)
        for job_id in accepted:
            assert job_id in jobs, f"{job_id} was accepted and is lost"
            assert jobs[job_id]["status"] == "done", jobs[job_id]
        texts = {server.get_json(f"/v1/jobs/{job_id}/result")["text"] for job_id in accepted}
        assert len(texts) == 1, "the same recording has different results"
        kept = {name.split(".")[0] for name in os.listdir(server.data + "/audio")}
        assert kept == set(jobs), "recordings and jobs differ"
        print(f"      {len(accepted)} jobs accepted, {KILLS} kills, {sum(job['attempt'] > 1 for job in jobs.values())} begun again")


def test_a_thousand_idle_connections_disturb_nobody():
    with Server(PROGRAM, SOURCE) as server:
        def one():
            start = time.monotonic()
            assert requests.get(server.url + "/health").ok
            return time.monotonic() - start

        alone = sorted(one() for _ in range(50))[25]
        idle = []
        for number in range(1000):
            each = connect(server)
            each.sendall(b"GET / HT" if number % 2 else b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n")
            idle.append(each)
        beside = sorted(one() for _ in range(50))[25]
        assert requests.post(server.url + "/v1/audio/transcriptions", files={"file": ("a.flac", DATA)}).ok
        threads = len(os.listdir(f"/proc/{server.process.pid}/task"))
        assert threads < 60, threads
        assert beside < 10 * alone + 0.05, (alone, beside)
        for each in idle:
            each.close()


def test_ten_thousand_malformed_requests():
    chance = random.Random(1)
    good = (b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=XX\r\n"
            b"Content-Length: 120\r\n\r\n--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n--XX--\r\n")
    upgrade = (b"GET /ws/transcribe HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n")
    with Server(PROGRAM, SOURCE) as server:
        requests.get(server.url + "/health")
        before = descriptors(server)
        for number in range(10_000):
            text = bytearray(upgrade + chance.randbytes(20) if number % 5 == 0 else good)
            for _ in range(chance.randrange(1, 6)):
                at = chance.randrange(len(text))
                if chance.random() < 0.5:
                    text[at] = chance.randrange(256)
                else:
                    del text[at:at + chance.randrange(12)]
            try:
                with connect(server) as each:
                    each.sendall(text)
                    if number % 10 == 0:
                        each.shutdown(socket.SHUT_WR)
                        each.recv(4096)
            except OSError:
                pass
        assert requests.get(server.url + "/health").ok and server.process.poll() is None
        assert requests.post(server.url + "/v1/audio/transcriptions", files={"file": ("a.flac", DATA)}).ok
        deadline = time.monotonic() + 15
        while descriptors(server) > before + 20 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert descriptors(server) <= before + 20, (before, descriptors(server))


def test_clients_that_leave():
    request = (b"POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=XX\r\nContent-Length: ")
    body = b"--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.flac\"\r\n\r\n" + DATA + b"\r\n--XX--\r\n"
    request += str(len(body)).encode() + b"\r\n\r\n" + body
    chance = random.Random(2)
    with Server(PROGRAM, SOURCE) as server:
        assert requests.post(server.url + "/v1/audio/transcriptions", files={"file": ("a.flac", DATA)}).ok
        before = descriptors(server), memory_kb(server)
        for _ in range(150):
            with connect(server) as each:
                each.sendall(request if chance.random() < 0.5 else request[:chance.randrange(len(request))])
                time.sleep(chance.uniform(0, 0.02))
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and server.get_json("/status")["queue"]["running"] > 0:
            time.sleep(0.1)
        queue = server.get_json("/status")["queue"]
        assert queue["running"] == 0 and queue["waiting"] == 0, queue
        assert descriptors(server) <= before[0] + 10
        assert not os.listdir(server.data + "/uploads")
        assert requests.post(server.url + "/v1/audio/transcriptions", files={"file": ("a.flac", DATA)}).ok


def test_one_slow_upload_is_given_up():
    with Server(PROGRAM, SOURCE, "--stall-timeout", "1", "--header-timeout", "1", "--idle-timeout", "1") as server:
        with connect(server) as each:
            each.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=XX\r\n"
                         b"Content-Length: 100000\r\n\r\n--XX\r\n")
            assert b" 408 " in each.recv(4096)
        with connect(server) as each:
            each.sendall(b"GET /health HTTP/1.1\r\n")
            start = time.monotonic()
            assert each.recv(4096) == b"" and time.monotonic() - start < 5
        with connect(server) as each:
            each.sendall(b"GET /health HTTP/1.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n")
            assert b" 431 " in each.recv(4096)


def test_a_full_disk_refuses_uploads_and_breaks_nothing():
    place = "/tmp/amanuensis-small-disk"
    os.makedirs(place, exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", place], capture_output=True).returncode != 0:
        print("      SKIPPED: a small disk cannot be mounted here")
        return
    try:
        with Server(PROGRAM, SOURCE, data=place) as server:
            large = requests.post(server.url + "/v1/jobs", files={"file": ("a.wav", bytes(8_000_000))})
            assert large.status_code == 507 and large.json()["error"]["code"] == "insufficient_storage", large.text
            assert not os.listdir(place + "/uploads")
            assert requests.get(server.url + "/health").ok
            small = requests.post(server.url + "/v1/audio/transcriptions", files={"file": ("a.flac", DATA)})
            assert small.ok, small.text
            job = requests.post(server.url + "/v1/jobs", files={"file": ("a.flac", DATA)}).json()
            with open(place + "/filler", "wb", buffering=0) as filler:
                try:
                    while True:
                        filler.write(bytes(4096))
                except OSError:
                    pass
            time.sleep(4)
            status = server.get_json(f"/v1/jobs/{job['id']}")["status"]
            os.unlink(place + "/filler")
            deadline = time.monotonic() + 30
            while server.get_json(f"/v1/jobs/{job['id']}")["status"] != "done":
                assert time.monotonic() < deadline, "a result that could not be written is lost"
                time.sleep(0.1)
            print(f"      while the disk was full the job was {status}")
    finally:
        subprocess.run(["umount", place], check=True)


sys.exit(0 if run_all(globals()) else 1)
