"""For everybody: keyboard alone, screen readers' names, contrast in both themes, a phone's width, and a strict policy."""
import importlib.util
import pathlib
import unittest
import urllib.request

from browser import DESKTOP, PHONE
from page_case import PageCase

PLACES = ("#/", "#/live", "#/device")
CONTRAST = (pathlib.Path(__file__).parent / "contrast.js").read_text()


class KeyboardTest(PageCase):
    def show(self, place):
        self.go(place)
        if place == "#/device":
            self.browser.wait(lambda: self.browser.all(".card"), "what the server says of itself", 20)

    def tab_to(self, part, most=60):
        """Presses Tab until what has the focus is called so."""
        for _ in range(most):
            self.browser.keys("Tab")
            if part in self.browser.focused():
                return
        self.fail(f"Tab never comes to {part}")

    def test_a_transcript_is_corrected_with_the_keyboard_alone(self):
        browser = self.browser
        self.open_transcript()
        browser.driver.get("about:blank")
        self.go("#/")
        browser.keys("Tab")
        self.assertIn("Skip to the content", browser.focused())
        browser.screenshot("keyboard_skip")
        self.tab_to("meeting.flac")
        browser.keys("Enter")
        browser.wait(lambda: browser.all("#export:enabled"), "the transcript", 30)
        self.assertIn("meeting.flac", browser.focused(), "the focus is on the new page's title")
        self.tab_to("transcript | Transcript")
        browser.keys("ArrowDown", "ArrowRight", "ArrowRight")
        cursor = "return document.querySelector('.cursor').closest('.segment') === document.querySelectorAll('.segment')[1]"
        self.assertTrue(browser.js(cursor))
        said = browser.one("#announcer").get_attribute("textContent")
        self.assertTrue(said.strip().startswith(browser.texts(".cursor")[0]), said)
        browser.screenshot("keyboard_cursor")
        browser.keys("Enter")
        browser.wait(lambda: browser.one(".play").get_attribute("aria-label") == "Pause", "it to play", 10)
        browser.keys(" ")
        browser.wait(lambda: browser.one(".play").get_attribute("aria-label") == "Play", "it to pause", 10)
        line = "return document.querySelector('.cursor').closest('.segment').querySelector('.segment-text').textContent"
        browser.keys("e")
        browser.wait(lambda: "textarea" in browser.focused(), "the editor", 10)
        browser.keys("Home")
        browser.type("Indeed: ")
        browser.keys("Enter")
        self.assertIn("transcript | Transcript", browser.focused(), "the focus comes back")
        self.assertIn("Indeed: ", browser.js(line))
        browser.keys("z", control=True)
        self.assertNotIn("Indeed: ", browser.js(line))
        self.tab_to("waveform")
        browser.keys("Home", "ArrowRight", "ArrowRight")
        browser.wait(lambda: browser.one(".waveform").get_attribute("aria-valuenow") == "10", "ten seconds on", 10)
        self.assertIn("10 seconds of", browser.one(".waveform").get_attribute("aria-valuetext"))

    def test_dialogs_hold_the_focus_and_give_it_back(self):
        browser = self.browser
        self.open_transcript()
        self.tab_to("export | Export")
        browser.keys("Enter")
        browser.wait(lambda: browser.all("dialog[open]"), "the dialog", 10)
        for _ in range(12):
            browser.keys("Tab")
            inside = browser.js("return document.activeElement.closest('dialog') !== null || document.activeElement === document.body")
            self.assertTrue(inside, browser.focused())
        browser.keys("Escape")
        browser.wait(lambda: not browser.all("dialog"), "the dialog to go", 10)
        self.assertIn("export", browser.focused())

    def test_tab_goes_through_every_page_and_out_again(self):
        browser = self.browser
        self.open_transcript()
        for place in (*PLACES, browser.driver.current_url.split("/", 3)[3]):
            browser.driver.get("about:blank")
            self.show(place)
            stops = []
            for _ in range(80):
                browser.keys("Tab")
                stop = browser.focused()
                if stop.startswith("body") or (stops and stop == stops[0]):
                    break
                visible = browser.js("""const box = document.activeElement.getBoundingClientRect();
                  const style = getComputedStyle(document.activeElement.closest(".search-bar") ?? document.activeElement);
                  return box.width > 0 && box.height > 0 && (style.outlineStyle !== "none" || style.boxShadow !== "none")""")
                self.assertTrue(visible, f"{place}: the focus cannot be seen on {stop}")
                stops.append(stop)
            self.assertGreater(len(stops), 8, place)
            self.assertLess(len(stops), 80, f"{place}: Tab is caught: {stops[-5:]}")


