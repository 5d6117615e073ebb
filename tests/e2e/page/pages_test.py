"""The other pages: live captions, the list of transcripts, options, the device, and what happens without a key."""
import subprocess
import unittest
import urllib.request

from browser import RECORDING, WORK, media
from page_case import PROGRAM, PageCase, Server


class LiveTest(PageCase):
    def test_captions_come_while_the_microphone_hears(self):
        browser = self.browser
        self.go("#/live")
        browser.click("#live-toggle")
        browser.wait(lambda: browser.one("#live-toggle").text == "Stop", "it to listen", 30)
        browser.wait(lambda: browser.one(".captions").text.strip() != "", "the first words", 60)
        browser.wait(lambda: browser.texts(".finals p"), "words that stay", 90)
        browser.screenshot("live_listening")
        browser.click("#live-toggle")
        browser.wait(lambda: browser.all(".after a"), "the end", 60)
        said = " ".join(browser.texts(".finals p")).lower()
        self.assertRegex(said, "boston|cloudy|chicago|jack|review|kitchen|train")
        self.assertEqual(browser.texts(".partial"), [""])
        browser.click(".after a")
        self.wait_for_transcript()
        browser.wait(lambda: not browser.all(".missing:not([hidden])"), "the recording", 20)
        self.assertEqual(" ".join(browser.texts(".segment-text")).lower().split(), said.split())
        self.assertIn("Captions 20", browser.one("main h1").text)
        self.go("#/")
        self.assertTrue(any(name.startswith("Captions 20") for name in browser.texts(".job-name")))


class ListTest(PageCase):
    def test_transcripts_are_listed_after_a_reload_and_can_be_removed(self):
        browser = self.browser
        self.upload(media("passing.flac", "-t", "4"))
        self.wait_for_transcript()
        self.go("#/")
        row = "//li[contains(@class, 'job')][.//span[text()='passing.flac']]"
        found = browser.wait(lambda: browser.driver.find_elements("xpath", row), "the transcript in the list", 20)
        self.assertEqual(found[0].get_attribute("data-status"), "done")
        browser.js("window.confirm = () => true; arguments[0].querySelector('.remove').click()", found[0])
        browser.wait(lambda: not browser.driver.find_elements("xpath", row), "it to go", 20)
        browser.driver.refresh()
        browser.wait(lambda: browser.all("main h1"), "the page", 20)
        self.assertFalse(browser.driver.find_elements("xpath", row))

    def test_a_job_is_cancelled(self):
        browser = self.browser
        long = media("very_long.flac", "-filter_complex", "[0:a]aloop=loop=40:size=3000000,atrim=duration=2400")
        self.upload(long)
        remove = browser.wait(lambda: browser.one(".job .remove[title=Cancel]"), "the cancel button", 20)
        browser.js("arguments[0].click()", remove)
        browser.wait(lambda: browser.all(".job[data-status=cancelled]"), "the job to be cancelled", 30)
        browser.wait(lambda: "cancelled" in browser.one(".state").text, "the page to say so", 20)

    def test_an_address_without_a_transcript_says_so(self):
        self.go("#/job/job_that_never_was")
        self.browser.wait(lambda: self.browser.all(".state.problem"), "the message", 20)
        self.assertEqual(self.browser.one(".state.problem").text, "There is no such transcript.")
        # The browser's console tells of the 404 by itself.
        self.browser.problems()


class OptionsTest(PageCase):
    def test_what_is_chosen_is_sent_and_remembered(self):
        browser = self.browser
        self.go("#/")
        browser.wait(lambda: "demo" in browser.one("#option-model").text, "the server's models", 20)
        for name, value in (("language", "en"), ("task", "transcribe"), ("prompt", "Boston, Chicago")):
            browser.js("""const input = document.getElementById(`option-${arguments[0]}`);
              input.value = arguments[1]; input.dispatchEvent(new Event("change"))""", name, value)
        browser.click("#option-vad_filter")
        self.upload(media("optioned.flac", "-t", "4"))
        self.wait_for_transcript()
        options = browser.js("""return fetch(location.hash.replace("#/job/", "/v1/jobs/")).then((reply) => reply.json())
          .then((job) => job.options)""")
        self.assertEqual(options["language"], "en")
        self.assertEqual(options["prompt"], "Boston, Chicago")
        self.assertTrue(options["word_timestamps"])
        self.assertFalse(options["vad_filter"])
        self.go("#/")
        self.assertEqual(browser.one("#option-language").get_attribute("value"), "en")
        self.assertFalse(browser.one("#option-vad_filter").is_selected())
        browser.js("localStorage.removeItem('amanuensis.options')")


