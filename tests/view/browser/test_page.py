"""The page in a real browser: what one does to it, and what it then shows."""

import io
import json

import ecsmpi
import numpy as np
from PIL import Image
import pytest

from support.browser import SECONDS, browser, served, wait_until
from support.viewed import FIELDS, TIMES, ball, begin, cell, write

SIZE = {"width": 1280, "height": 800}

# What tests of the same page change, as it is at first.
FIRST = {
    "volume_on": True,
    "cells_on": True,
    "slice_x_on": False,
    "surfaces_on": False,
    "between_on": False,
    "dark": True,
    "limits_kind": "all",
}

# A promise that the page's scripts leave rejected: a call that failed on the server.
REJECTED = """
window.addEventListener("unhandledrejection", (event) =>
  console.log("rejected", JSON.stringify(event.reason)));
"""


@pytest.fixture(scope="module")
def chromium():
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return write(
        tmp_path_factory.mktemp("shown") / "a.h5",
        cells=cell(),
    )


class Shown:
    """A page that a browser shows."""

    def __init__(self, chromium, running):
        self.requests = []
        self.errors = []
        context = chromium.new_context(viewport=SIZE)
        self.page = context.new_page()
        self.page.set_default_timeout(1000 * SECONDS)
        self.page.on("request", lambda one: self.requests.append(one.url))
        self.page.on("console", self._keep_rejected)
        self.page.add_init_script(REJECTED)
        self.page.goto(running.url)
        self.page.wait_for_selector(".frame-text")
        wait_until(lambda: self.picture().max() > 100)
        self.first = self.settled()

    def _keep_rejected(self, message):
        if message.text.startswith("rejected"):
            self.errors.append(message.text)

    def begin(self):
        """Go back to the first view, whatever a test did before."""
        if self.page.locator(".clear-traces").count():
            self.page.locator(".clear-traces").click()
        self.page.evaluate(f"window.trame.state.update({json.dumps(FIRST)})")
        if self.text(".species .v-select__selection") != "k":
            self.choose("species", "k")
        for key in ("End", "r"):
            self.page.keyboard.press(key)
        wait_until(lambda: differs(self.settled(), self.first) == 0)

    def text(self, selector):
        return self.page.inner_text(selector)

    def picture(self):
        """(height, width, 3) of the scene alone."""
        png = self.page.locator(".picture").screenshot()
        picture = Image.open(io.BytesIO(png)).convert("RGB")
        return np.asarray(picture).astype(int)

    def drawings(self):
        """How often the scene was drawn, as the page knows."""
        return int(self.page.get_attribute(".picture", "data-drawings"))

    def settled(self):
        """The picture once several in a row are alike, and nothing was drawn meanwhile."""
        alike = 0
        last = (self.drawings(), self.picture())

        def is_still():
            nonlocal alike, last
            self.page.wait_for_timeout(250)
            before = last
            last = (self.drawings(), self.picture())
            is_same = before[0] == last[0] and np.array_equal(before[1], last[1])
            alike = alike + 1 if is_same else 0
            return alike == 3

        wait_until(is_still)
        return last[1]

    def after(self, action):
        """The picture after what an action changes."""
        drawings = self.drawings()
        action()
        wait_until(lambda: self.drawings() > drawings)
        return self.settled()

    def press(self, key):
        self.page.keyboard.press(key)

    def frame_is(self, number):
        """Wait for the frame of this number, from 1."""
        frame = f"frame {number} of {len(TIMES)}"
        moment = f"t = {TIMES[number - 1]:g} ms"
        wait_until(lambda: self.text(".frame-text") == frame)
        wait_until(lambda: self.text(".time-text") == moment)

    def check(self, name, on=True):
        """Switch something on or off, and return the picture."""
        box = self.page.locator(f".{name} input[type=checkbox]")
        wait_until(lambda: box.count() == 1)
        assert box.is_checked() != on
        return self.after(box.click)

    def choose(self, field, words):
        """Choose from a list."""
        self.page.locator(f".{field} .v-field").click()
        item = f".v-overlay .v-list-item:has-text('{words}')"
        self.page.locator(item).last.click()

    def click_picture(self, across=0.5, down=0.5):
        box = self.page.locator(".picture").bounding_box()
        x = box["x"] + across * box["width"]
        y = box["y"] + down * box["height"]
        self.page.mouse.click(x, y)


