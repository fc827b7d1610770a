"""assets/draw.html in headless Chromium: reads as Keras does, is drawn on and pointed at, fetches nothing."""
import os
import pathlib
import re

import numpy as np
import pytest
from PIL import Image

import draw
import lenet5
from conftest import ROOT
from support import mnist, weights
from support.reading.photographs import read_photograph

PAGE = pathlib.Path(ROOT, draw.PAGE)
LAPTOP, PHONE = {"width": 1280, "height": 720}, {"width": 390, "height": 844}
LAYERS = ["Input", "C1", "SP2", "C3", "SP4", "C5", "F6", "Output"]
STROKES = {"0": [[(.5 + .2 * np.sin(turn), .5 - .3 * np.cos(turn)) for turn in np.linspace(0, 2 * np.pi, 13)]],
           "1": [[(.5, .2), (.5, .8)]],         # in widths of the pad
           "4": [[(.4, .2), (.3, .55), (.7, .55)], [(.6, .3), (.6, .85)]],
           "7": [[(.3, .2), (.7, .2), (.45, .85)]]}


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="no playwright: tests/requirements.txt has it")
    with playwright.sync_playwright() as driver:
        browser = draw.launch_chromium(driver) or pytest.skip("no Chromium: on Debian, apt install chromium")
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
    assert {url for url in seen if not url.startswith("data:")} == {PAGE.as_uri()}     # its icon is data, and empty


def test_page_is_as_written(tmp_path):
    draw.main(["--into", str(tmp_path)])
    assert PAGE.read_bytes() == (tmp_path / draw.PAGE).read_bytes()
    assert PAGE.stat().st_size < 600_000


def test_picture(chromium, tmp_path):
    draw.take_picture(chromium, PAGE, tmp_path / "draw.jpeg")
    committed = pathlib.Path(ROOT, draw.PICTURE)
    assert Image.open(tmp_path / "draw.jpeg").width == Image.open(committed).width
    assert committed.stat().st_size < 1_000_000


def test_reads_as_keras_does(open_page):
    lenet, images = lenet5.build_lenet(), mnist.load_digits()["x_test"][:100]
    weights.load_weights(lenet, os.path.join(ROOT, draw.WEIGHTS))
    read = open_page().evaluate("digits => digits.map(read)", images.reshape(100, -1).tolist())
    np.testing.assert_allclose(read, lenet.predict(lenet5.pad_and_scale(images), verbose=0), rtol=0, atol=1e-4)


@pytest.mark.parametrize("digit", STROKES)
def test_drawn_by_mouse(open_page, digit):
    page = open_page(viewport=LAPTOP)
    for number, stroke in enumerate(STROKES[digit], 1):
        assert page.is_visible("#hint") == (number == 1)
        draw.draw_strokes(page, [stroke])
        assert page.evaluate("strokes.map(stroke => stroke.length)") == [len(one) for one in STROKES[digit][:number]]
    for element in "#digit", "#spoken", "#bars .read":
        assert page.inner_text(element).startswith(digit)
    inked = np.nonzero(np.reshape(page.evaluate("[...prepare(strokes)]"), (28, 28)))
    assert max(np.ptp(inked, axis=1)) + 1 in (20, 21)       # pixels, as MNIST's; 21 where it lies between two
    for button, left in ("clear", 0), ("test", 0), ("undo", 0), ("undo", number), ("undo", number - 1):
        page.click("#" + button)
        assert page.evaluate("strokes.length") == left
        assert page.is_visible("#hint") == (page.inner_text("#digit") == "Use mouse, pen or finger.")
    assert page.is_visible("#hint") == (number == 1)


