#!/usr/bin/env python3
"""Runs clang-tidy over the sources of src/, several at a time, and remembers which were clean.

  tools/clang_tidy.py [--minutes N] BUILD_FOLDER [PART_OF_PATH ...]

A file is looked at again only when it, a header of this project that it includes, its compile command, .clang-tidy or
clang-tidy itself has changed; what is known lies in build/lint/. With parts of paths, only sources whose path holds one
of them. What was committed last is looked at first; --minutes ends it after that time and tells how many files were
left. Prints each finding as it comes, and ends with exit code 1 when there was one.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "lint"
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def closure(source, known):
    """The source and every header of src/ that it includes, directly or not, in a fixed order."""
    found, waiting = {}, [source]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        if path not in known:
            known[path] = path.read_bytes()
        found[path] = known[path]
        for name in INCLUDE.findall(known[path]):
            header = ROOT / "src" / name.decode()
            if header.is_file():
                waiting.append(header)
    return sorted(found.items())


def fingerprint(entry, common, known):
    digest = hashlib.sha256(common)
    digest.update(entry["command"].encode())
    for path, content in closure(pathlib.Path(entry["file"]), known):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + content)
    return digest.hexdigest()


def newest_first(files):
    """Ordered by the last commit that touched them; what is not committed comes before."""
    history = subprocess.run(["git", "log", "--name-only", "--format="], stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
    place = {}
    for name in history.split():
        place.setdefault(name, len(place))
    return sorted(files, key=lambda file: place.get(os.path.relpath(file, ROOT), -1))


def check(build, source, deadline):
    """None when the time is up."""
    if time.monotonic() > deadline:
        return None
    started = time.monotonic()
    result = subprocess.run(
        ["clang-tidy", "-p", build, "--quiet", source], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    # Standard error counts the warnings of system headers; what matters there is why it could not run at all.
    text = result.stdout if result.stdout.strip() or result.returncode == 0 else result.stderr
    return result.returncode, text, time.monotonic() - started


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("build")
    parser.add_argument("parts", nargs="*")
    arguments = parser.parse_args()
    build, parts, deadline = arguments.build, arguments.parts, time.monotonic() + 60 * arguments.minutes
    entries = json.loads((ROOT / build / "compile_commands.json").read_text())
    sources = str(ROOT / "src") + os.sep
    entries = [e for e in entries if e["file"].startswith(sources) and os.path.exists(e["file"])]
    if parts:
        entries = [e for e in entries if any(part in e["file"] for part in parts)]
    version = subprocess.run(["clang-tidy", "--version"], stdout=subprocess.PIPE, check=True).stdout
    common = version + (ROOT / ".clang-tidy").read_bytes()
    known = {}
    CACHE.mkdir(parents=True, exist_ok=True)
    stamps = {e["file"]: CACHE / fingerprint(e, common, known) for e in entries}
    waiting = newest_first(file for file, stamp in stamps.items() if not stamp.exists())
    print(f"clang-tidy: {len(waiting)} of {len(entries)} files to look at", flush=True)
    failed = left = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS") or os.cpu_count())) as pool:
        running = {pool.submit(check, build, file, deadline): file for file in waiting}
        for done, future in enumerate(concurrent.futures.as_completed(running), 1):
            file = running[future]
            result = future.result()
            if result is None:
                left += 1
                continue
            code, text, seconds = result
            print(f"[{done}/{len(waiting)}] {os.path.relpath(file, ROOT)} {seconds:.0f} s", flush=True)
            if code == 0:
                stamps[file].touch()
            else:
                failed += 1
                print(text, flush=True)
    if left:
        print(f"clang-tidy: {left} files not looked at within {arguments.minutes:g} minutes")
    print(f"clang-tidy: {failed} files with findings" if failed else "clang-tidy: nothing found")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
