"""assets/draw.html in headless Chromium: reads as Keras does, is drawn on by mouse and touch, fetches nothing."""
import os
import pathlib
import shutil
import sys

import numpy as np
import pytest

import lenet5
from conftest import ROOT
from support import mnist, weights

sys.path.insert(0, os.path.join(ROOT, "assets", "evidence"))
import draw         # noqa: E402

PAGE = pathlib.Path(ROOT, draw.PAGE)
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
STROKES = {"0": [[(.5 + .2 * np.sin(turn), .5 - .3 * np.cos(turn)) for turn in np.linspace(0, 2 * np.pi, 13)]],
           "1": [[(.5, .2), (.5, .8)]],         # in widths of the pad
           "4": [[(.4, .2), (.3, .55), (.7, .55)], [(.6, .3), (.6, .85)]],
           "7": [[(.3, .2), (.7, .2), (.45, .85)]]}


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: tests/requirements.txt has it")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not path:
        pytest.skip("no Chromium: on Debian, apt install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])     # root has none in a container
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """A function that opens the page; in the end it has fetched nothing but itself, and there was no message."""
    seen = []

    def open_with(**options):
        page = chromium.new_page(**options)
        page.on("request", lambda request: seen.append(request.url))
        page.on("console", lambda message: seen.append(message.text))
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.goto(PAGE.as_uri())
        return page
    yield open_with
    assert set(seen) - {"data:,"} == {PAGE.as_uri()}       # and its empty icon


def place_on_pad(page, stroke):
    box = page.locator("#pad").bounding_box()
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]


def test_page_is_as_written(tmp_path):
    draw.main(["--into", str(tmp_path)])
    assert PAGE.read_bytes() == (tmp_path / draw.PAGE).read_bytes()
    assert PAGE.stat().st_size < 600_000


def test_reads_as_keras_does(open_page):
    lenet, images = lenet5.build_lenet(), mnist.load_digits()["x_test"][:100]
    weights.load_weights(lenet, os.path.join(ROOT, draw.WEIGHTS))
    read = open_page().evaluate("digits => digits.map(read)", images.reshape(100, -1).tolist())
    np.testing.assert_allclose(read, lenet.predict(lenet5.pad_and_scale(images), verbose=0), rtol=0, atol=1e-4)


@pytest.mark.parametrize("digit", STROKES)
def test_drawn_by_mouse(open_page, digit):
    page = open_page(viewport=DESKTOP)
    for stroke in STROKES[digit]:
        assert page.is_visible("#hint") == (stroke is STROKES[digit][0])
        start, *others = place_on_pad(page, stroke)
        page.mouse.move(*start)
        page.mouse.down()
        for place in others:
            page.mouse.move(*place)
        page.mouse.up()
    for element in "#digit", "#spoken", "#bars .read":
        assert page.inner_text(element).startswith(digit)
    inked = np.nonzero(np.reshape(page.evaluate("[...prepare(strokes)]"), (28, 28)))
    assert max(np.ptp(inked, axis=1)) + 1 in (20, 21)       # pixels, as MNIST's; 21 where it lies between two
    page.click("#clear")
    assert page.inner_text("#digit") == "Use mouse, pen or finger."


def test_drawn_by_touch(open_page):
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    touch = page.context.new_cdp_session(page)
    for stroke in STROKES["4"]:
        for number, (x, y) in enumerate(place_on_pad(page, stroke[::-1])):      # upwards, which could scroll
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove" if number else "touchStart",
                                                    "touchPoints": [{"x": x, "y": y}]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.inner_text("#digit").startswith("4")
    assert page.evaluate("scrollY") == 0
    page.click("#clear")
    page.click("#pad")
    assert 0 < page.evaluate("prepare(strokes).filter(value => value > 0).length") < 30     # a dot


def test_misread_digits_in_turn(open_page):
    digits = draw.load_misclassified()
    shown = open_page().evaluate("""count => Array.from({length: count}, () => {
        find("misread").click();
        return ["#digit", "#note", "#bars .true"].map(element => document.querySelector(element).innerText);
    })""", len(digits) + 1)
    for (read, note, bar), (index, label, predicted) in zip(shown, digits + digits[:1], strict=True):
        assert (read[0], note, bar[0]) == (str(predicted), f"true label {label}, test digit {index}", str(label))


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_keyboard_widths_and_dark_mode(open_page, size):
    page = open_page(viewport=size, color_scheme="light")
    for name in "Clear", "A digit it misreads":
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.innerText") == name
    page.keyboard.press("Enter")
    assert "true label" in page.inner_text("#spoken")
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    assert not page.evaluate("""[...document.body.querySelectorAll("*")].map(element => element.getBoundingClientRect())
                                .filter(box => box.left < 0 || box.right > innerWidth).length""")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != background
