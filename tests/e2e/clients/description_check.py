"""The description at /openapi.json against the running server: by schemathesis, which makes requests up, and by real
requests whose replies must have the described shape and whose fields must be described."""

import os
import subprocess
import sys

import jsonschema
import requests

from served import Server, recording, run_all

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]
EXAMPLES = os.environ.get("DESCRIPTION_EXAMPLES", "12")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
with open(recording(SOURCE), "rb") as opened:
    DATA = opened.read()


def test_made_up_requests(server):
    # A conversation is no request and a reply; downloads would leave this machine.
    command = [sys.executable.rsplit("/", 1)[0] + "/schemathesis",
               "run", server.url + "/openapi.json", "--checks", CHECKS, "--max-examples", EXAMPLES, "--seed", "1",
               "--exclude-path", "/v1/realtime", "--exclude-path", "/ws/transcribe", "--exclude-path", "/v1/models/pull",
               "--phases", "examples,coverage,fuzzing", "--request-timeout", "60"]
    assert subprocess.run(command, cwd=server.folder.name).returncode == 0


def strict(schema):
    """The same, with no member allowed that it does not name."""
    if isinstance(schema, list):
        return [strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: strict(value) for name, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    return closed


def test_real_replies(server):
    description = server.get_json("/openapi.json")
    components = strict(description["components"])

    def check(method, path, reply, what=""):
        said = description["paths"][path][method]["responses"][str(reply.status_code)]["content"]
        kind = reply.headers["Content-Type"].split(";")[0]
        assert kind in said, (path, kind)
        if kind == "application/json":
            schema = {**strict(said[kind]["schema"]), "components": components}
            errors = [error.message[:300] for error in jsonschema.Draft202012Validator(schema).iter_errors(reply.json())]
            assert not errors, (method, path, what, errors[:2])

    def post(path, **fields):
        described = description["paths"][path]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]
        assert set(fields) <= set(described), (path, set(fields) - set(described))
        reply = requests.post(server.url + path, files={"file": ("a.flac", DATA)}, data=fields)
        check("post", path, reply, fields)
        return reply

    path = "/v1/audio/transcriptions"
    for fields in ({}, {"include[]": "logprobs"}, {"response_format": "verbose_json", "timestamp_granularities[]": ["word", "segment"]},
                   {"response_format": "diarized_json", "num_speakers": "2"}, {"response_format": "srt"}, {"response_format": "text"},
                   {"response_format": "verbose_json", "enable_diarization": "true", "min_speakers": "1", "max_speakers": "3"},
                   {"chunking_strategy": "auto"}):
        assert post(path, **fields).ok, fields
    assert post(path, response_format="xml").status_code == 400
    assert post("/transcribe", enable_diarization="true", max_speakers="2").ok
    job = post("/v1/jobs", diarization="true", min_speakers="2").json()["id"]
    while server.get_json(f"/v1/jobs/{job}")["status"] != "done":
        pass
    for path in ("/v1/jobs/{id}", "/v1/jobs/{id}/result", "/progress/{job_id}"):
        real = path.replace("{id}", job).replace("{job_id}", job)
        for query in ("", "?format=verbose_json") if path.endswith("result") else ("",):
            check("get", path, requests.get(server.url + real + query), query)
    for path in ("/status", "/models", "/v1/models", "/v1/jobs", "/health", "/ready", "/"):
        check("get", path, requests.get(server.url + path))
    check("delete", "/v1/jobs/{id}", requests.delete(f"{server.url}/v1/jobs/{job}"))


with Server(PROGRAM, SOURCE) as shared:
    passed = run_all(globals(), shared)
sys.exit(0 if passed else 1)