@pytest.fixture(scope="module")
def running(path):
    with served(path) as found:
        yield found
        assert found.end() == 0
        assert "Traceback" not in found.text, found.text


@pytest.fixture(scope="module")
def first_page(chromium, running):
    return Shown(chromium, running)


@pytest.fixture
def shown(first_page):
    first_page.begin()
    yield first_page
    assert first_page.errors == []


def differs(one, other):
    """The part of the pixels that differ plainly."""
    return (np.abs(one - other).max(axis=2) > 24).mean()


def test_page_shows_a_file_and_asks_this_machine_alone(shown):
    assert shown.text(".time-text") == "t = 20 ms"
    assert shown.text(".frame-text") == "frame 5 of 5"
    assert shown.page.title() == "ecsmpi view"
    assert "token" not in shown.page.url
    hosts = {url.split("/")[2] for url in shown.requests if "://" in url}
    assert len(hosts) == 1
    assert hosts.pop().startswith("127.0.0.1:")
    picture = shown.first
    colours = np.unique(picture.reshape(-1, 3), axis=0)
    assert len(colours) > 100
    warm = (picture[:, :, 0] > 120) & (picture[:, :, 2] < 100)
    assert warm.mean() > 0.01  # the bell in the middle


def test_time_moves_by_slider_and_keys(shown):
    track = ".time-slider .v-slider-track__background"
    slider = shown.page.locator(track).bounding_box()
    left = slider["x"] + 1
    middle = slider["y"] + slider["height"] / 2
    begun = shown.after(lambda: shown.page.mouse.click(left, middle))
    shown.frame_is(1)
    assert differs(begun, shown.first) > 0.02
    for key, number in (("ArrowRight", 2), ("End", 5), ("ArrowLeft", 4)):
        shown.press(key)
        shown.frame_is(number)
    again = shown.after(lambda: shown.press("Home"))
    shown.frame_is(1)
    assert differs(again, begun) == 0


def test_play_goes_through_the_frames(shown):
    seen = set()

    def has_seen_all():
        seen.add(shown.text(".frame-text"))
        return len(seen) == len(TIMES)

    shown.press(" ")
    wait_until(has_seen_all)
    shown.page.locator(".play").click()
    wait_until(lambda: shown.page.locator(".play .mdi-play").count() == 1)
    shown.settled()
    stopped = shown.text(".frame-text")
    shown.page.wait_for_timeout(1000)
    assert shown.text(".frame-text") == stopped


def value_shown(shown):
    """The place and the value of the only trace."""
    wait_until(lambda: shown.page.locator(".trace").count() == 1)
    text = shown.text(".trace")
    numbers = text.partition("(")[2].partition(")")[0]
    place = [float(one) for one in numbers.split(",")]
    return place, shown.text(".trace-value")


def test_click_traces_what_the_recording_has_there(shown, path):
    shown.click_picture()
    place, value = value_shown(shown)
    series = ecsmpi.load(path).series("k", place)
    assert value == f"{series[-1]:.6g} mM"
    assert series[-1] > 0.9 * ball(20.0).max()
    assert "k (mM)" in shown.page.text_content(".trace-chart")
    shown.press("ArrowLeft")
    shown.frame_is(4)
    wait_until(lambda: value_shown(shown)[1] == f"{series[-2]:.6g} mM")


def test_trace_at_a_point_and_of_another_species(shown, path):
    recording = ecsmpi.load(path)
    shown.page.locator(".point-text input").fill("-25 12 18")
    shown.page.locator(".point-text input").press("Enter")
    place, value = value_shown(shown)
    assert place == [-25, 12, 18]
    assert value == f"{recording.series('k', place)[-1]:.6g} mM"
    before = shown.settled()
    after = shown.after(lambda: shown.choose("species", "na"))
    expected = f"{recording.series('na', place)[-1]:.6g} mM"
    wait_until(lambda: value_shown(shown)[1] == expected)
    assert differs(after, before) > 0.002
    shown.page.locator(".clear-traces").click()
    wait_until(lambda: shown.page.locator(".trace").count() == 0)


