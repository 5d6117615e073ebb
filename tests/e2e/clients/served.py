"""A server on a port of its own, for the tests of clients: started with the bundled model, ended with the test."""

import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import traceback
import urllib.request


class Server:
    def __init__(self, program, source, *options, environment=None, data=None, model="demo"):
        self.program, self.source, self.options, self.model = program, source, options, model
        self.folder = tempfile.TemporaryDirectory()
        self.data = data or os.path.join(self.folder.name, "data")
        self.environment = {**os.environ, "AMANUENSIS_MODELS": source + "/models", "HF_HOME": self.folder.name,
                            **(environment or {})}
        self.process = None
        self.start()

    def start(self):
        command = [self.program, "serve", "--model", self.model, "--port", "0", "--data-dir", self.data, *self.options]
        self.log = open(os.path.join(self.folder.name, "log"), "a")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, env=self.environment, text=True)
        line = self.process.stdout.readline()
        found = re.search(r"(https?)://[^ ]*:(\d+)", line)
        assert found, f"the server did not start: {line!r}\n{self.read_log()}"
        self.url = f"{found.group(1)}://127.0.0.1:{found.group(2)}"
        self.port = int(found.group(2))

    def read_log(self):
        with open(os.path.join(self.folder.name, "log")) as log:
            return log.read()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def get_json(self, path):
        with urllib.request.urlopen(self.url + path) as reply:
            return json.load(reply)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, where):
        if self.process.poll() is None:
            code = self.stop()
            if error is None:
                assert code == 0, f"the server ended with {code}\n{self.read_log()[-3000:]}"
        if error is not None:
            print(self.read_log()[-3000:], file=sys.stderr)
        self.folder.cleanup()


class RawSocket:
    """A WebSocket whose frames the test makes byte by byte."""

    def __init__(self, port, path):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        reply = b""
        while b"\r\n\r\n" not in reply:
            piece = self.socket.recv(1)
            if not piece:
                raise ConnectionError(f"the greeting broke off: {reply!r}")
            reply += piece
        assert b" 101 " in reply, reply

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data, opcode=1):
        self.socket.sendall(frame(data, opcode))

    def read(self):
        """The next frame's first byte and what it carries; nothing at the end."""
        head = self.exactly(2)
        if not head:
            return None, b""
        size = head[1] & 127
        if size > 125:
            size = int.from_bytes(self.exactly(2 if size == 126 else 8), "big")
        return head[0], self.exactly(size)

    def exactly(self, size):
        data = b""
        while len(data) < size:
            try:
                piece = self.socket.recv(size - len(data))
            except ConnectionError:
                return b""
            if not piece:
                return b""
            data += piece
        return data


def frame(data, opcode=1, first=0x80, mask=b"mask"):
    """A frame as clients send them (RFC 6455, section 5.2)."""
    size = len(data)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size) if size < 65536 else b"\xff" + struct.pack(">Q", size)
    return bytes([first | opcode]) + length + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


def recording(source):
    return source + "/models/demo/recordings/meeting.flac"


def long_recording(source, folder, times=40):
    """The recording that many times over (a minute each): work that is still going on when a client has left."""
    path = os.path.join(folder, f"long{times}.flac")
    subprocess.run(["ffmpeg", "-nostdin", "-loglevel", "error", "-stream_loop", str(times - 1), "-i", recording(source), path],
                   check=True)
    return path


def run_all(namespace, *arguments):
    """Runs every test_ function; True when all passed."""
    failed = 0
    for name, test in list(namespace.items()):
        if not name.startswith("test_"):
            continue
        try:
            test(*arguments)
            print(f"ok    {name}")
        except Exception:
            failed += 1
            print(f"FAIL  {name}")
            traceback.print_exc()
    return failed == 0
