"""Starts `ecsmpi view`, and a headless browser that looks at its page."""

from contextlib import contextmanager
import os
from pathlib import Path
import re
import signal
import subprocess
import sys
import threading
import time
from urllib.parse import urlsplit

SECONDS = 90  # a busy machine takes long to draw
CHROMIUM = os.environ.get(
    "ECSMPI_CHROMIUM",
    "/usr/bin/chromium",
)


class Served:
    """A running `ecsmpi view`."""

    def __init__(self, process):
        self.process = process
        self.lines = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(line)

    @property
    def text(self):
        """What it has printed."""
        return "".join(self.lines)

    @property
    def url(self):
        """Its URL with the token, once it listens."""
        wait_until(lambda: "token=" in self.text or self.process.poll() is not None)
        found = re.search(r"http://\S+", self.text)
        assert found, self.text
        return found[0]

    @property
    def port(self):
        return urlsplit(self.url).port

    def end(self, number=signal.SIGINT):
        """Send a signal, and return the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(SECONDS)
        self._reader.join(SECONDS)
        return status


@contextmanager
def served(*words):
    """`ecsmpi view` with these words, and without a browser of its own."""
    command = Path(sys.executable).with_name("ecsmpi")
    process = subprocess.Popen(
        [command, "view", "--no-browser", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        yield Served(process)
    finally:
        process.kill()
        process.wait()


def wait_until(is_so, seconds=SECONDS):
    """Return what the function returns once that is true; fail after some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = is_so()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"not so after {seconds} s")


@contextmanager
def browser():
    """A headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox"],
        )
        yield chromium
        chromium.close()
