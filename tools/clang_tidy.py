#!/usr/bin/env python3
"""Runs clang-tidy over the sources of src/, tests/, bench/ and fuzz/, and remembers which were clean.

  tools/clang_tidy.py [--minutes N] BUILD_FOLDER [PART_OF_PATH ...]

A file is looked at again only when it, a header of this project that it includes, its compile command, .clang-tidy or
clang-tidy itself has changed; what is known lies in build/lint/. With parts of paths, only sources whose path holds one
of them. What was committed last is looked at first; --minutes ends it after that time and tells which files were
left. Prints each finding as it comes, and ends with exit code 1 when there was one.

Most of the time goes into the headers of libraries, so several sources of a room are looked at as one: a file that
includes them. Those whose names would meet are kept apart, and when sources cannot be compiled together after all, each is
looked at by itself. The one thing that this hides is a using declaration that only another source needs; a file named
alone is looked at alone.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / "build" / "lint"
FOLDERS = ("src", "tests", "bench", "fuzz")
GROUP_SIZE = 8
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
# What a source defines outside of functions and classes, which in this style begins in the first column.
DEFINITION = re.compile(
    r"^(?:(?:class|struct|union|enum(?: class)?|concept|#define)\s+(\w+)|using\s+(\w+)\s*="
    r"|(?:\[\[\w+\]\] )?(?!return|using|namespace|template|#)[\w:][^=({;]*?(?<!:)\b(\w+)\s*(?:\[[^=]*\])?\s*[=({;])",
    re.MULTILINE,
)
BORROWED = re.compile(r"^using\s+(?:\w*::)+(\w+);", re.MULTILINE)
FINDING = re.compile(r"^(/[^:\n]+):\d+:\d+: (?:warning|error):", re.MULTILINE)


class Source:
    """One file of the compilation database, with all of the project that it includes."""

    def __init__(self, file, flags, common):
        self.file, self.flags, self.common = file, flags, common
        self.path = os.path.relpath(file, ROOT)
        self.includes = closure(pathlib.Path(file))
        self.stamp = CACHE / self.fingerprint(self.includes)

    def fingerprint(self, includes):
        digest = hashlib.sha256(self.common)
        digest.update("\n".join(self.flags).replace(str(ROOT), "").encode())
        for path, content in includes:
            digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + content)
        return digest.hexdigest()

    def remember(self):
        # Not when it was edited meanwhile.
        if CACHE / self.fingerprint(closure(pathlib.Path(self.file))) == self.stamp:
            self.stamp.touch()

    def names(self):
        """What it defines and what it borrows by using declarations, which several sources may do."""
        text = pathlib.Path(self.file).read_text()
        return {name for names in DEFINITION.findall(text) for name in names if name}, set(BORROWED.findall(text))


def closure(source):
    """The source and every header of the project that it includes, directly or not, in a fixed order."""
    found, waiting = {}, [source]
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found[path] = path.read_bytes()
        for name in INCLUDE.findall(found[path]):
            candidates = (folder / name.decode() for folder in (path.parent, ROOT / "src", ROOT / "tests"))
            waiting += [header.resolve() for header in candidates if header.is_file()]
    return sorted(found.items())


def compile_flags(command):
    words, flags = shlex.split(command), []
    words = words[next(i for i, word in enumerate(words) if word.startswith("-")) :]
    while words:
        word = words.pop(0)
        if word in ("-o", "-c"):
            words.pop(0)
        else:
            flags.append(word)
    return flags


def read_sources(build, parts):
    """The project's own files that the build compiles, and the fuzz harnesses, which a build of their own compiles."""
    flags = {}
    for entry in json.loads((ROOT / build / "compile_commands.json").read_text()):
        flags[entry["file"]] = compile_flags(entry["command"])
    model = next(file for file in sorted(flags) if file.startswith(str(ROOT / "src/model/")))
    for harness in (ROOT / "fuzz").glob("*.cc"):
        flags.setdefault(str(harness), flags[model])
    version = subprocess.run(["clang-tidy", "--version"], stdout=subprocess.PIPE, check=True).stdout
    configured = {folder: version + b"".join(file.read_bytes() for file in configuration(folder)) for folder in FOLDERS}
    folders = tuple(str(ROOT / folder) + os.sep for folder in FOLDERS)
    own = sorted(file for file in flags if file.startswith(folders) and os.path.exists(file))
    if parts:
        own = [file for file in own if any(part in os.path.relpath(file, ROOT) for part in parts)]
    return [Source(file, flags[file], configured[os.path.relpath(file, ROOT).split(os.sep)[0]]) for file in own]


