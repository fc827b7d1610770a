"""Write the pages' numbers, draw their pictures, and copy row III's weights.

    python assets/evidence/report.py [--into FOLDER]

In each page the text between <!--NAME:FORMAT--> and <!----> becomes the value of that
name in values.py, in Python's format (".2f"; none: as it is). It needs tests/requirements.txt.
"""
import argparse
import pathlib
import re
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), *(str(HERE / room) for room in ("series", "stacks", "reference"))]

import lenet5
import pictures
import values
from constants import Constants
from support import mnist, weights
from support.reading import network_picture

PAGES = ["README.md", "assets/README.zh-CN.md", "assets/evidence/README.md"]
MARKED = re.compile(r"(<!--([\w.-]+)(?::([^>]+))?-->)(.*?)<!---->", re.DOTALL)
ROW_III = HERE / "series" / "keras-3" / "00.weights.h5"
STATISTICS = {"n": len, "mean": np.mean, "std": lambda runs: np.std(runs, ddof=1), "median": np.median,
              "min": np.min, "max": np.max, "each": list}       # of an array or a list


def find(known, name):
    """Return a name's value: known["NAME"]["KEY"] for NAME.KEY. Raises KeyError."""
    for key in name.split("."):
        known = STATISTICS[key](known) if isinstance(known, (list, np.ndarray)) else known[key]
    return known


def show(value, form):
    """Return a value as text: an array as mean ± standard deviation, a difference (a tuple) with its interval."""
    if isinstance(value, list):
        return ", ".join(show(each, form) for each in value)
    if isinstance(value, np.ndarray):
        return " ± ".join(show(STATISTICS[key](value), form) for key in ("mean", "std"))
    if isinstance(value, tuple):        # with spaces at which no line breaks
        return "{}\u00a0[{},\u00a0{}]".format(*(format(end, "+" + form) for end in value)).replace("-", "−")
    return format(value, form).replace("e-0", "e-")


def fill(page, known):
    """Return a page's text with the values between its markers. Raises ValueError for a marker without value or end."""
    def replace(found):
        marker, name, form, text = found.groups(default="")
        try:
            if "<!--" in text:
                raise KeyError("<!---->")
            return marker + show(find(known, name), form) + "<!---->"
        except KeyError as error:
            raise ValueError(f"{marker}: there is no {error}") from None
    return MARKED.sub(replace, page)


def draw(known):
    """Return the pictures' bytes by name; the network's is row III's, and shows the first test digit."""
    lenet, digits = lenet5.build_lenet(), mnist.load_digits()
    weights.load_weights(lenet, str(ROW_III))
    image, today = lenet5.pad_and_scale(digits["x_test"][:1])[0], values.load_series("keras-3")
    return {"LeNet-5": network_picture.draw_network(lenet, image), "reproduction": pictures.draw_reproduction(today),
            "misread": pictures.draw_misread(today, digits["x_test"], digits["y_test"]),
            "departures": pictures.draw_departures(known["departures"], Constants.PAPER["test_error"]),
            "stacks": pictures.draw_stacks(known["stacks"]["rows"])}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=pathlib.Path, default=ROOT, help="a folder in the repository's place")
    into, known = parser.parse_args().into, values.compute()
    files = {path: fill((ROOT / path).read_text(encoding="utf-8"), known).encode() for path in PAGES}
    files.update({f"assets/{name}.jpeg": jpeg for name, jpeg in draw(known).items()})
    files["assets/LeNet-5.weights.h5"] = ROW_III.read_bytes()
    for path, content in files.items():
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        (into / path).write_bytes(content)


if __name__ == "__main__":
    main()
