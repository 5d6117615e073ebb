"""What all test cases of the page share: one server, one browser, and the way to a finished transcript."""
import atexit
import os
import pathlib
import shutil
import socket
import subprocess
import time
import unittest
import urllib.request

from browser import DESKTOP, RECORDING, ROOT, WORK, Browser

PROGRAM = os.environ["PAGE_TEST_PROGRAM"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`amanuensis serve` with the bundled model and a data folder of its own."""

    def __init__(self, name, *more):
        data = WORK / f"data-{name}"
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        port = free_port()
        self.address = f"http://localhost:{port}"
        self.log = (WORK / f"server-{name}.log").open("w")
        # The bundled model alone: what this machine's user has pulled plays no part.
        surroundings = {**os.environ, "AMANUENSIS_MODELS": str(ROOT / "models"), "HF_HOME": str(data / "hf")}
        command = [PROGRAM, "serve", "--port", str(port), "--data-dir", str(data), "--model", "demo", *more]
        self.process = subprocess.Popen(command, stdout=self.log, stderr=subprocess.STDOUT, env=surroundings)
        self.wait()

    def wait(self):
        end = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"{self.address}/health", timeout=5):
                    return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    said = pathlib.Path(self.log.name).read_text()[-2000:]
                    raise AssertionError(f"the server did not start: {said}") from None
                time.sleep(0.2)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


class PageCase(unittest.TestCase):
    server = None
    browser = None
    finished = None  # the address of a transcript of RECORDING

    @classmethod
    def setUpClass(cls):
        if PageCase.browser is None:
            given = os.environ.get("PAGE_TEST_ADDRESS")
            PageCase.server = None if given else Server("page")
            PageCase.address = given or PageCase.server.address
            PageCase.browser = Browser()
            atexit.register(PageCase.end)

    @classmethod
    def end(cls):
        PageCase.browser.quit()
        if PageCase.server is not None:
            PageCase.server.stop()

    def setUp(self):
        self.browser.size(*DESKTOP)
        self.browser.theme("light")

    def tearDown(self):
        # Whatever a test does, the console stays silent.
        self.assertEqual(self.browser.problems(), [])

    def go(self, place):
        self.browser.driver.get(f"{self.address}/{place}")
        self.browser.wait(lambda: self.browser.all("main h1"), "the page")

    def upload(self, path):
        """Gives one file to the page; it then shows the job."""
        self.go("#/")
        self.browser.one("#file-input").send_keys(str(path))
        self.browser.wait(lambda: "#/job/" in self.browser.driver.current_url, "the job's page")

    def wait_for_transcript(self):
        self.browser.wait(lambda: self.browser.one("#export").is_enabled(), "the transcript", 240)

    def open_transcript(self):
        """Shows the transcript of RECORDING, uncorrected; made by the first who asks."""
        if PageCase.finished is None:
            self.upload(RECORDING)
            self.wait_for_transcript()
            PageCase.finished = self.browser.driver.current_url
        self.go("#/")
        self.browser.js("""const open = indexedDB.open("amanuensis");
          return new Promise((done) => { open.onsuccess = () => {
            const work = open.result.transaction("transcripts", "readwrite");
            work.objectStore("transcripts").clear();
            work.oncomplete = () => { open.result.close(); done(); };
          }; })""")
        self.browser.driver.get("about:blank")
        self.browser.driver.get(PageCase.finished)
        self.wait_for_transcript()
        self.browser.wait(lambda: not self.browser.all(".missing:not([hidden])"), "the recording")
