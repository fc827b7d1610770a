"""Write the trained weights and some test digits into assets/draw.html; take the README's picture of it.

    python assets/evidence/draw.py [--into FOLDER]                  the page
    python assets/evidence/draw.py --screenshot [--into FOLDER]     the page, and assets/draw.jpeg from it

The page is its own template: what stands in its elements "weights" and "digits"
is replaced, by assets/LeNet-5.weights.h5, by the first test digit of each class
that these weights read, and by all that they misread. With a folder, the files
are written there instead. The picture takes playwright and Chromium, and looks
as its fonts do; here they are Debian's DejaVu.
"""
import argparse
import base64
import json
import pathlib
import re
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import lenet5       # before keras, for it loads Keras without chatter
from support import mnist, weights

PAGE, PICTURE = "assets/draw.html", "assets/draw.jpeg"
WEIGHTS = "assets/LeNet-5.weights.h5"
RECORD = "assets/evidence/series/keras-3/00.json"       # of the run with these weights
WIDTH = 680             # of the page in the picture, in pixels; its letters are legible where it is shown 390 wide
MARGIN = 16             # around the page's middle part, in pixels
# Corners of a line around a 3, in widths of the pad
HAND = [(.30, .31), (.29, .20), (.40, .12), (.62, .11), (.72, .24), (.68, .40), (.54, .47), (.42, .475),
        (.42, .475), (.57, .47), (.73, .55), (.75, .74), (.63, .88), (.43, .90), (.28, .81), (.26, .72)]
# Points at the unit of SP4 with the highest value
POINT = """
    const {size, depth, values} = layers.SP4, highest = values.indexOf(Math.max(...values));
    const map = highest % depth, pixel = Math.floor(highest / depth);
    kept = {name: "SP4", x: map % 4 * size + pixel % size, y: Math.floor(map / 4) * size + Math.floor(pixel / size)};
    showUnit();
"""


def encode_weights():
    """Return float32, little endian, in Keras' order: of each layer the kernel, then the bias."""
    lenet = lenet5.build_lenet()
    weights.load_weights(lenet, str(ROOT / WEIGHTS))
    return base64.b64encode(b"".join(weight.astype("<f4").tobytes() for weight in lenet.get_weights())).decode()


def load_misclassified():
    return json.loads((ROOT / RECORD).read_text(encoding="utf-8"))["misclassified"]


def encode_digits():
    """Return JSON of two lists, a digit a line: its place in the test set, its label, its 28x28 bytes."""
    digits = mnist.load_digits()
    labels, misread = digits["y_test"].tolist(), [index for index, _, _ in load_misclassified()]
    test = [next(index for index, true in enumerate(labels) if true == label and index not in misread)
            for label in range(10)]

    def encode_list(indices):
        return ",\n".join(json.dumps({
            "index": index, "label": labels[index],
            "pixels": base64.b64encode(digits["x_test"][index].tobytes()).decode()}) for index in indices)
    return f'{{"test": [\n{encode_list(test)}\n], "misread": [\n{encode_list(misread)}\n]}}'


def fill(page, name, content):
    """Return the page with the content of one of its data elements replaced."""
    return re.sub(f'(<script type="[^"]*" id="{name}">).*?(</script>)',
                  lambda found: found[1] + content + found[2], page, flags=re.DOTALL)


def launch_chromium(playwright):
    """Return Chromium, or None where it is not installed; playwright: what its sync_playwright yields."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    return path and playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])     # it may run as root


def round_off(corners):
    """Return the points of a smooth curve along some corners, which are cut off again and again."""
    for _ in range(3):
        cut = [(a + share * (c - a), b + share * (d - b))
               for (a, b), (c, d) in zip(corners, corners[1:]) for share in (.25, .75)]
        corners = [corners[0], *cut, corners[-1]]
    return corners


def draw_strokes(page, strokes):
    """Draw on the pad with the mouse; strokes: points in widths of the pad."""
    box = page.locator("#pad").bounding_box()
    for stroke in strokes:
        start, *others = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*start)
        page.mouse.down()
        for place in others:
            page.mouse.move(*place)
        page.mouse.up()


def take_picture(browser, source, target):
    page = browser.new_page(viewport={"width": WIDTH, "height": 1200}, device_scale_factor=2)
    page.goto(pathlib.Path(source).absolute().as_uri())
    draw_strokes(page, [round_off(HAND)])
    page.evaluate(f"() => {{{POINT}}}")
    box = page.locator("main").bounding_box()
    page.screenshot(path=target, type="jpeg", quality=85, clip={
        "x": 0, "y": box["y"] - MARGIN / 2, "width": WIDTH, "height": box["height"] + MARGIN})


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--screenshot", action="store_true", help="also take the README's picture of the page")
    parser.add_argument("--into", type=pathlib.Path, default=ROOT, help="a folder in the repository's place")
    arguments = parser.parse_args(arguments)
    path = arguments.into / PAGE
    page = fill((ROOT / PAGE).read_bytes().decode(), "weights", encode_weights())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(fill(page, "digits", encode_digits()).encode())
    if arguments.screenshot:
        from playwright.sync_api import sync_playwright     # which the page alone does not take
        with sync_playwright() as playwright:
            browser = launch_chromium(playwright) or sys.exit("draw.py: no Chromium: on Debian, apt install chromium")
            take_picture(browser, path, arguments.into / PICTURE)


if __name__ == "__main__":
    main()