def test_drawn_by_touch(open_page):
    page = open_page(viewport=PHONE, has_touch=True, is_mobile=True)
    box, touch = page.locator("#pad").bounding_box(), page.context.new_cdp_session(page)
    for stroke in STROKES["4"]:
        for number, (x, y) in enumerate(stroke[::-1]):      # upwards, which could scroll
            place = {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
            touch.send("Input.dispatchTouchEvent", {"type": "touchMove" if number else "touchStart",
                                                    "touchPoints": [place]})
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.inner_text("#digit").startswith("4")
    assert page.evaluate("scrollY") == 0
    page.click("#clear")
    page.click("#pad")
    assert 0 < page.evaluate("prepare(strokes).filter(value => value > 0).length") < 30     # a dot
    page.locator("#C3").tap()
    assert page.inner_text("#about").startswith("C3, map ")


@pytest.mark.parametrize("button", ["test", "misread"])
def test_digits_in_turn(open_page, button):
    digits = draw.load_misclassified()
    if button == "test":
        labels, missed = mnist.load_digits()["y_test"].tolist(), [index for index, _, _ in digits]
        digits = [(next(i for i, true in enumerate(labels) if true == label and i not in missed), label, label)
                  for label in range(10)]
    shown = open_page().evaluate("""([button, count]) => Array.from({length: count}, () => {
        find(button).click();
        return [find("digit").innerText, find("note").innerText, find("doubt").innerText,
                find("bars").querySelector(".true")?.innerText, Math.max(...layers.Output.values)];
    })""", [button, len(digits) + 1])
    for (read, note, doubt, bar, highest), (index, label, predicted) in zip(shown, digits + digits[:1], strict=True):
        assert (read[0], note) == (str(predicted), f"true label {label}, test digit {index}")
        assert bar is None if predicted == label else bar[0] == str(label)
        assert doubt == ("No digit is far ahead." if highest < .9 else "")
    assert button == "test" or any(doubt for _, _, doubt, _, _ in shown)


@pytest.mark.parametrize("name", LAYERS[:5])
def test_patch_is_what_a_unit_sees(open_page, name):
    page = open_page(viewport=LAPTOP)
    page.click("#test")
    box = page.locator(f"#{name}").bounding_box()
    place = {"x": box["x"] + .45 * box["width"], "y": box["y"] + .35 * box["height"]}      # at no map's edge
    page.mouse.click(**place)
    frame = page.locator(f"#{name} .frame").bounding_box()
    assert all(0 <= place[axis] - frame[axis] <= frame[side] for axis, side in (("x", "width"), ("y", "height")))
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    about = page.inner_text("#about")
    assert about == page.inner_text("#spoken")
    *unit, value, side, top, left = re.fullmatch(
        name + r", map (\d+), row (\d+), column (\d+): ([\d.]+)\. "
        r"It sees (\d+)×\5 pixels of the input, from row (\d+), column (\d+)\.", about).groups()
    (number, row, column), (side, top, left) = map(int, unit), map(int, (side, top, left))
    after = page.locator(f"#{name} .frame").bounding_box()
    np.testing.assert_allclose([frame[axis] - after[axis] for axis in "xy"], [frame["width"], frame["height"]], atol=.1)
    assert value == page.evaluate("""([name, row, column, map]) => [layers[name]].map(
        ({size, depth, values}) => values[(row * size + column) * depth + map].toFixed(2))""",
                                  [name, row, column, number])[0]
    noise = np.random.default_rng(0).integers(1, 32, (8, 32, 32))       # faint, or few units would be active

    def cut(*edges):
        """Return digits that are empty but for the patch, which misses a row or column at some edges."""
        seen = np.s_[:, top + edges[0]:top + side - edges[1], left + edges[2]:left + side - edges[3]]
        digits = np.zeros_like(noise)
        digits[seen] = noise[seen]
        return digits
    values = """([name, row, column, digits]) => digits.map(forward).flatMap(({[name]: {size, depth, values}}) =>
        [...values].splice((row * size + column) * depth, depth))"""
    whole, patch, *less = [page.evaluate(values, [name, row, column, digits[:, 2:30, 2:30].reshape(8, -1).tolist()])
                           for digits in (noise, cut(0, 0, 0, 0), *(cut(*edge) for edge in np.eye(4, dtype=int)))]
    assert patch == whole and all(one != whole for one in less)
    frame, box = page.evaluate("""["#Input .frame", "#Input"].map(
        name => document.querySelector(name).getBoundingClientRect().toJSON())""")
    np.testing.assert_allclose([32 * (frame[edge] - box[edge]) / box["width"] for edge in ("left", "top", "right")],
                               [left, top, left + side - 32], atol=.1)


def test_units_by_mouse_and_keyboard(open_page):
    page = open_page(viewport=LAPTOP)
    page.click("#misread")
    page.hover("#bars li:nth-child(6)")
    assert page.inner_text("#about").startswith("Output, unit 5: ") and page.is_visible("#patch")
    page.mouse.move(1, 1)
    assert page.is_hidden("#patch") and page.is_visible("#how")
    page.hover("#C5")
    pointed = page.inner_text("#about")
    page.click("#C5")
    clicked = page.inner_text("#about")
    page.hover("#F6")
    assert page.inner_text("#about").startswith("F6, unit ")
    page.mouse.move(1, 1)
    assert page.inner_text("#about") == clicked == pointed
    page.locator("#save").focus()
    for button in ["A test digit", "A digit it misreads", *LAYERS]:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.innerText || document.activeElement.id").startswith(
            button if button != "Output" else "0"), button
    page.keyboard.press("ArrowUp")      # it is the first already
    page.keyboard.press("ArrowDown")
    assert page.inner_text("#spoken").startswith("Output, unit 1: ")
    assert page.evaluate("[find('kernels').firstElementChild].map(({width, height}) => [width, height])") == [[35, 5]]


