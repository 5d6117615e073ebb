#!/usr/bin/env python3
"""Looks over what cannot be run here: units, containers, Kubernetes manifests, the dashboard.

    deployment_check.py PROGRAM SOURCE_FOLDER       through tests/e2e/clients/run.sh, which brings the linters

Besides the linters' own rules: every AMANUENSIS_ variable is one that the program knows, every metric one that it has, every
grace period longer than the drain it covers, and the scaler watches consumers that the fleet makes.
"""
import json
import pathlib
import re
import shutil
import subprocess
import sys

import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject

program = pathlib.Path(sys.argv[1])
source = pathlib.Path(sys.argv[2])
packaging = source / "packaging"
tools = pathlib.Path(sys.executable).parent
problems = []


def check(holds, what):
    if not holds:
        problems.append(what)


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=source, timeout=120)
    return done.returncode, done.stdout + done.stderr


def documents(path):
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


def everything():
    return [path for path in packaging.rglob("*") if path.is_file()]


def seconds(text):
    return int(str(text).removesuffix("s"))


def linters():
    rules = "{extends: relaxed, rules: {line-length: {max: 128}, document-start: disable}}"
    code, said = run(tools / "yamllint", "--strict", "-d", rules, *sorted(packaging.rglob("*.yaml")))
    check(code == 0, f"yamllint: {said}")
    code, said = run(tools / "hadolint", packaging / "docker/Dockerfile")
    check(code == 0, f"hadolint: {said}")
    for path in sorted((packaging / "kubernetes").glob("*.yaml")):
        if path.name in ("kustomization.yaml", "scaler.yaml"):
            continue  # not of Kubernetes itself
        code, said = run(tools / "kubernetes-validate", "--strict", path)
        check(code == 0 and "WARN" not in said, f"kubernetes-validate: {said}")


def kubernetes():
    folder = packaging / "kubernetes"
    listed = documents(folder / "kustomization.yaml")[0]["resources"]
    there = sorted(path.name for path in folder.glob("*.yaml") if path.name != "kustomization.yaml")
    check(sorted(listed) == there, f"kustomization.yaml lists {sorted(listed)}, the folder holds {there}")
    scaler = documents(folder / "scaler.yaml")[0]
    ScaledObject.model_validate(scaler)
    queue = (source / "src/fleet/nats/work_queue.cc").read_text()
    made = set(re.findall(r'"(\w+)"', re.search(r"kNames\{([^}]*)\}", queue).group(1)))
    watched = {trigger["metadata"]["consumer"] for trigger in scaler["spec"]["triggers"]}
    check(watched == made, f"the scaler watches {sorted(watched)}, the fleet makes {sorted(made)}")
    objects = {(each["kind"], each["metadata"]["name"]): each
               for path in folder.glob("*.yaml") if path.name != "kustomization.yaml" for each in documents(path)}
    target = ("Deployment", scaler["spec"]["scaleTargetRef"]["name"])
    check(target in objects, f"the scaler scales {target[1]}, which is not there")
    worker = objects[target]["spec"]["template"]["spec"]
    drain = next(each["value"] for each in worker["containers"][0]["env"] if each["name"] == "AMANUENSIS_DRAIN_TIMEOUT")
    check(worker["terminationGracePeriodSeconds"] > int(drain), "Kubernetes kills a worker before it has drained")
    for (kind, name), each in objects.items():
        check(kind == "Namespace" or each["metadata"].get("namespace") == "amanuensis", f"{kind} {name}: no namespace")
        if kind not in ("Deployment", "StatefulSet"):
            continue
        for container in each["spec"]["template"]["spec"]["containers"]:
            for reference in container.get("envFrom", []):
                kinds = {"configMapRef": "ConfigMap", "secretRef": "Secret"}
                for key, wanted in kinds.items():
                    if key in reference:
                        check((wanted, reference[key]["name"]) in objects, f"{name}: no {wanted} {reference[key]['name']}")


def compose():
    for path in (packaging / "docker").glob("*.yaml"):
        described = documents(path)[0]
        for name, service in described["services"].items():
            for volume in service.get("volumes", []):
                if isinstance(volume, str):
                    volume = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", volume).split(":")[0]
                    check(volume in described.get("volumes", {}), f"{path.name}: {name} mounts {volume}, not declared")
            for other in service.get("depends_on", {}):
                check(other in described["services"], f"{path.name}: {name} depends on {other}")
            drain = service.get("environment", {}).get("AMANUENSIS_DRAIN_TIMEOUT")
            if drain:
                check(seconds(service["stop_grace_period"]) > int(drain), f"{path.name}: {name} is killed before it drains")


