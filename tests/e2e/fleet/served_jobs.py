"""`amanuensis serve --jobs`: two servers and a worker share the jobs; what one accepts the other shows, follows and
cancels. And the commands `submit` and `jobs`, as people type them."""

import functools
import http.server
import json
import os
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))

import requests  # noqa: E402
from cluster import Cluster, nats_server_program, wait_until  # noqa: E402
from served import Server  # noqa: E402

PROGRAM, SOURCE = sys.argv[1:3]
RECORDINGS = os.path.join(SOURCE, "models/demo/recordings")


def events_of(url, last_id=None):
    """The whole stream of a job's events, as (name, id, data)."""
    headers = {"Last-Event-ID": last_id} if last_id else {}
    events, event = [], {}
    with requests.get(url, headers=headers, stream=True, timeout=120) as reply:
        reply.raise_for_status()
        for line in reply.iter_lines(decode_unicode=True):
            if line == "" and event:
                events.append((event.get("event"), event.get("id"), json.loads(event["data"])))
                event = {}
            elif ":" in line and not line.startswith(":"):
                name, value = line.split(":", 1)
                event[name] = value.strip()
    return events


def post(server, name, **fields):
    with open(os.path.join(RECORDINGS, name), "rb") as audio:
        reply = requests.post(server.url + "/v1/jobs", files={"file": (name, audio)}, data=fields, timeout=60)
    assert reply.status_code == 202, reply.text
    return reply.json()


def check_servers(cluster, first, second):
    waiting = post(first, "planning.flac")
    assert waiting["status"] == "queued", waiting
    listed = second.get_json("/v1/jobs")["data"]
    assert [job["id"] for job in listed] == [waiting["id"]], listed
    streams = {}
    followers = []
    for name, server in (("first", first), ("second", second)):
        def follow(name=name, server=server):
            streams[name] = events_of(f"{server.url}/v1/jobs/{waiting['id']}/events")
        followers.append(threading.Thread(target=follow))
        followers[-1].start()
    time.sleep(0.5)
    cluster.start_worker(0)
    for follower in followers:
        follower.join(timeout=120)
        assert not follower.is_alive(), "an event stream did not end"
    result = second.get_json(f"/v1/jobs/{waiting['id']}/result")
    told = {name: [event for event in stream if event[0] != "progress"] for name, stream in streams.items()}
    for stream in told.values():
        names = [event[0] for event in stream]
        assert names == ["queued", "running"] + ["segment"] * len(result["segments"]) + ["done"], names
        assert [event[1] for event in stream] == [f"1-{i + 1}" for i in range(len(stream))], stream
        assert [event[2] for event in stream[2:-1]] == result["segments"]
        assert stream[-1][2]["status"] == "done"
    # Afterwards the result alone gives the same, and a client that comes back gets the rest.
    replayed = events_of(f"{first.url}/v1/jobs/{waiting['id']}/events")
    assert [event[:2] for event in replayed] == [event[:2] for event in told["first"]]
    assert len(events_of(f"{first.url}/v1/jobs/{waiting['id']}/events", "1-2")) == len(replayed) - 2
    audio = requests.get(f"{second.url}/v1/jobs/{waiting['id']}/audio", headers={"Range": "bytes=0-3"}, timeout=60)
    assert audio.status_code == 206 and audio.content == b"fLaC", audio.content
    return waiting["id"], result


def check_single_machine(result):
    with Server(PROGRAM, SOURCE) as alone:
        job = post(alone, "planning.flac")
        wait_until(lambda: alone.get_json(f"/v1/jobs/{job['id']}")["status"] == "done", 120, "done alone")
        own = alone.get_json(f"/v1/jobs/{job['id']}/result")
    assert {**own, "id": ""} == {**result, "id": ""}, "a fleet's result is another than one server's"


def check_cut_recording(cluster, first):
    """Cut into ranges: the same events in the same order."""
    cluster.processes["worker0"].stop()
    cluster.start_worker(1, "--cut-above", "20", "--range-windows", "1")
    waiting = post(first, "meeting.flac")
    events = [event for event in events_of(f"{first.url}/v1/jobs/{waiting['id']}/events") if event[0] != "progress"]
    result = first.get_json(f"/v1/jobs/{waiting['id']}/result")
    names = [event[0] for event in events]
    assert names == ["queued", "running"] + ["segment"] * len(result["segments"]) + ["done"], names
    assert [event[2] for event in events[2:-1]] == result["segments"]
    assert "cut into ranges" in cluster.read_log("worker1"), cluster.read_log("worker1")
    cluster.processes["worker1"].stop()
    return waiting["id"]


