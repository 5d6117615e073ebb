#!/usr/bin/env python3
"""An S3 emulator (moto) behind doors that check every signature with AWS's own library, and runs the tests against it.

    emulator.py PROGRAM SOURCE_FOLDER        through tests/e2e/clients/run.sh, which brings moto and boto3

Two doors lead to one emulator. The `checked` one refuses requests whose signature botocore does not compute alike. The
`flaky` one does so, too, and breaks: it hangs up before or within answers, says SlowDown, and is not there for a while.
PROGRAM gets their addresses as variables; what it left in the bucket is looked at through boto3 afterwards.
"""
import hashlib
import http.client
import http.server
import itertools
import logging
import os
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.parse

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from moto.server import ThreadedMotoServer

KEYS = {"AKIDEXAMPLE": ("wJalrXUtnFEMI/K7MDENG", None), "ASIDEXAMPLE": ("temporary", "a/session+token==")}
BUCKET = "calls"


def problem(code, message=""):
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


def refusal(method, url, headers, body):
    """The S3 code that a wrongly signed request gets, or None."""
    authorization = headers.get("Authorization", "")
    if not authorization.startswith("AWS4-HMAC-SHA256 "):
        return "AccessDenied"
    fields = dict(part.strip().split("=", 1) for part in authorization.split(" ", 1)[1].split(","))
    access_key, _, region, service, _ = fields["Credential"].split("/")
    if access_key not in KEYS:
        return "InvalidAccessKeyId"
    secret, token = KEYS[access_key]
    if headers.get("x-amz-security-token") != token:
        return "InvalidToken"
    if headers.get("x-amz-content-sha256") != hashlib.sha256(body).hexdigest():
        return "XAmzContentSHA256Mismatch"
    signed = {name: headers[name] for name in fields["SignedHeaders"].split(";")}
    must = {"host"} | {name.lower() for name in headers if name.lower().startswith("x-amz-")}
    if not must <= set(signed):
        return "AccessDenied"
    request = AWSRequest(method=method, url=url, data=body, headers=signed)
    request.context["timestamp"] = headers["x-amz-date"]
    auth = S3SigV4Auth(Credentials(access_key, secret, token), service, region)
    to_sign = auth.string_to_sign(request, auth.canonical_request(request))
    return None if auth.signature(to_sign, request) == fields["Signature"] else "SignatureDoesNotMatch"


class Door(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, emulator, flaky):
        super().__init__(("127.0.0.1", 0), Visit)
        self.emulator = emulator
        self.flaky = flaky
        self.count = itertools.count(1)
        self.faults = 0
        self.closed_until = 0.0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        pass  # connections that are cut on purpose


class Visit(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def hang_up(self):
        self.server.faults += 1
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset
        self.close_connection = True
        self.connection.close()

    def answer(self, status, headers, body, cut_after=None):
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        length = dict((n.lower(), v) for n, v in headers).get("content-length", str(len(body)))
        self.send_header("Content-Length", length if self.command == "HEAD" else str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body[:cut_after])
        if cut_after is not None:
            self.wfile.flush()
            time.sleep(0.05)  # so that what was sent arrives before the reset
            self.hang_up()

    def visit(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        door = self.server
        turn = next(door.count) if door.flaky else 0
        if door.flaky and time.monotonic() < door.closed_until:
            return self.hang_up()
        if turn and turn % 23 == 0:  # not there for a while
            door.closed_until = time.monotonic() + 0.5
            return self.hang_up()
        if turn and turn % 5 == 1:
            door.faults += 1
            return self.answer(503, [("Content-Type", "application/xml")], problem("SlowDown", "Reduce your request rate."))
        if turn and turn % 7 == 3:
            return self.hang_up()
        code = refusal(self.command, door.url + self.path, self.headers, body)
        if code is not None:
            return self.answer(403, [("Content-Type", "application/xml")], problem(code))
        inner = http.client.HTTPConnection("127.0.0.1", door.emulator)
        inner.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            inner.putheader(name, value)
        inner.endheaders(body)
        reply = inner.getresponse()
        content = reply.read()
        inner.close()
        # Done, but the answer does not arrive. (An upload in parts whose name is lost is nobody's, with any client.)
        lost = turn and turn % 7 == 5 and self.command in ("PUT", "POST") and not self.path.endswith("?uploads=")
        if lost:
            return self.hang_up()
        cut = min(len(content) // 2, 700_000) if turn and self.command == "GET" and len(content) > 1_000_000 else None
        return self.answer(reply.status, reply.getheaders(), content, cut if turn % 3 else None)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = visit


def main():
    program = sys.argv[1]
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    emulator = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    emulator.start()
    port = emulator.get_host_and_port()[1]
    s3 = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", aws_access_key_id="x",
                      aws_secret_access_key="x", config=Config(s3={"addressing_style": "path"}))
    s3.create_bucket(Bucket=BUCKET)
    for number in range(1103):
        s3.put_object(Bucket=BUCKET, Key=f"many/{number:04}.wav", Body=b"x" * (number % 7))
    s3.put_object(Bucket=BUCKET, Key="foreign/by boto+3 ü.txt", Body=b"written by somebody else")
    checked, flaky = Door(port, False), Door(port, True)
    variables = {"AMANUENSIS_TEST_S3": checked.url, "AMANUENSIS_TEST_S3_FLAKY": flaky.url,
                 "AMANUENSIS_TEST_S3_BUCKET": BUCKET}
    if subprocess.run([program, *sys.argv[3:]], env={**os.environ, **variables}).returncode != 0:
        return 1

    def content(key):
        return s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()

    assert content("ours/ü b+c%20/&=?#;.json") == b'{"text": "\xc3\xbc"}', "what was written is not what is there"
    for door in ("checked", "flaky"):
        large = bytes(i * 31 % 251 for i in range(251)) * 52_000
        assert hashlib.sha256(content(f"{door}/large.bin")).digest() == hashlib.sha256(large).digest(), door
        etag = s3.head_object(Bucket=BUCKET, Key=f"{door}/large.bin")["ETag"]
        assert etag.endswith('-3"'), f"not sent in parts: {etag}"
    left = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    assert not left, f"parts were left behind: {left}"
    assert flaky.faults > 20, f"only {flaky.faults} faults: the flaky door was not used"
    print(f"emulator: {flaky.faults} faults on the way, nothing lost, no part left behind")
    emulator.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
