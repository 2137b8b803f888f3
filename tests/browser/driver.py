"""A headless browser for tests, spoken to over two pipes in the DevTools protocol: nothing listens on a port."""

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.browser import install

WAIT_SECONDS = 60.0  # for one answer, on a machine that does other things as well
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
FONTS = "<fontconfig><dir>{own}</dir><dir>/usr/share/fonts</dir><cachedir>{cache}</cachedir></fontconfig>"


def find():
    """The program of a browser, or None: the one that `make browser` installs, else one of the system's."""
    if (install.TARGET / "chromium").is_file():
        return str(install.TARGET / "chromium")
    found = [path for path in map(shutil.which, NAMES) if path]
    found += [path for path in APPLICATIONS if Path(path).is_file()]
    return found[0] if found else None


# It is spoken to by the descriptors 3 and 4, whatever they were before; those of pipes are not inherited otherwise.
LAUNCH = """
import fcntl, os, sys
high = [fcntl.fcntl(int(word), fcntl.F_DUPFD, 10) for word in sys.argv[1:3]]
for place, descriptor in zip((3, 4), high):
    os.dup2(descriptor, place)
    os.close(descriptor)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Browser:
    """One page in one browser, which ends with the `with` block."""

    def __init__(self, folder):
        """Starts the browser; its profile and what it downloads go to a folder."""
        self.downloads = folder / "downloads"
        (folder / "fonts.conf").write_text(FONTS.format(own=install.TARGET / "fonts", cache=folder), encoding="utf-8")
        theirs, self._out = os.pipe()
        self._in, theirs_too = os.pipe()
        words = [
            find(),
            "--headless",
            "--no-sandbox",  # its sandbox needs rights that containers lack; it opens our own page alone
            "--no-zygote",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--remote-debugging-pipe",
            f"--user-data-dir={folder / 'profile'}",
            "about:blank",
        ]
        self._process = subprocess.Popen(
            [sys.executable, "-c", LAUNCH, str(theirs), str(theirs_too), *words],
            pass_fds=(theirs, theirs_too),
            env={
                **os.environ,
                "LD_LIBRARY_PATH": str(install.TARGET / "lib"),
                "FONTCONFIG_FILE": str(folder / "fonts.conf"),
            },
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(theirs_too)
        self._buffer, self._number, self._session = b"", 0, None
        self.events = []

    def __enter__(self):
        """Opens an empty page, of which every error is kept."""
        try:
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _begin(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __exit__(self, *failure):
        """Ends the browser."""
        self._session = None
        with contextlib.suppress(OSError, AssertionError):  # it may have ended by itself
            self.call("Browser.close")
        os.close(self._out)
        os.close(self._in)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def call(self, method, **arguments):
        """What a command of the protocol returns."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": arguments}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def open(self, path, script=True):
        """Opens a file, with or without scripts allowed, and waits until it is all there."""
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.events.clear()
        self.call("Page.navigate", url=path.as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def ask(self, expression):
        """The value of a JavaScript expression on the page."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def click(self, selector):
        """Clicks with the mouse on the first element that a selector names; of a broken one on its first line."""
        element = f"document.querySelector({json.dumps(selector)})"
        self.ask(f"{element}.scrollIntoView({{block: 'center', behavior: 'instant'}})")
        x, y = self.ask(f"(r => [r.x + r.width / 2, r.y + r.height / 2])({element}.getClientRects()[0])")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def download(self, selector):
        """The text of the file that a click on a link saves."""
        self.downloads.mkdir(exist_ok=True)
        self.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(self.downloads))
        self.click(selector)
        name, end = (
            self.ask(f"document.querySelector({json.dumps(selector)}).download"),
            time.monotonic() + WAIT_SECONDS,
        )
        while not (self.downloads / name).is_file():
            assert time.monotonic() < end, f"{name} was not saved"
            time.sleep(0.02)
        return (self.downloads / name).read_text(encoding="utf-8")

    def picture(self, path):
        """Saves what is seen as PNG."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    def problems(self):
        """What the page complained of, and every address that it asked for but its own."""
        told = ("Runtime.exceptionThrown", "Log.entryAdded")
        found = [event["params"] for event in self.events if event.get("method") in told]
        asked = [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return found + [url for url in asked if not url.startswith(("file:", "data:"))]

    def _next(self):
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], WAIT_SECONDS)
            assert ready, f"the browser said nothing for {WAIT_SECONDS:g} s"
            part = os.read(self._in, 1 << 20)
            assert part, "the browser ended"
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(message)
