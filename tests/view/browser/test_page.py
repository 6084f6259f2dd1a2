"""The page in a real browser: what one does to it, and what it then shows."""

import io

import ecsmpi
import numpy as np
from PIL import Image
import pytest

from support.browser import SECONDS, browser, served, wait_until
from support.viewed import FIELDS, TIMES, ball, begin, cell, write

SIZE = {"width": 1280, "height": 800}


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
        self.page.on(
            "request",
            lambda request: self.requests.append(request.url),
        )
        self.page.on(
            "pageerror",
            lambda error: self.errors.append(str(error)),
        )
        self.page.goto(running.url)
        self.page.wait_for_selector(".frame-text")
        wait_until(lambda: self.picture().max() > 100)

    def text(self, selector):
        return self.page.inner_text(selector)

    def picture(self):
        """(height, width, 3) of the scene alone."""
        png = self.page.locator(".picture").screenshot()
        return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)

    def settled(self):
        """The picture once two in a row are alike."""
        last = self.picture()

        def is_still():
            nonlocal last
            before, last = last, self.picture()
            return np.array_equal(before, last)

        wait_until(is_still)
        return last

    def frame_is(self, number):
        """Wait for the frame of this number, from 1."""
        wait_until(lambda: self.text(".frame-text") == f"frame {number} of {len(TIMES)}")
        wait_until(lambda: self.text(".time-text") == f"t = {TIMES[number - 1]:g} ms")

    def check(self, name, on=True):
        box = self.page.locator(f".{name} input[type=checkbox]")
        wait_until(lambda: box.count() == 1)
        if box.is_checked() != on:
            box.click()

    def choose(self, field, words):
        """Choose from a list."""
        self.page.locator(f".{field} .v-field").click()
        self.page.locator(f".v-overlay .v-list-item:has-text('{words}')").last.click()

    def click_picture(self, across=0.5, down=0.5):
        box = self.page.locator(".picture").bounding_box()
        x = box["x"] + across * box["width"]
        y = box["y"] + down * box["height"]
        self.page.mouse.click(x, y)


@pytest.fixture
def shown(chromium, path):
    with served(path) as running:
        page = Shown(chromium, running)
        yield page
        assert page.errors == []
        assert running.end() == 0
        assert "Traceback" not in running.text, running.text


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
    picture = shown.settled()
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 100
    warm = (picture[:, :, 0] > 120) & (picture[:, :, 2] < 100)
    assert warm.mean() > 0.01  # the bell in the middle


def test_time_moves_by_slider_and_keys(shown):
    last = shown.settled()
    slider = shown.page.locator(".time-slider .v-slider-track__background").bounding_box()
    shown.page.mouse.click(
        slider["x"] + 1,
        slider["y"] + slider["height"] / 2,
    )
    shown.frame_is(1)
    first = shown.settled()
    assert differs(first, last) > 0.02
    shown.page.keyboard.press("ArrowRight")
    shown.frame_is(2)
    shown.page.keyboard.press("End")
    shown.frame_is(5)
    shown.page.keyboard.press("ArrowLeft")
    shown.frame_is(4)
    shown.page.keyboard.press("Home")
    shown.frame_is(1)
    assert differs(shown.settled(), first) == 0


def test_play_goes_through_the_frames(shown):
    seen = set()

    def has_seen_all():
        seen.add(shown.text(".frame-text"))
        return len(seen) == len(TIMES)

    shown.page.keyboard.press(" ")
    wait_until(has_seen_all)
    shown.page.locator(".play").click()
    wait_until(lambda: shown.page.locator(".play .mdi-play").count() == 1)
    stopped = shown.text(".frame-text")
    shown.page.wait_for_timeout(1000)
    assert shown.text(".frame-text") == stopped


def value_shown(shown, number=0):
    wait_until(lambda: shown.page.locator(".trace").count() > number)
    place = shown.page.locator(".trace").nth(number).inner_text()
    numbers = place.partition("(")[2].partition(")")[0].split(",")
    value = shown.page.locator(".trace-value").nth(number).inner_text()
    return [float(one) for one in numbers], value