def test_dragging_turns_and_traces_nothing(shown):
    shown.page.mouse.move(700, 300)
    shown.page.mouse.down()
    shown.page.mouse.move(800, 360, steps=4)
    shown.page.mouse.up()
    wait_until(lambda: differs(shown.picture(), shown.first) > 0.01)
    assert shown.page.locator(".trace").count() == 0
    shown.settled()
    shown.press("r")
    wait_until(lambda: differs(shown.picture(), shown.first) == 0)


def test_cells_are_switched(shown):
    with_cells = shown.check("volume-on", False)
    without = shown.check("cells-on", False)
    assert differs(without, with_cells) > 0.0005
    again = shown.after(lambda: shown.press("c"))
    assert differs(again, with_cells) == 0


def test_slices_surfaces_and_thresholds_appear(shown):
    shown.check("volume-on", False)
    empty = shown.check("cells-on", False)
    assert differs(shown.check("slice-x-on"), empty) > 0.02
    assert "x = 5 µm" in shown.text(".slider-slice-x >> xpath=..")
    assert differs(shown.check("slice-x-on", False), empty) == 0
    assert differs(shown.check("surfaces-on"), empty) > 0.005
    assert differs(shown.check("surfaces-on", False), empty) == 0
    assert differs(shown.check("between-on"), empty) > 0.005
    count = int((ball(20.0) >= between_from(shown)).sum())
    assert shown.text(".between-text").startswith(f"{count} voxels")


def between_from(shown):
    """The lower end of the threshold."""
    ends = shown.page.evaluate("window.trame.state.get('between_ends')")
    return ends[0]


def test_light_background_and_what_is_wrong(shown):
    light = shown.check("dark", False)
    assert light[5, 5].min() > 240
    shown.choose("limits", "given")
    field = shown.page.locator(".limits-lo input")
    wait_until(field.is_enabled)
    field.fill("99")
    field.press("Tab")
    wait_until(lambda: shown.page.locator(".problem").count() == 1)
    assert "give lo < hi" in shown.text(".problem")
    shown.choose("limits", "all values")
    wait_until(lambda: shown.page.locator(".problem").count() == 0)


def test_picture_is_saved(shown):
    with shown.page.expect_download() as waiting:
        shown.page.locator(".mdi-camera").click()
    saved = Image.open(waiting.value.path())
    size = shown.page.locator(".picture").bounding_box()
    expected = (2 * round(size["width"]), 2 * round(size["height"]))
    assert waiting.value.suggested_filename == "k.png"
    assert saved.size == expected


def append(file, t):
    file.append(t, {name: field(t) for name, field in FIELDS.items()})


def test_frames_of_a_run_appear(chromium, tmp_path):
    path = tmp_path / "a.h5"
    with served(path, "--follow") as running:
        wait_until(lambda: "waits until a run begins it" in running.text)
        file = begin(path, cells=cell())
        append(file, 0.0)
        shown = Shown(chromium, running)
        assert "following" in shown.text(".v-footer")
        append(file, 20.0)
        wait_until(lambda: shown.text(".frame-text") == "frame 2 of 2")
        wait_until(lambda: shown.text(".time-text") == "t = 20 ms")
        assert differs(shown.settled(), shown.first) > 0.01
        file.close()
        path.unlink()
        wait_until(lambda: shown.page.locator(".problem").count() == 1)
        assert "there is no file" in shown.text(".problem")
        write(path, times=(1.0, 2.0, 3.0))
        wait_until(lambda: shown.text(".frame-text") == "frame 3 of 3")
        wait_until(lambda: shown.page.locator(".problem").count() == 0)
        assert shown.errors == []
        assert running.end() == 0