class AppearanceTest(PageCase):
    def places(self):
        self.open_transcript()
        return [("home", "#/"), ("live", "#/live"), ("device", "#/device"),
                ("transcript", self.browser.driver.current_url.split("/", 3)[3])]

    def show(self, name, place):
        self.go(place)
        if name == "device":
            self.browser.wait(lambda: self.browser.all(".card"), "what the server says of itself", 20)
        if name == "transcript":
            self.wait_for_transcript()
            self.browser.js("document.querySelectorAll('.word')[9].click()")
            self.browser.wait(lambda: self.browser.all(".heard"), "a word to be heard", 10)

    def test_text_can_be_read_in_light_and_dark(self):
        for name, place in self.places():
            for theme in ("light", "dark"):
                self.browser.theme(theme)
                self.show(name, place)
                self.browser.screenshot(f"{name}_{theme}")
                faint = self.browser.js(CONTRAST)
                self.assertEqual(faint, [], f"{name} in the {theme} theme")

    def test_axe_finds_nothing(self):
        """axe-core's rules, those of WCAG 2.2 AA and its advice beyond, on every page in both themes and two sizes."""
        folder = importlib.util.find_spec("axe_playwright_python").submodule_search_locations[0]
        axe = (pathlib.Path(folder) / "axe.min.js").read_text(encoding="utf-8")
        for name, place in self.places():
            for theme in ("light", "dark"):
                for size in (DESKTOP, PHONE):
                    self.browser.theme(theme)
                    self.browser.size(*size)
                    self.show(name, place)
                    self.assert_axe_finds_nothing(axe, f"{name}, {theme}, {size[0]} pixels wide")
        self.browser.size(*DESKTOP)
        self.browser.js("document.querySelector('.segment .edit').click()")
        self.assert_axe_finds_nothing(axe, "editor")
        self.browser.keys("Escape")
        self.browser.click("#export")
        self.assert_axe_finds_nothing(axe, "dialog")

    def assert_axe_finds_nothing(self, axe, where):
        self.browser.js(axe)
        found, passed = self.browser.driver.execute_async_script("""const done = arguments[0];
          axe.run(document).then(({violations, passes}) => done([violations.map((each) =>
            `${each.id}: ${each.help}: ${each.nodes.map((node) => node.html.slice(0, 150)).join(", ")}`), passes.length]))""")
        self.assertEqual(found, [], where)
        self.assertGreater(passed, 15, where)

    def test_the_theme_button_overrides_the_system(self):
        browser = self.browser
        self.go("#/")
        ground = "return getComputedStyle(document.documentElement).backgroundColor"
        light = browser.js(ground)
        browser.click("#theme")
        browser.click("#theme")
        dark = browser.js(ground)
        self.assertNotEqual(light, dark)
        browser.driver.refresh()
        self.assertEqual(browser.js(ground), dark, "remembered")
        browser.click("#theme")
        self.assertEqual(browser.js(ground), light)

    def test_a_phone_shows_everything_without_scrolling_sideways(self):
        browser = self.browser
        places = self.places()
        browser.size(*PHONE)
        for name, place in places:
            browser.driver.get("about:blank")
            self.show(name, place)
            browser.screenshot(f"{name}_phone")
            wide = browser.js("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
            self.assertEqual(wide, 0, f"{name} is too wide")
            small = browser.js("""return [...document.querySelectorAll("button, a, input, select, [role=slider]")]
              .map((each) => [each, each.getBoundingClientRect()])
              .filter(([each, box]) => box.width > 0 && !each.matches(".skip, input[type=checkbox]") && (box.width < 24 || box.height < 24))
              .map(([each]) => each.outerHTML.slice(0, 120))""")
            self.assertEqual(small, [], f"{name}: too small for a finger")
            outside = browser.js("""return [...document.querySelectorAll("main *, header *")]
              .filter((each) => { const box = each.getBoundingClientRect();
                return box.width > 0 && box.right > innerWidth + 1 && !each.closest(".sr-only, .table-room"); })
              .map((each) => each.outerHTML.slice(0, 120))""")
            self.assertEqual(outside, [], f"{name}: beyond the edge")

    def test_everything_has_a_name(self):
        for name, place in self.places():
            self.show(name, place)
            self.browser.cdp("Accessibility.enable")
            nodes = self.browser.cdp("Accessibility.getFullAXTree")["nodes"]
            self.browser.cdp("Accessibility.disable")
            wanted = {"button", "link", "textbox", "searchbox", "combobox", "slider", "checkbox", "progressbar", "spinbutton",
                      "meter", "dialog", "group", "navigation", "img", "image"}
            nameless = [node["role"]["value"] for node in nodes if not node["ignored"]
                        and node["role"]["value"] in wanted and not node.get("name", {}).get("value")]
            self.assertEqual(nameless, [], name)
            headings = [node for node in nodes if node["role"]["value"] == "heading" and not node["ignored"]]
            self.assertGreater(len(headings), 0, name)
            ids = self.browser.js("return [...document.querySelectorAll('[id]')].map((each) => each.id)")
            self.assertEqual(len(ids), len(set(ids)), f"{name}: an id stands twice")


class PolicyTest(PageCase):
    def test_the_policy_is_strict_and_kept(self):
        request = urllib.request.Request(f"{self.address}/", headers={"Accept": "text/html"})
        with urllib.request.urlopen(request) as reply:
            policy = reply.headers.get("Content-Security-Policy", "")
        self.assertIn("default-src 'none'", policy)
        self.assertIn("script-src 'self'", policy)
        self.assertIn("frame-ancestors 'none'", policy)
        for weak in ("unsafe", "*", "http:", "https:"):
            self.assertNotIn(weak, policy)
        self.open_transcript()
        for place in (*PLACES, self.browser.driver.current_url.split("/", 3)[3]):
            self.go(place)
            foreign = self.browser.js("""return performance.getEntriesByType("resource").map((each) => each.name)
              .filter((name) => !name.startsWith(location.origin) && !name.startsWith("blob:"))""")
            self.assertEqual(foreign, [])
            self.assertEqual(self.browser.js("""return [...document.querySelectorAll("[style], style, script:not([src])")]
              .map((each) => each.outerHTML)"""), [])


if __name__ == "__main__":
    unittest.main()