def test_click_traces_what_the_recording_has_there(shown, path):
    recording = ecsmpi.load(path)
    shown.click_picture()
    place, value = value_shown(shown)
    series = recording.series("k", place)
    assert value == f"{series[-1]:.6g} mM"
    assert series[-1] > 0.9 * ball(20.0).max()
    assert "k (mM)" in shown.text(".trace-chart")
    shown.page.keyboard.press("ArrowLeft")
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
    shown.choose("species", "na")
    expected = f"{recording.series('na', place)[-1]:.6g} mM"
    wait_until(lambda: value_shown(shown)[1] == expected)
    assert differs(shown.settled(), before) > 0.002
    shown.page.locator(".clear-traces").click()
    wait_until(lambda: shown.page.locator(".trace").count() == 0)


def test_dragging_turns_and_traces_nothing(shown):
    before = shown.settled()
    shown.page.mouse.move(700, 300)
    shown.page.mouse.down()
    shown.page.mouse.move(800, 360, steps=4)
    shown.page.mouse.up()
    wait_until(lambda: differs(shown.picture(), before) > 0.01)
    assert shown.page.locator(".trace").count() == 0
    shown.settled()
    shown.page.keyboard.press("r")
    wait_until(lambda: differs(shown.picture(), before) < 0.001)


def test_cells_are_switched(shown):
    shown.check("volume-on", False)
    with_cells = shown.settled()
    shown.check("cells-on", False)
    wait_until(lambda: differs(shown.picture(), with_cells) > 0.0005)
    without = shown.settled()
    shown.page.keyboard.press("c")
    wait_until(lambda: differs(shown.picture(), without) > 0.0005)
    assert differs(shown.settled(), with_cells) == 0


def test_slices_surfaces_and_thresholds_appear(shown):
    shown.check("volume-on", False)
    shown.check("cells-on", False)
    empty = shown.settled()
    shown.check("slice-x-on")
    wait_until(lambda: differs(shown.picture(), empty) > 0.02)
    assert "x = 5 µm" in shown.text(".slider-slice-x >> xpath=..")
    shown.check("slice-x-on", False)
    shown.check("surfaces-on")
    wait_until(lambda: differs(shown.settled(), empty) > 0.005)
    shown.check("surfaces-on", False)
    wait_until(lambda: differs(shown.settled(), empty) == 0)
    shown.check("between-on")
    wait_until(lambda: "voxels" in shown.text(".between-text"))
    wait_until(lambda: differs(shown.picture(), empty) > 0.005)


def test_light_background_and_what_is_wrong(shown):
    shown.check("dark", False)
    wait_until(lambda: shown.picture()[5, 5].min() > 240)
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
    assert waiting.value.suggested_filename == "k.png"
    assert saved.size == (2 * round(size["width"]), 2 * round(size["height"]))


def append(file, t):
    file.append(t, {name: field(t) for name, field in FIELDS.items()})


def test_frames_of_a_run_appear(chromium, tmp_path):
    path = tmp_path / "a.h5"
    with served(path, "--follow") as running:
        wait_until(lambda: "waits until a run begins it" in running.text)
        file = begin(path, cells=cell())
        append(file, 0.0)
        page = Shown(chromium, running)
        assert "following" in page.text(".v-footer")
        before = page.settled()
        append(file, 20.0)
        wait_until(lambda: page.text(".frame-text") == "frame 2 of 2")
        wait_until(lambda: page.text(".time-text") == "t = 20 ms")
        assert differs(page.settled(), before) > 0.01
        file.close()
        path.unlink()
        wait_until(lambda: page.page.locator(".problem").count() == 1)
        assert "there is no file" in page.text(".problem")
        write(path, times=(1.0, 2.0, 3.0))
        wait_until(lambda: page.text(".frame-text") == "frame 3 of 3")
        assert page.page.locator(".problem").count() == 0
        assert running.end() == 0
