"""From a file to a corrected transcript: upload, progress, playback, editing, speakers, search, export."""
import json
import re
import unittest

from browser import RECORDING, media
from page_case import PageCase

EDITOR = ".segment-editor textarea"


class UploadTest(PageCase):
    def test_a_file_is_sent_and_its_progress_is_shown(self):
        browser = self.browser
        # Long enough to be watched on a fast machine.
        long = media("long.flac", "-filter_complex", "[0:a]" * 20 + "concat=n=20:v=0:a=1")
        self.go("#/")
        # Every state the list shows, as it changes.
        browser.js("""window.seen = []; window.shares = [];
          new MutationObserver(() => {
            const row = document.querySelector(".job");
            const text = row?.querySelector(".job-status").textContent;
            if (text && window.seen.at(-1) !== text) window.seen.push(text);
            const bar = row?.querySelector("progress");
            if (row?.dataset.status === "running" && bar?.hasAttribute("value")) window.shares.push(bar.value);
          }).observe(document.body, {subtree: true, childList: true, characterData: true, attributes: true})""")
        browser.one("#file-input").send_keys(str(long))
        browser.wait(lambda: "#/job/" in browser.driver.current_url, "the job's page")
        browser.wait(lambda: browser.all(".job[data-status=running]"), "the job to run", 120)
        browser.wait(lambda: browser.all(".segment"), "the first words, before the job is done", 120)
        browser.screenshot("running")
        self.wait_for_transcript()
        seen, shares = browser.js("return [window.seen, window.shares]")
        self.assertTrue(any(re.match(r"Transcribing \d+ %", text) for text in seen), seen)
        self.assertEqual(shares, sorted(shares), "progress never goes back")
        self.assertGreater(len({share for share in shares if 0 < share < 1}), 1, "progress has steps in between")
        self.assertGreater(len(browser.texts(".word")), 50)
        self.assertIn("22:38", browser.one(".facts").text, "how long the recording is")

    def test_a_file_that_is_no_recording_is_said_to_be_none(self):
        path = media("notes.wav", "-t", "1").with_suffix(".txt")
        path.write_text("no sound in here")
        self.upload(path)
        self.browser.wait(lambda: self.browser.all(".state.problem"), "the reason", 60)
        self.assertIn("could not be transcribed", self.browser.one(".state.problem").text)

    def test_a_folder_is_dropped(self):
        browser = self.browser
        folder = media("short.flac", "-t", "4").parent / "folder"
        (folder / "inner").mkdir(parents=True, exist_ok=True)
        for name in ("one.flac", "inner/two.flac"):
            (folder / name).write_bytes(media("short.flac", "-t", "4").read_bytes())
        (folder / "reading.txt").write_text("not for the ears")
        self.go("#/")
        at = {"x": 400, "y": 280, "data": {"items": [], "files": [str(folder)], "dragOperationsMask": 1}}
        browser.cdp("Input.dispatchDragEvent", type="dragEnter", **at)
        browser.wait(lambda: browser.all(".drop-zone.dragged"), "the drop zone to show that it takes files", 10)
        browser.cdp("Input.dispatchDragEvent", type="dragOver", **at)
        browser.cdp("Input.dispatchDragEvent", type="drop", **at)
        done = ".job[data-status=done] .job-name"
        browser.wait(lambda: {"one.flac", "two.flac"} <= set(browser.texts(done)), "both transcripts", 120)
        self.assertNotIn("reading.txt", browser.texts(".job-name"))
        self.assertFalse(browser.all(".dragged"))

    def test_the_microphone_is_recorded(self):
        browser = self.browser
        self.go("#/")
        browser.click(".recorder button")
        browser.wait(lambda: browser.one(".recorder button").text == "Stop · 0:04", "four seconds", 30)
        self.assertGreater(float(browser.one(".recorder meter").get_attribute("value")), 0)
        browser.click(".recorder button")
        browser.wait(lambda: "#/job/" in browser.driver.current_url, "the job's page")
        self.wait_for_transcript()
        self.assertIn("Recording 20", browser.one("main h1").text)