def units():
    drain = int(re.search(r"^drain-timeout = (\d+)", (packaging / "worker.toml").read_text(), re.M).group(1))
    unit = (packaging / "systemd/amanuensis-worker.service").read_text()
    check(int(re.search(r"^TimeoutStopSec=(\d+)", unit, re.M).group(1)) > drain, "systemd kills a worker before it drains")
    if not shutil.which("systemd-analyze"):
        return print("deployment: no systemd-analyze here, units are not verified")
    for path in (packaging / "systemd").glob("*.service"):
        _, said = run("systemd-analyze", "verify", path)
        # The program is not installed here, nor its manual.
        said = [line for line in said.splitlines() if "not executable" not in line and "'man " not in line]
        check(not said, f"systemd-analyze: {said}")
        code, said = run("systemd-analyze", "security", "--offline=true", "--threshold=20", path)
        check(code == 0, f"systemd-analyze security: {said[-200:]}")


def arguments():
    """What containers are started with: lists that begin with a command of the program."""
    started = []
    for path in (packaging / "docker").glob("*.yaml"):
        started += [(path, each["command"]) for each in documents(path)[0]["services"].values()
                    if "command" in each and each.get("image") == "amanuensis"]
    for path in (packaging / "kubernetes").glob("*.yaml"):
        for each in documents(path):
            containers = each.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
            started += [(path, container["args"]) for container in containers if container["image"] == "amanuensis"]
    check(len(started) >= 4, "nothing is started")
    for path, (command, *options) in started:
        _, help_text = run(program, command, "--help")
        for option in options:
            check(not option.startswith("--") or re.search(rf"{option}\b", help_text),
                  f"{path.name}: {command} has no {option}")


def settings():
    known = set()
    for command in ("serve", "worker", "submit", "jobs"):
        known |= set(re.findall(r"AMANUENSIS_\w+", run(program, command, "--help")[1]))
    known |= {"AMANUENSIS_MODELS", "AMANUENSIS_ISA", "AMANUENSIS_NPU_KERNELS"}  # of every command
    for path in everything():
        # Not the build's own options, which CMake knows.
        for name in set(re.findall(r"(?<!-D)\bAMANUENSIS_\w+", path.read_text())):
            check(name in known, f"{path.relative_to(source)}: no command knows {name}")
    code, said = run(program, "serve", "--config", packaging / "config.toml", "--model", "demo", "--check-config")
    check(code == 0, f"config.toml: {said}")
    code, said = run(program, "worker", "--config", packaging / "worker.toml", "--check-config")
    check(code == 0 and "nats://127.0.0.1:4222" in said, f"worker.toml: {said}")


def dashboard():
    described = json.loads((packaging / "grafana/amanuensis.json").read_text())
    sources = "".join((source / each).read_text() for each in ("src/server/metrics/metrics.cc", "src/fleet/metrics.cc"))
    known = set(re.findall(r'"(amanuensis_\w+|process_\w+)"', sources))
    expressions = [target["expr"] for panel in described["panels"] for target in panel.get("targets", [])]
    expressions += [each["query"]["query"] for each in described["templating"]["list"] if each["type"] == "query"]
    check(len(expressions) > 20, "the dashboard is empty")
    for expression in expressions:
        for name in re.findall(r"\b(?:amanuensis|process)_\w+", expression):
            name = re.sub(r"_(bucket|sum|count)$", "", name) if "http_request_seconds" in name else name
            check(name in known, f"dashboard: there is no metric {name}")
        check(expression.count("(") == expression.count(")") and expression.count("{") == expression.count("}"),
              f"dashboard: {expression}")
    ids = [panel["id"] for panel in described["panels"]]
    check(len(ids) == len(set(ids)), "dashboard: two panels share a number")
    cells = set()
    for panel in described["panels"]:
        at = panel["gridPos"]
        for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
            check(cell not in cells and cell[0] < 24, f"dashboard: '{panel['title']}' lies on another panel")
            cells.add(cell)


for each in (linters, kubernetes, compose, units, arguments, settings, dashboard):
    each()
for problem in sorted(set(problems)):
    print(f"deployment: {problem}")
print(f"deployment: {len(everything())} files looked over, {len(set(problems))} problems")
sys.exit(1 if problems else 0)