def check_endings(cluster, first, second, done, shared):
    results = {job["id"]: os.path.join(shared, job["result"] + ".json") for job in cluster.jobs() if "result" in job}
    assert os.path.exists(results[done]), results
    waiting = post(first, "meeting.flac")
    cancelled = requests.delete(f"{second.url}/v1/jobs/{waiting['id']}", timeout=60).json()
    assert cancelled["status"] == "cancelled", cancelled
    assert events_of(f"{first.url}/v1/jobs/{waiting['id']}/events")[-1][0] == "cancelled"
    removed = requests.delete(f"{first.url}/v1/jobs/{done}", timeout=60).json()
    assert removed["deleted"], removed
    assert requests.get(f"{second.url}/v1/jobs/{done}", timeout=60).status_code == 404
    # Nothing of it is left, and everything of the others.
    assert not os.path.exists(results.pop(done)) and all(map(os.path.exists, results.values())) and results, results
    left = os.listdir(os.path.join(shared, "audio"))
    assert not [name for name in left if name.startswith(done)], left
    assert "cancelled" in cluster.run("jobs", "list").stdout


def check_commands(cluster, folder):
    recordings = os.path.join(folder, "calls")
    os.mkdir(recordings)
    os.symlink(os.path.join(RECORDINGS, "planning.flac"), os.path.join(recordings, "planning.flac"))
    with open(os.path.join(recordings, "broken.wav"), "w") as out:
        out.write("no recording")
    submit = ["submit", recordings, "--model", "demo", "--results", os.path.join(folder, "out"), "--output-format", "srt"]
    first = cluster.run(*submit)
    assert "2 jobs, 2 of them new" in first.stderr, first.stderr
    again = cluster.run(*submit, "--json")
    assert [json.loads(line)["new"] for line in again.stdout.splitlines()] == [False, False], again.stdout
    cluster.restart("worker0")
    waited = cluster.run(*submit, "--wait", check=False)
    assert waited.returncode == 1 and "failed: broken.wav" in waited.stderr, waited.stderr
    jobs = {job["name"]: job for job in cluster.jobs() if job["source"].startswith(folder) or "calls" in job["source"]
            or job["results"].startswith(folder + "/out")}
    assert os.path.exists(os.path.join(folder, "out", jobs["planning.flac"]["result"] + ".srt"))
    stats = cluster.stats()
    assert stats["dead_letters"] == 1 and len(stats["workers"]) == 1, stats
    assert stats["workers"][0]["concurrency"] == 4, stats
    assert "Dead letters" in cluster.run("jobs", "stats").stdout
    assert "broken.wav" in cluster.run("jobs", "list", "--status", "failed").stdout
    assert "1 begin again" in cluster.run("jobs", "retry", "--failed").stderr
    assert cluster.run("jobs", "watch", check=False).returncode == 1
    nowhere = cluster.run("jobs", "list", "--nats", "nats://127.0.0.1:1", check=False)
    assert nowhere.returncode == 7 and "127.0.0.1:1" in nowhere.stderr, nowhere.stderr
    for wrong in (["submit", recordings], ["submit", "--results", "x"], ["jobs", "list", "--status", "lost"],
                  ["jobs", "cancel"], ["worker", "--concurrency", "0"]):
        done = cluster.run(*wrong, check=False)
        assert done.returncode == 2 and done.stderr.startswith("amanuensis: "), (wrong, done.returncode, done.stderr)


def check_private_addresses(cluster, folder):
    """Recordings at addresses of this machine are fetched by those who may."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=RECORDINGS)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{web.server_port}/planning.flac"
        submit = ["submit", address, "--model", "demo", "--results", os.path.join(folder, "fetched"), "--json"]
        refused = cluster.run(*submit, check=False)
        assert refused.returncode != 0 and "--allow-private-urls" in refused.stderr, refused.stderr
        job = json.loads(cluster.run(*submit, "--allow-private-urls").stdout)["id"]
        state = lambda: next(each for each in cluster.jobs() if each["id"] == job)  # noqa: E731
        wait_until(lambda: state()["status"] == "failed", 120, "the worker refuses the address")
        assert "--allow-private-urls" in state()["error"]["error"]["message"], state()
        cluster.processes["worker0"].stop()
        cluster.start_worker(2, "--allow-private-urls")
        cluster.run("jobs", "retry", job)
        wait_until(lambda: state()["status"] == "done", 120, "the worker that may fetches it")
        web.shutdown()


def main():
    if not nats_server_program():
        print("SKIPPED: nats-server is not installed (tools/setup.sh test)")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        cluster = Cluster(PROGRAM, SOURCE, os.path.join(folder, "cluster"), first_port=25000 + os.getpid() % 2000)
        try:
            cluster.start_nats(1)
            cluster.wait_for_nats()
            shared = os.path.join(folder, "shared")
            options = ["--jobs", cluster.nats, "--jobs-store", shared]
            with Server(PROGRAM, SOURCE, *options) as first, Server(PROGRAM, SOURCE, *options) as second:
                done, result = check_servers(cluster, first, second)
                check_single_machine(result)
                check_cut_recording(cluster, first)
                check_endings(cluster, first, second, done, shared)
            check_commands(cluster, folder)
            check_private_addresses(cluster, folder)
            return 0
        except BaseException:
            for name in cluster.processes:
                print(f"--- {name}\n{cluster.read_log(name)[-1500:]}", file=sys.stderr)
            raise
        finally:
            cluster.close()


sys.exit(main())
