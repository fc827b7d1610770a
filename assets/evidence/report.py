"""Write the pages' numbers, draw their pictures, and copy row III's weights.

    python assets/evidence/report.py [--into FOLDER]

In each page the text between <!--NAME--> and <!----> becomes the value of that
name, which values.py takes from the files beside it. It needs tests/requirements.txt.
"""
import argparse
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE / "changes"), str(HERE / "reference")]

import lenet5
import pictures
import values
from constants import Constants
from support import mnist, weights
from support.reading import network_picture

PAGES = ["README.md", "assets/README.zh-CN.md", "assets/evidence/README.md"]
MARKED = re.compile(r"<!--([\w.-]+)-->(.*?)<!---->", re.DOTALL)
ROW_III = HERE / "series" / "keras-3" / "00.weights.h5"


def fill(page, known):
    """Return a page's text with the known values between their markers; raises ValueError for another name."""
    def replace(found):
        if found[1] not in known or "<!--" in found[2]:
            raise ValueError(f"<!--{found[1]}-->: there is no such value, or no <!----> behind it")
        return f"<!--{found[1]}-->{known[found[1]]}<!---->"
    return MARKED.sub(replace, page)


def draw():
    """Return the pictures' bytes by name; the network's is row III's, and shows the first test digit."""
    lenet, digits, paper = lenet5.build_lenet(), mnist.load_digits(), Constants.PAPER["test_error"]
    weights.load_weights(lenet, str(ROW_III))
    image = lenet5.pad_and_scale(digits["x_test"][:1])[0]
    today, published = values.load_series("keras-3"), values.group_departures()["none"][0].mean()
    return {"LeNet-5": network_picture.draw_network(lenet, image), "reproduction": pictures.draw_reproduction(today),
            "misread": pictures.draw_misread(today, digits["x_test"], digits["y_test"]),
            "departures": pictures.draw_departures(values.measure_departures(), published, paper)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=pathlib.Path, default=ROOT, help="a folder in the repository's place")
    into, known = parser.parse_args().into, values.compute()
    files = {path: fill((ROOT / path).read_text(encoding="utf-8"), known).encode() for path in PAGES}
    files.update({f"assets/{name}.jpeg": jpeg for name, jpeg in draw().items()})
    files["assets/LeNet-5.weights.h5"] = ROW_III.read_bytes()
    for path, content in files.items():
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        (into / path).write_bytes(content)


if __name__ == "__main__":
    main()
