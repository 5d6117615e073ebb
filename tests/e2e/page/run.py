#!/usr/bin/env python3
"""Runs the page's browser tests against the program's own server.

  run.py --program build/amanuensis --work build/page_tests [--only NAME ...]

Needs Debian's chromium and chromium-driver and, from PyPI, selenium and axe-core (put into a virtual environment below the work
folder). Where they cannot be had it prints why and exits with 77, which ctest counts as skipped. Screenshots are left in
the work folder's screenshots/.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import venv

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77
SELENIUM = "selenium>=4.20,<5"
# Brings axe-core, the rules for accessible pages, as one file of JavaScript; what else it needs is not used.
AXE = "axe-playwright-python>=0.1.4"


def skip(reason):
    print(f"SKIPPED: {reason}")
    sys.exit(SKIPPED)


def environment(folder):
    """The Python of a virtual environment that has selenium; made on first use."""
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    stamp = folder / "installed"
    if stamp.exists() and stamp.read_text() == SELENIUM + AXE:
        return python
    for options in ([SELENIUM], ["--no-deps", AXE]):
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options]
        installed = subprocess.run(command, capture_output=True, text=True)
        if installed.returncode != 0:
            lines = installed.stderr.strip().splitlines()
            skip(f"{options[-1]} cannot be installed from PyPI: {lines[-1] if lines else 'pip failed'}")
    stamp.write_text(SELENIUM + AXE)
    return python


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--only", nargs="*", default=[], help="names of test cases or methods")
    arguments = parser.parse_args()
    for program, package in [("chromium", "chromium"), ("chromedriver", "chromium-driver"), ("ffmpeg", "ffmpeg")]:
        if shutil.which(program) is None:
            skip(f"{program} is not installed (Debian's {package}; tools/setup.sh test installs it)")
    arguments.work = arguments.work.resolve()
    arguments.work.mkdir(parents=True, exist_ok=True)
    python = environment(arguments.work / "venv")
    surroundings = {
        **os.environ,
        "PAGE_TEST_PROGRAM": str(pathlib.Path(arguments.program).resolve()),
        "PAGE_TEST_WORK": str(arguments.work),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    selected = [option for name in arguments.only for option in ("-k", name)]
    command = [python, "-m", "unittest", "discover", "--verbose", "--start-directory", HERE, "--pattern", "*_test.py"]
    sys.exit(subprocess.run([*command, *selected], env=surroundings, cwd=HERE).returncode)


if __name__ == "__main__":
    main()
