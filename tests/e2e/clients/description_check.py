"""The description at /openapi.json against the running server, by schemathesis."""

import os
import subprocess
import sys

from served import Server

PROGRAM, SOURCE = sys.argv[1], sys.argv[2]
EXAMPLES = os.environ.get("DESCRIPTION_EXAMPLES", "12")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"

with Server(PROGRAM, SOURCE) as server:
    # A conversation is no request and a reply; downloads would leave this machine.
    command = [sys.executable.rsplit("/", 1)[0] + "/schemathesis",
               "run", server.url + "/openapi.json", "--checks", CHECKS, "--max-examples", EXAMPLES, "--seed", "1",
               "--exclude-path", "/v1/realtime", "--exclude-path", "/ws/transcribe", "--exclude-path", "/v1/models/pull",
               "--phases", "examples,coverage,fuzzing", "--request-timeout", "60"]
    code = subprocess.run(command, cwd=server.folder.name).returncode
sys.exit(code)