def test_saved_and_printed_on_paper(open_page, tmp_path):
    page = open_page(viewport=LAPTOP, color_scheme="dark")
    draw.draw_strokes(page, STROKES["4"])
    with page.expect_download() as download:
        page.click("#save")
    assert download.value.suggested_filename == "digit.png"
    download.value.save_as(tmp_path / "digit.png")
    picture = np.asarray(Image.open(tmp_path / "digit.png").convert("L"))
    assert picture[0, 0] == 255 and picture.min() < 50
    assert np.argmax(page.evaluate("read", read_photograph(tmp_path / "digit.png").digit.ravel().tolist())) == 4
    look = """() => [getComputedStyle(document.body).backgroundColor, ...["pad", "Input"].map(id => {
        const canvas = find(id).querySelector?.("canvas") ?? find(id);
        const pixel = new OffscreenCanvas(1, 1).getContext("2d");
        pixel.drawImage(canvas, 0, 0);
        return pixel.getImageData(0, 0, 1, 1).data[0];
    })]"""
    dark = page.evaluate(look)
    page.evaluate(f"addEventListener('beforeprint', () => window.printed = ({look})())")
    page.pdf()
    assert page.evaluate("printed") == ["rgb(255, 255, 255)", 255, 233]
    assert page.evaluate(look) == dark and dark[1] < 50 and dark[2] < 50
    assert page.evaluate("getComputedStyle(document.querySelector('#bars i')).printColorAdjust") == "exact"


@pytest.mark.parametrize("size,letters,seen", [
    (LAPTOP, 16, ["pad", "digit", "unit", *LAYERS, "legend"]), (PHONE, 16, ["pad", "digit"]), (PHONE, 32, [])])
def test_widths_and_dark_mode(open_page, size, letters, seen):
    page = open_page(viewport=size, color_scheme="light")
    page.add_style_tag(content=f":root {{ font-size: {letters}px !important }}")
    page.click("#misread")
    page.click("#F6")
    page.evaluate("scrollTo(0, 0)")
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
    assert not page.evaluate("""[...document.body.querySelectorAll("*")].map(element => element.getBoundingClientRect())
                                .filter(box => box.left < 0 || box.right > innerWidth).length""")
    assert not page.evaluate("""ids => ids.filter(id => {
        const boxes = [find(id), ...find(id).children].map(element => element.getBoundingClientRect());
        return Math.max(...boxes.map(box => box.bottom)) > innerHeight;
    })""", seen)
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.emulate_media(color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != background


def test_without_javascript(open_page):
    assert "JavaScript" in open_page(java_script_enabled=False).inner_text("header")
