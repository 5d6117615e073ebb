"""A headless Chromium whose microphone is a WAV file, and what the tests do with it."""
import hashlib
import os
import pathlib
import shutil
import subprocess
import time

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

ROOT = pathlib.Path(__file__).resolve().parents[3]
WORK = pathlib.Path(os.environ["PAGE_TEST_WORK"])
RECORDING = ROOT / "models" / "demo" / "recordings" / "meeting.flac"
DESKTOP = (1280, 800)
PHONE = (360, 740)


def media(name, *arguments):
    """A file that ffmpeg makes of the bundled recording; made once, and again with other arguments."""
    kind = hashlib.sha256("\n".join(arguments).encode()).hexdigest()[:8]
    path = WORK / "media" / kind / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-i", RECORDING, *arguments, path]
        subprocess.run(command, check=True)
    return path


class Browser:
    """Chromium through chromedriver. quit() ends it."""

    def __init__(self):
        self.downloads = WORK / "downloads"
        shutil.rmtree(self.downloads, ignore_errors=True)
        self.downloads.mkdir(parents=True)
        (WORK / "screenshots").mkdir(exist_ok=True)
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        flags = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=%d,%d" % DESKTOP,
                 "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
                 f"--use-file-for-fake-audio-capture={media('microphone.wav', '-ar', '48000')}",
                 "--autoplay-policy=no-user-gesture-required", "--mute-audio"]
        # Chromium's own sandbox refuses to work for root, as in containers.
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        for flag in flags:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        self.cdp("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))
        self.size(*DESKTOP)

    def quit(self):
        self.driver.quit()

    def cdp(self, method, **parameters):
        return self.driver.execute_cdp_cmd(method, parameters)

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def size(self, width, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                 mobile=width < 600)

    def theme(self, name):
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        return self.js("return [...document.querySelectorAll(arguments[0])].map((each) => each.textContent.trim())",
                       selector)

    def click(self, selector):
        self.wait(lambda: self.one(selector).is_enabled(), f"{selector} to be there")
        self.one(selector).click()

    def wait(self, condition, what, seconds=60):
        """Waits until condition() is true and returns what it gave."""
        end = time.monotonic() + seconds
        while True:
            try:
                value = condition()
                if value:
                    return value
            except (StaleElementReferenceException, WebDriverException):
                pass
            if time.monotonic() > end:
                self.screenshot("timeout")
                raise AssertionError(f"waited {seconds} s for {what}; the page says:\n{self.one('body').text[:1500]}")
            time.sleep(0.1)

    def keys(self, *names, shift=False, control=False):
        """Presses keys as a keyboard does, wherever the focus is."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
                 "ArrowDown": 40, "Home": 36, "End": 35}
        for name in names:
            code = codes.get(name, ord(name[0].upper()))
            text = "\r" if name == "Enter" else name if len(name) == 1 and not control else ""
            event = {"key": name, "windowsVirtualKeyCode": code, "modifiers": (8 if shift else 0) + (2 if control else 0)}
            self.cdp("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **event)
            self.cdp("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text):
        self.cdp("Input.insertText", text=text)

    def focused(self):
        """What has the focus, in words: tag, id or class, and its name."""
        return self.js("""const at = document.activeElement;
          return [at.tagName.toLowerCase(), at.id || at.className, (at.getAttribute("aria-label") || at.textContent || "").trim()
            .slice(0, 60)].join(" | ")""")

    def screenshot(self, name):
        self.driver.save_screenshot(str(WORK / "screenshots" / f"{name}.png"))

    def downloaded(self, name):
        path = self.downloads / name
        self.wait(path.exists, f"the download {name}", 20)
        time.sleep(0.2)
        return path.read_text(encoding="utf-8")

    def problems(self):
        """What the browser's console complains of, failed requests and refused styles and scripts included."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
