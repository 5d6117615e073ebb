"""The page's pure modules, tested where they run: modules.html in the browser, served from the source tree."""
import functools
import http.server
import pathlib
import threading
import unittest

from browser import ROOT
from page_case import PageCase

HERE = pathlib.Path(__file__).resolve().parent


class Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


class ModulesTest(PageCase):
    def test_all_checks_hold(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=ROOT))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            page = (HERE / "modules.html").relative_to(ROOT)
            self.browser.driver.get(f"http://127.0.0.1:{server.server_port}/{page}")
            result = self.browser.wait(lambda: self.browser.js("return window.results"), "the checks", 60)
        finally:
            server.shutdown()
            server.server_close()
        self.assertEqual(result["failed"], [])
        self.assertGreater(result["passed"], 25)


if __name__ == "__main__":
    unittest.main()