class TranscriptTest(PageCase):
    def setUp(self):
        super().setUp()
        self.open_transcript()

    def time(self):
        return int(self.browser.one(".waveform").get_attribute("aria-valuenow"))

    def edit(self, line, text):
        """Corrects a line by double click and Enter."""
        self.browser.js("""document.querySelectorAll(".segment-text")[arguments[0]]
          .dispatchEvent(new MouseEvent("dblclick", {bubbles: true}))""", line)
        self.browser.wait(lambda: self.browser.all(EDITOR), "the editor", 10)
        self.browser.js("arguments[0].select()", self.browser.one(EDITOR))
        self.browser.type(text)
        self.browser.keys("Enter")
        self.browser.wait(lambda: not self.browser.all(EDITOR), "the editor to close", 10)

    def lines(self):
        return self.browser.texts(".segment-text")

    def test_playback_and_transcript_go_together(self):
        browser = self.browser
        words = browser.all(".word")
        count = len(words)
        at = count // 2
        words[at].click()
        browser.wait(lambda: "heard" in browser.all(".word")[at].get_attribute("class"), "the word to be heard", 10)
        heard = "return [...document.querySelectorAll('.word')].findIndex((word) => word.classList.contains('heard'))"
        self.assertIn(browser.js(heard), (at, at + 1, at + 2))
        began = self.time()
        self.assertGreater(began, 5, "the middle of the recording")
        browser.screenshot("playback")
        browser.wait(lambda: browser.js(heard) > at + 3, "the words to follow", 30)
        self.assertEqual(browser.one(".play").get_attribute("aria-label"), "Pause")
        browser.click(".play")
        stopped = browser.js(heard)
        self.assertGreaterEqual(self.time(), began)
        # A place in the outline is a place in the recording.
        browser.js("arguments[0].focus()", browser.one(".waveform"))
        browser.keys("Home")
        browser.wait(lambda: self.time() == 0, "the beginning", 10)
        browser.wait(lambda: browser.js(heard) < stopped, "the words to go back", 10)
        browser.keys("ArrowRight")
        browser.wait(lambda: self.time() == 5, "five seconds on", 10)
        outline = browser.wait(lambda: browser.js("""const canvas = document.querySelector(".waveform canvas");
          const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
          const tall = new Set();
          for (let x = 0; x < canvas.width; x += 3) {
            let filled = 0;
            for (let y = 0; y < canvas.height; ++y) if (data[4 * (y * canvas.width + x) + 3] > 0) filled += 1;
            tall.add(filled);
          }
          return tall.size > 8 ? tall.size : 0"""), "the outline", 20)
        self.assertGreater(outline, 8, "bars of many heights")

    def test_text_is_edited_and_the_edit_undone(self):
        browser = self.browser
        before = self.lines()
        new = "Entirely <b>other</b> & better words."
        self.edit(1, new)
        self.assertEqual(self.lines()[1], new)
        self.assertFalse(browser.all(".segment-text b"), "text stays text")
        self.assertEqual(browser.one("#undo").get_attribute("aria-label"), "Undo: correct text")
        browser.keys("z", control=True)
        self.assertEqual(self.lines(), before)
        browser.keys("z", control=True, shift=True)
        self.assertEqual(self.lines()[1], new)
        browser.click("#undo")
        self.assertEqual(self.lines(), before)
        browser.click("#redo")
        self.assertEqual(self.lines()[1], new)
        # Whoever closes the page has not lost the last correction.
        for number in range(3):
            newest = f"Correction {number}."
            self.edit(1, newest)
            browser.driver.refresh()
            self.wait_for_transcript()
            self.assertEqual(self.lines()[1], newest, "corrections are there after a reload")
        # The way back is there even then, and can be taken back.
        browser.click("#revert")
        browser.wait(lambda: self.lines() == before, "what was heard", 10)
        self.assertFalse(browser.one("#revert").is_displayed())
        browser.keys("z", control=True)
        self.assertEqual(self.lines()[1], newest)
        self.assertTrue(browser.one("#revert").is_displayed())
        browser.click("#revert")
        browser.wait(lambda: self.lines() == before, "what was heard", 10)
        browser.driver.refresh()
        self.wait_for_transcript()
        self.assertEqual(self.lines(), before)

    def test_escape_gives_an_edit_up_and_an_empty_line_goes(self):
        browser = self.browser
        before = self.lines()
        browser.js("document.querySelectorAll('.segment .edit')[0].click()")
        browser.js("arguments[0].select()", browser.wait(lambda: browser.one(EDITOR), "the editor", 10))
        browser.type("never mind")
        browser.keys("Escape")
        self.assertEqual(self.lines(), before)
        self.edit(0, " ")
        self.assertEqual(self.lines(), before[1:])

    def test_speakers_are_named_and_exported(self):
        browser = self.browser
        for line in (0, 1):
            browser.js("document.querySelectorAll('.segment .edit')[arguments[0]].click()", line)
            choice = browser.wait(lambda: browser.one(".segment-editor select"), "the editor", 10)
            browser.js("""arguments[0].value = [...arguments[0].options].find((each) => each.text === arguments[1]).value""",
                       choice, "New speaker" if line == 0 else "Speaker 1")
            browser.click(".segment-editor .primary")
        self.assertEqual(browser.texts(".chip"), ["Speaker 1"])
        self.assertEqual(browser.texts(".turn"), ["Speaker 1"], "one turn of two lines")
        browser.click(".chip")
        browser.wait(lambda: browser.all("#speaker-name"), "the dialog", 10)
        browser.screenshot("rename")
        browser.type("Ada <i>&</i> Co")
        browser.keys("Enter")
        browser.wait(lambda: browser.texts(".chip") == ["Ada <i>&</i> Co"], "the new name", 10)
        self.assertIn("chip", browser.focused(), "the focus is where it was")
        browser.screenshot("speakers")
        self.edit(0, "First & <foremost>.")
        files = self.export_all()
        self.assertTrue(files["txt"].startswith("Ada <i>&</i> Co: First & <foremost>.\n"), files["txt"][:100])
        self.assertRegex(files["srt"], r"^1\n\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}\nAda <i>&</i> Co: First")
        self.assertRegex(files["vtt"], r"^WEBVTT\n\n\d\d:\d\d:\d\d\.\d{3} --> .*\n<v Ada &lt;i&gt;&amp;&lt;/i&gt; Co>First &amp; &lt;")
        parsed = json.loads(files["json"])
        self.assertEqual(parsed["segments"][0]["speaker"], "Ada <i>&</i> Co")
        self.assertEqual(len(parsed["segments"]), len(self.lines()))
        self.assertIn("<b>Ada &lt;i&gt;&amp;&lt;/i&gt; Co</b>", files["html"])
        self.assertNotIn("<i>", files["html"])
        browser.click("#undo")
        browser.click("#undo")
        self.assertEqual(browser.texts(".chip"), ["Speaker 1"])

    def export_all(self):
        files = {}
        for name in ("txt", "srt", "vtt", "json", "html"):
            self.browser.click("#export")
            self.browser.wait(lambda: self.browser.all("dialog[open] .row-button"), "the export dialog", 10)
            if name == "txt":
                self.browser.screenshot("export")
            self.browser.click(f".row-button[data-format={name}]")
            files[name] = self.browser.downloaded(f"meeting.{name}")
            (self.browser.downloads / f"meeting.{name}").unlink()
        return files

    def test_search_counts_and_goes_from_one_to_the_next(self):
        browser = self.browser
        self.edit(0, "A needle here.")
        self.edit(3, "Two: a Needle, and a NÉEDLE.")
        browser.js("document.querySelector('.search-bar input').focus()")
        browser.type("needle")
        browser.wait(lambda: browser.one(".search-bar .count").text == "1 of 3", "three matches", 10)
        self.assertEqual(browser.texts(".hit"), ["needle", "Needle,", "NÉEDLE."])
        browser.keys("Enter")
        self.assertEqual(browser.texts(".hit-now"), ["Needle,"])
        browser.keys("Enter", shift=True)
        self.assertEqual(browser.texts(".hit-now"), ["needle"])
        browser.screenshot("search")
        browser.type(" nowhere")
        browser.wait(lambda: browser.one(".search-bar .count").text == "None", "no match", 10)

    def test_words_the_model_was_unsure_of_are_tinted(self):
        shares = self.browser.js("""return fetch(location.hash.replace("#/job/", "/v1/jobs/") + "/result?format=json")
          .then((reply) => reply.json())
          .then((result) => result.segments.flatMap((segment) => segment.words.map((word) => word.probability)))""")
        expected = sum(share < 0.6 for share in shares)
        self.assertEqual(len(self.browser.all(".word.unsure")), expected)


if __name__ == "__main__":
    unittest.main()
