"""What measurements of a fleet share: recordings, a model that costs as much as `base`, and what a process has used."""

import json
import os
import shutil
import struct
import subprocess
import time

RECORDINGS = "models/demo/recordings"
# `base` has 6 + 6 layers of 512 values, the demo model 4 + 3 of 192: so many layers more cost as much.
BASE_ENCODER_LAYERS, BASE_DECODER_LAYERS = 43, 43


def make_recordings(source, folder, count, seconds):
    """FLAC files that differ in where they begin; long ones are the bundled recordings again and again."""
    os.makedirs(folder, exist_ok=True)
    inputs = [os.path.join(source, RECORDINGS, name) for name in ("meeting.flac", "planning.flac")]
    playlist = os.path.join(folder, "playlist.txt")
    with open(playlist, "w") as out:
        for i in range(2 + int(seconds) // 60):
            out.write(f"file '{inputs[i % 2]}'\n")
    files = [os.path.join(folder, f"call{i:03}.flac") for i in range(count)]
    for i, file in enumerate(files):
        subprocess.run(["ffmpeg", "-v", "error", "-f", "concat", "-safe", "0", "-i", playlist, "-ss", f"{i * 0.25:.2f}",
                        "-t", str(seconds), file], check=True)
    os.remove(playlist)
    return files


def make_deep_model(source, folder):
    """The demo model with layers that compute and add nothing (their last product has the weights 0): the same text for
    the work of `base`. Returns the model's folder."""
    demo, deep = os.path.join(source, "models/demo"), os.path.join(folder, "deep")
    os.makedirs(deep)
    for name in os.listdir(demo):
        if name.endswith((".json", ".txt")):
            shutil.copy(os.path.join(demo, name), deep)
    with open(os.path.join(demo, "config.json")) as text:
        config = json.load(text)
    with open(os.path.join(demo, "model.safetensors"), "rb") as weights:
        header = json.loads(weights.read(struct.unpack("<Q", weights.read(8))[0]))
        data = weights.read()
    tensors = {name: (facts["dtype"], facts["shape"], data[slice(*facts["data_offsets"])])
               for name, facts in header.items() if name != "__metadata__"}
    for part, wanted in (("encoder", BASE_ENCODER_LAYERS), ("decoder", BASE_DECODER_LAYERS)):
        first = f"model.{part}.layers.0."
        for layer in range(config[f"{part}_layers"], wanted):
            for name in [name for name in tensors if name.startswith(first)]:
                dtype, shape, content = tensors[name]
                adds = name.removeprefix(first).split(".")[-2] in ("out_proj", "fc2")
                tensors[f"model.{part}.layers.{layer}.{name.removeprefix(first)}"] = (
                    dtype, shape, bytes(len(content)) if adds else content)
        config[f"{part}_layers"] = wanted
    config["num_hidden_layers"] = config["encoder_layers"]
    with open(os.path.join(deep, "config.json"), "w") as text:
        json.dump(config, text)
    described, at = {"__metadata__": {"format": "pt"}}, 0
    for name, (dtype, shape, content) in tensors.items():
        described[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(content)]}
        at += len(content)
    header = json.dumps(described).encode()
    header += b" " * (-len(header) % 8)
    with open(os.path.join(deep, "model.safetensors"), "wb") as out:
        out.write(struct.pack("<Q", len(header)) + header)
        for _, _, content in tensors.values():
            out.write(content)
    return deep


def cpu_of(pid):
    """Processor seconds of a running process, to the nanosecond (/proc/PID/stat counts in hundredths)."""
    used = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as stat:
            used += int(stat.read().split()[0])
    return used / 1e9


def run_measured(command, environment):
    """(elapsed seconds, processor seconds) of a program from start to end."""
    begin = time.monotonic()
    process = subprocess.Popen(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL)
    return wait_measured(process, begin)


def wait_measured(process, begin):
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"{process.args}: {process.returncode}"
    return time.monotonic() - begin, used.ru_utime + used.ru_stime


def wait_for_done(cluster, workers, count, seconds):
    """Until the workers' logs tell of so many jobs. Read from the files: whoever asks the fleet gives it work."""
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        if sum(cluster.read_log(name).count("job done") for name in workers) >= count:
            return
        for name in workers:
            assert cluster.processes[name].alive(), cluster.read_log(name)
        time.sleep(0.02)
    raise AssertionError(f"after {seconds} s not {count} jobs: " + "".join(map(cluster.read_log, workers))[-2000:])