def configuration(folder):
    return [file for file in (ROOT / ".clang-tidy", ROOT / folder / ".clang-tidy") if file.exists()]


def newest_first(sources):
    """Ordered by the last commit that touched them; what is not committed comes before."""
    history = subprocess.run(["git", "log", "--name-only", "--format="], stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
    place = {}
    for name in history.split():
        place.setdefault(name, len(place))
    return sorted(sources, key=lambda source: place.get(source.path, -1))


def group(sources):
    """Lists of sources of one room with the same flags that define no name twice, in the order of their first ones."""
    groups, open_groups = [], {}
    for source in sources:
        defined, borrowed = source.names()
        candidates = open_groups.setdefault((*source.path.split(os.sep)[:2], *source.flags), [])
        for members, taken, lent in candidates:
            if len(members) < GROUP_SIZE and not (defined | borrowed) & taken and not defined & lent:
                members.append(source)
                taken |= defined
                lent |= borrowed
                break
        else:
            members = [source]
            groups.append(members)
            candidates.append((members, defined, borrowed))
    return groups


def clang_tidy(file, flags):
    result = subprocess.run(
        ["clang-tidy", "--quiet", file, "--", *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    # Standard error counts the warnings of system headers; what matters there is why it could not run at all.
    text = result.stdout if result.stdout.strip() or result.returncode == 0 else result.stderr
    return result.returncode, text


def check(sources, deadline):
    """Pairs of sources looked at together, exit code and text; none of those that the time did not suffice for."""
    if time.monotonic() > deadline:
        return []
    if len(sources) == 1:
        return [(sources, *clang_tidy(sources[0].file, sources[0].flags))]
    together = "".join(f'#include "{source.file}"  // NOLINT(bugprone-suspicious-include)\n' for source in sources)
    folder = sources[0].path.split(os.sep)[0]
    file = CACHE / folder / (hashlib.sha256(together.encode()).hexdigest()[:16] + ".cc")
    file.parent.mkdir(exist_ok=True)
    file.write_text(together)
    # clang-tidy looks for them above the file that it is given.
    for settings in configuration(folder)[1:]:
        shutil.copyfile(settings, file.parent / settings.name)
    code, text = clang_tidy(str(file), sources[0].flags)
    if code != 0 and ("[clang-diagnostic-error" in text or not FINDING.search(text)):
        return [result for source in sources for result in check([source], deadline)]
    return [(sources, code, text)]


def report(sources, code, text, seen):
    """Prints what was not printed before and remembers which sources are clean. Returns those that are not."""
    found = set(map(pathlib.Path, FINDING.findall(text)))
    blocks = re.split(r"^(?=/[^:\n]+:\d+:\d+: (?:warning|error):)", text, flags=re.MULTILINE) if code else []
    for block in blocks:
        if block.strip() and block not in seen:
            seen.add(block)
            print(block.rstrip(), flush=True)
    failed = [source for source in sources if code and (not found or found & {path for path, _ in source.includes})]
    for source in sources:
        if source not in failed:
            source.remember()
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("build")
    parser.add_argument("parts", nargs="*")
    arguments = parser.parse_intermixed_args()  # options may stand between the build folder and the parts
    deadline = time.monotonic() + 60 * arguments.minutes
    CACHE.mkdir(parents=True, exist_ok=True)
    sources = read_sources(arguments.build, arguments.parts)
    waiting = newest_first(source for source in sources if not source.stamp.exists())
    print(f"clang-tidy: {len(waiting)} of {len(sources)} files to look at", flush=True)
    started, left, failed, seen = time.monotonic(), {source.path for source in waiting}, set(), set()
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("JOBS") or os.cpu_count())) as pool:
        for future in concurrent.futures.as_completed([pool.submit(check, g, deadline) for g in group(waiting)]):
            for looked_at, code, text in future.result():
                left -= {source.path for source in looked_at}
                place = f"{len(waiting) - len(left)}/{len(waiting)}, {(time.monotonic() - started) / 60:.1f} min"
                print(f"[{place}] {' '.join(source.path for source in looked_at)}", flush=True)
                failed |= {source.path for source in report(looked_at, code, text, seen)}
    if left:
        print(f"clang-tidy: {len(left)} files not looked at within {arguments.minutes:g} minutes:", *sorted(left), sep="\n  ")
    print(f"clang-tidy: findings in {' '.join(sorted(failed))}" if failed else "clang-tidy: nothing found")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