class DeviceTest(PageCase):
    def test_kernels_and_speed_are_those_of_the_server(self):
        browser = self.browser
        self.open_transcript()
        self.go("#/device")
        browser.wait(lambda: browser.all(".card tbody tr"), "the stages", 20)
        status = browser.js("return fetch('/status').then((reply) => reply.json())")
        shown = browser.one(".cards").text
        self.assertIn(status["hardware"]["name"], shown)
        rows = browser.js("""return [...document.querySelectorAll(".card tbody tr")]
          .map((row) => [...row.children].map((cell) => cell.textContent))""")
        encoder = next(row for row in rows if row[0] == "Encoder")
        self.assertEqual(encoder[1:3], [status["hardware"]["kernels"], status["hardware"]["device"]])
        self.assertRegex(encoder[3], r"^\d+ ms$|^\d+\.\d s$|:")
        self.assertNotEqual(encoder[3], "0 ms", "the encoder has worked")
        browser.wait(lambda: "now" in browser.one(".chart").get_attribute("aria-label"), "the speed over time", 20)
        browser.screenshot("device")


class NpuTest(PageCase):
    def test_the_page_says_what_the_npu_does(self):
        browser = self.browser
        simulated = Server("npu", "--device", "npu-sim")
        try:
            with RECORDING.open("rb") as file:
                request = urllib.request.Request(f"{simulated.address}/v1/jobs", method="POST", headers={
                    "Content-Type": "multipart/form-data; boundary=XX"}, data=b'--XX\r\nContent-Disposition: form-data; name="file"; '
                    b'filename="a.flac"\r\n\r\n' + file.read() + b"\r\n--XX--\r\n")
            urllib.request.urlopen(request).close()
            browser.driver.get(f"{simulated.address}/#/device")
            rows = lambda: browser.js("""return [...document.querySelectorAll(".card tbody tr")]
              .map((row) => [...row.children].map((cell) => cell.textContent))""")
            encoder = lambda: next((row for row in rows() if row[0] == "Encoder" and row[3] != "0 ms"), None)
            browser.wait(lambda: encoder() and any(row[0] == "Encoder block" and int(row[1]) > 0 for row in rows()), "the NPU's work", 60)
            self.assertEqual(encoder()[1:3], ["NPU", "npu-sim"])
            self.assertTrue(any(row[0] == "encoder_block" and row[1] == "ready" and int(row[2]) > 0 for row in rows()), rows())
            self.assertIn("simulated", browser.one(".cards").text)
            browser.screenshot("device_npu")
        finally:
            browser.driver.get("about:blank")
            simulated.stop()


class KeyTest(PageCase):
    def setUp(self):
        super().setUp()
        self.keyed = None

    def tearDown(self):
        # The browser's console tells of every 401.
        self.browser.problems()
        if self.keyed is not None:
            self.keyed.stop()

    def test_a_server_with_keys_is_asked_with_one(self):
        browser = self.browser
        keys = WORK / "keys"
        keys.unlink(missing_ok=True)
        made = subprocess.run([PROGRAM, "keys", "new", "tester", "--file", str(keys)], check=True, capture_output=True, text=True)
        self.keyed = Server("keyed", "--key-file", str(keys))
        browser.driver.get(f"{self.keyed.address}/#/")
        browser.wait(lambda: browser.all("#api-key"), "the question for the key", 20)
        browser.screenshot("key")
        browser.type("a wrong one")
        browser.keys("Enter")
        browser.wait(lambda: "does not accept" in browser.one("dialog").text, "the question again", 20)
        browser.type(made.stdout.strip())
        browser.keys("Enter")
        browser.wait(lambda: "demo" in browser.one("#option-model").text, "the models", 20)
        browser.one("#file-input").send_keys(str(RECORDING))
        self.wait_for_transcript()
        browser.wait(lambda: browser.all(".waveform:not([hidden])"), "the recording", 20)


if __name__ == "__main__":
    unittest.main()
